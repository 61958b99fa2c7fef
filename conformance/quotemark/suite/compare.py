"""Field-by-field comparison of an engine's answer with the reference's.

Tolerance: relative 1e-9 with an absolute floor of 1e-12. Both sides compute the same formula in
double precision; the longest chain (a cycle's expected PnL after hundreds of filter updates) loses
four digits of sixteen, and maths libraries differ by an ULP, so 1e-9 leaves three digits to spare
and is still a millionth of any reading that was rejected. Decisions (side, kill, event, number of
levels) are compared exactly, except on the ties of D-20 and D-42.

Whatever an engine puts in the place of a figure, a list or an object is compared, and differs; it
never stops the comparison.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from quotemark.case import Case, Trace
from quotemark.messages import (
    QUOTE_FIELDS,
    Answer,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    Unsupported,
)

RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
TIE = 1e-9  # of expected PnL in bp (D-20), and of a tick (D-42)

_encoder = msgspec.json.Encoder()

AT_OPENING = -1
"""Index of a departure in the answer to ``open``, before any step."""

NOT_DECLARED = "no such field declared"
"""What is expected of a field that the engine did not declare."""

CAUSES = (
    *("theta_per_s", "process_noise", "vol_ratio", "as_ratio_adjustment", "sigma_bps_per_sqrt_s"),
    *("flow_imbalance", "book_imbalances", "funding_zscore"),
    *("composite_parts", "drift_observations", "drift_variance"),
)
CONSEQUENCES = ("bids", "asks")
_ORDER = {name: place - len(CAUSES) for place, name in enumerate(CAUSES)}
_ORDER |= dict.fromkeys(CONSEQUENCES, 1)
"""Of a cycle's fields, those from which others follow are compared first, the quotes last."""


class Difference(Struct, frozen=True):
    """Where an answer departs from the expected one."""

    field: str
    expected: Any
    got: Any

    @property
    def relative(self) -> float | None:
        """Relative distance of two figures."""
        return relative_distance(self.expected, self.got)

    @property
    def ulp(self) -> int | None:
        """Distance of two figures in ULP."""
        return ulp_distance(self.expected, self.got)

    def __str__(self) -> str:
        relative = "" if self.relative is None else f" (relative distance {self.relative:.2g})"
        return f"{self.field}: expected {self.expected!r}, got {self.got!r}{relative}"


def relative_distance(expected: object, got: object) -> float | None:
    """Distance of two figures over the expected one; ``None`` where that is 0 or not finite."""
    one, other = figure_of(expected), figure_of(got)
    if one is None or other is None or one == 0.0:
        return None
    distance = abs(other - one) / abs(one)
    return distance if math.isfinite(distance) else None


def ulp_distance(expected: object, got: object) -> int | None:
    """Count of doubles from one figure to the other; ``None`` where either is no finite figure."""
    one, other = figure_of(expected), figure_of(got)
    return None if one is None or other is None else abs(_place(one) - _place(other))


def figure_of(value: object) -> float | None:
    """The finite double that ``value`` is; ``None`` where it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        figure = float(value)
    except OverflowError:  # a whole number beyond all doubles
        return None
    return figure if math.isfinite(figure) else None


def _place(figure: float) -> int:
    """Place of a double in the order of all doubles; 0 is that of both zeros."""
    (bits,) = struct.unpack("<q", struct.pack("<d", figure))
    place: int = bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF)
    return place


def is_close(expected: object, got: object) -> bool:
    """Whether both are finite figures that agree within the suite's tolerance."""
    if not isinstance(expected, float) or not isinstance(got, float):
        expected, got = figure_of(expected), figure_of(got)
        if expected is None or got is None:
            return False
    allowed = max(ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE * max(abs(expected), abs(got)))
    return abs(expected - got) <= allowed < math.inf


def first_departure(
    case: Case, expected: Trace, got: Trace, fields: Collection[str]
) -> tuple[int, Difference] | None:
    """Index of the first step of ``case`` that is answered otherwise, and the difference.

    The index is ``AT_OPENING`` where the session did not open alike.
    """
    difference = opening_difference(case.config, expected.opened, got.opened)
    if difference is not None:
        return AT_OPENING, difference
    for index, (one, other) in enumerate(zip(expected.answers, got.answers, strict=False)):
        difference = first_difference(one, other, fields)
        if difference is not None:
            return index, difference
    counts = len(expected.answers), len(got.answers)
    if counts[0] != counts[1]:
        return min(counts), Difference("number of answers", *counts)
    return None


def opening_difference(config: Json, expected: OpenAnswer, got: OpenAnswer) -> Difference | None:
    """First difference between two answers to opening with ``config``.

    Only keys that were given are compared: the others are the engine's own defaults.
    """
    if type(expected) is not type(got):
        return Difference("status", status_of(expected), status_of(got))
    if isinstance(expected, Rejected) and isinstance(got, Rejected) and expected.code != got.code:
        return Difference("code", expected.code, got.code)
    if isinstance(expected, Opened) and isinstance(got, Opened):
        for key in (one for one in config if one in expected.config):
            if not _is_same_setting(expected.config[key], got.config.get(key)):
                return Difference(
                    f"effective config {key}", expected.config[key], got.config.get(key)
                )
    return None


def _is_same_setting(expected: object, got: object) -> bool:
    if isinstance(expected, float):
        return is_close(expected, got)
    if isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        return len(expected) == len(got) and all(map(_is_same_setting, expected, got))
    return expected == got


def first_difference(expected: Answer, got: Answer, fields: Collection[str]) -> Difference | None:
    """First difference between two answers in the declared ``fields``; ``None`` if they agree."""
    if type(expected) is not type(got):
        return Difference("status", status_of(expected), status_of(got))
    if isinstance(expected, Rejected) and isinstance(got, Rejected):
        if expected.code != got.code:
            return Difference("code", expected.code, got.code)
        return None
    if isinstance(expected, Ok) and isinstance(got, Ok):
        if _is_identical(expected.observation, got.observation, fields):
            return None
        return _observation_difference(expected.observation, got.observation, fields)
    return None


def _is_identical(expected: Json, got: Json, fields: Collection[str]) -> bool:
    """Whether two observations are the same to the last bit, and all of it is declared.

    Most are, and so need not be compared figure by figure. Equality alone would take 1 for 1.0, and
    the encoding alone NaN for null.
    """
    return (
        expected == got
        and _encoder.encode(expected) == _encoder.encode(got)
        and all(name in fields for name in expected)
        and ("bids" not in expected or all(name in fields for name in QUOTE_FIELDS))
    )


def status_of(answer: Answer | OpenAnswer) -> str:
    """Status of an answer, with the reason where it is not ``ok``."""
    if isinstance(answer, Rejected):
        return f"rejected ({answer.code}: {answer.message})"
    return f"unsupported ({answer.reason})" if isinstance(answer, Unsupported) else "ok"


def _observation_difference(
    expected: Json, got: Json, fields: Collection[str]
) -> Difference | None:
    for name in got:
        if name not in fields or name not in expected:
            return Difference(name, NOT_DECLARED, got[name])
    for name, value in sorted(expected.items(), key=lambda item: _ORDER.get(item[0], 0)):
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
    if isinstance(expected, float):
        return None if is_close(expected, got) else Difference(name, expected, got)
    same = type(expected) is type(got) and expected == got
    return None if same else Difference(name, expected, got)


def _first(parts: Iterable[tuple[str, Any, Any]]) -> Difference | None:
    differences = (_value_difference(*part) for part in parts)
    return next((found for found in differences if found is not None), None)


def _quotes_difference(
    side: str,
    expected: Json,
    got: Any,  # noqa: ANN401
    fields: Collection[str],
) -> Difference | None:
    quotes = expected[side]
    if _has_tie(side, expected):
        return None
    if not isinstance(quotes, list):  # an engine beside itself
        return _value_difference(side, quotes, got)
    if not isinstance(got, list) or len(got) != len(quotes):
        return Difference(f"number of {side}", len(quotes), _count(got))
    for index, (quote, other) in enumerate(zip(quotes, got, strict=True)):
        place = f"{side}[{index}]"
        if not isinstance(quote, dict) or not isinstance(other, dict):
            difference = _value_difference(place, quote, other)
        else:
            difference = _quote_difference(place, expected, quote, other, fields)
        if difference is not None:
            return difference
    return None


def _count(got: object) -> object:
    return len(got) if isinstance(got, list) else got


def _quote_difference(
    place: str, expected: Json, quote: Json, other: Json, fields: Collection[str]
) -> Difference | None:
    for name in other:
        if f"quote.{name}" not in fields or name not in quote:
            return Difference(f"{place}.{name}", NOT_DECLARED, other[name])
    for name, value in quote.items():
        if f"quote.{name}" not in fields:
            continue
        if name not in other:
            return Difference(f"{place}.{name}", value, "nothing")
        difference = _value_difference(f"{place}.{name}", value, other[name])
        if difference is not None and not (
            name == "price" and _on_tick_boundary(place, expected, quote, other["price"])
        ):
            return difference
    return None


def _has_tie(side: str, expected: Json) -> bool:
    """Whether a level's expected PnL is so near 0 that either decision conforms (D-20)."""
    pnls = expected.get("expected_pnl_bps")
    if not isinstance(pnls, list | tuple) or len(pnls) != len(("bids", "asks")):
        return False
    own = pnls[0 if side == "bids" else 1]
    figures = map(figure_of, own if isinstance(own, list | tuple) else ())
    return any(figure is not None and abs(figure) < TIE for figure in figures)


def _on_tick_boundary(place: str, expected: Json, quote: Json, price: object) -> bool:
    """Whether the unrounded price lies so near a tick that its neighbour conforms too (D-42)."""
    mid, tick, depth = map(
        figure_of, (expected.get("mid"), quote.get("tick"), quote.get("depth_bps"))
    )
    ours, theirs = figure_of(quote["price"]), figure_of(price)
    if mid is None or tick is None or depth is None or ours is None or theirs is None:
        return False  # an engine beside itself, of which not all is seen
    if not (is_close(ours - tick, theirs) or is_close(ours + tick, theirs)):
        return False
    sign = -1.0 if place.startswith("bids") else 1.0
    ticks = mid * (1.0 + sign * depth / 1e4) / tick
    # of millions of ticks, a double does not tell a billionth of one
    return math.isfinite(ticks) and abs(ticks - round(ticks)) <= max(TIE, 4.0 * math.ulp(ticks))
