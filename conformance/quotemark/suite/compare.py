"""Field-by-field comparison of an engine's answer with the reference's.

Tolerance: relative 1e-9 with an absolute floor of 1e-12. Both sides compute the same formula in
double precision; the longest chain (a cycle's expected PnL after hundreds of filter updates) loses
four digits of sixteen, and maths libraries differ by an ULP, so 1e-9 leaves three digits to spare
and is still a millionth of any reading that was rejected. Decisions (side, kill, event, number of
levels) are compared exactly, except on the ties of D-20 and D-42.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import Struct

from quotemark.messages import Answer, Json, Ok, Rejected

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
TIE = 1e-9  # of expected PnL in bp (D-20), and of a tick (D-42)


class Difference(Struct, frozen=True):
    """Where an answer departs from the expected one."""

    field: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected!r}, got {self.got!r}{_distance(self)}"


def _distance(difference: Difference) -> str:
    expected, got = difference.expected, difference.got
    if isinstance(expected, float) and isinstance(got, int | float) and expected:
        return f" (relative distance {abs(got - expected) / abs(expected):.2g})"
    return ""


def is_close(expected: float, got: float) -> bool:
    """Whether two finite figures agree within the suite's tolerance."""
    allowed = max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * max(abs(expected), abs(got)))
    return abs(expected - got) <= allowed < math.inf


def first_difference(expected: Answer, got: Answer, fields: Collection[str]) -> Difference | None:
    """First difference between two answers in the declared ``fields``; ``None`` if they agree."""
    if type(expected) is not type(got):
        return Difference("status", _status(expected), _status(got))
    if isinstance(expected, Rejected) and isinstance(got, Rejected):
        if expected.code != got.code:
            return Difference("code", expected.code, got.code)
        return None
    if isinstance(expected, Ok) and isinstance(got, Ok):
        return _observation_difference(expected.observation, got.observation, fields)
    return None


def _status(answer: Answer) -> str:
    if isinstance(answer, Rejected):
        return f"rejected ({answer.code}: {answer.message})"
    return "ok" if isinstance(answer, Ok) else f"unsupported ({answer.reason})"


def _observation_difference(
    expected: Json, got: Json, fields: Collection[str]
) -> Difference | None:
    for name in got:
        if name not in fields or name not in expected:
            return Difference(name, "no such field declared", got[name])
    # inner figures first: they are the cause, the quotes the consequence
    for name, value in sorted(expected.items(), key=lambda item: item[0] in ("bids", "asks")):
        if name not in fields:
            continue
        if name not in got:
            return Difference(name, value, "nothing")
        if name in ("bids", "asks"):
            difference = _quotes_difference(name, expected, got[name], fields)
        else:
            difference = _value_difference(name, value, got[name])
        if difference is not None:
            return difference
    return None


def _value_difference(name: str, expected: Any, got: Any) -> Difference | None:  # noqa: ANN401
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple) or len(expected) != len(got):
            return Difference(name, expected, got)
        pairs = zip(expected, got, strict=True)
        return _first((f"{name}[{index}]", *pair) for index, pair in enumerate(pairs))
    if isinstance(expected, dict):
        if not isinstance(got, dict) or expected.keys() != got.keys():
            return Difference(name, expected, got)
        return _first((f"{name}.{key}", one, got[key]) for key, one in expected.items())
    if isinstance(expected, float) and _is_number(got):
        return None if is_close(expected, got) else Difference(name, expected, got)
    same = type(expected) is type(got) and expected == got
    return None if same else Difference(name, expected, got)


def _first(parts: Iterable[tuple[str, Any, Any]]) -> Difference | None:
    differences = (_value_difference(*part) for part in parts)
    return next((found for found in differences if found is not None), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _quotes_difference(
    side: str,
    expected: Json,
    got: Any,  # noqa: ANN401
    fields: Collection[str],
) -> Difference | None:
    quotes = expected[side]
    if _has_tie(side, expected):
        return None
    if not isinstance(got, list) or len(got) != len(quotes):
        return Difference(f"number of {side}", len(quotes), _count(got))
    for index, (quote, other) in enumerate(zip(quotes, got, strict=True)):
        for name in quote:
            if f"quote.{name}" not in fields:
                continue
            place = f"{side}[{index}].{name}"
            if name not in other:
                return Difference(place, quote[name], "nothing")
            difference = _value_difference(place, quote[name], other[name])
            if difference is not None and not (
                name == "price" and _on_tick_boundary(side, expected, quote, other["price"])
            ):
                return difference
    return None


def _count(got: object) -> object:
    return len(got) if isinstance(got, list) else got


def _has_tie(side: str, expected: Json) -> bool:
    """Whether a level's expected PnL is so near 0 that either decision conforms (D-20)."""
    pnls: Sequence[Sequence[float]] | None = expected.get("expected_pnl_bps")
    if pnls is None:
        return False
    return any(abs(pnl) < TIE for pnl in pnls[0 if side == "bids" else 1])


def _on_tick_boundary(side: str, expected: Json, quote: Json, price: Any) -> bool:  # noqa: ANN401
    """Whether the unrounded price lies so near a tick that its neighbour conforms too (D-42)."""
    if not {"tick", "depth_bps"} <= quote.keys() or "mid" not in expected:
        return False  # an engine beside itself, of which not all is seen
    mid, tick = expected["mid"], quote["tick"]
    if not _is_number(price) or not is_close(abs(price - quote["price"]), tick):
        return False
    sign = -1.0 if side == "bids" else 1.0
    ticks = mid * (1.0 + sign * quote["depth_bps"] / 1e4) / tick
    return bool(abs(ticks - round(ticks)) <= TIE)
