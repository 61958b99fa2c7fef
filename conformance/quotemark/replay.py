"""Closed-loop replay: an engine quotes over a tape, and recorded aggressors fill its quotes.

Steps go to the engine a cycle at a time. Own fills follow the trade that caused them. Own fills
that stand on the tape belong to whoever recorded it, so they are left out and counted, unless the
scenario says that they are the engine's (``tape_fills``).

A synthetic layer is shown to the engine alone: none of its trades meets a quote, none of its books
marks the position.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from quotemark.errors import EngineError, InputError
from quotemark.messages import Answer, Json, Ok, Opened, Rejected
from quotemark.pnl import PnlAccount
from quotemark.port import Engine
from quotemark.venue import Fill, FillPrice, Venue

SESSION = "replay"


class _Quote(Struct):
    price: Annotated[float, Meta(gt=0.0)]
    size: Annotated[float, Meta(ge=0.0)]


_Positive = Annotated[float, Meta(gt=0.0)]


class _Push(Struct):
    source: str
    z_bps_per_s: float
    gain: _Positive
    push_bps_per_s: float


class _Part(Struct):
    source: str
    z_bps_per_s: float
    variance: _Positive


class _Shown(Struct):
    """What the venue, and who shows the replay, need of a cycle's observation."""

    bids: list[_Quote] = []
    asks: list[_Quote] = []
    drift_observations: list[_Push] = []
    composite_parts: list[_Part] = []
    theta_per_s: float = 0.0
    insufficient_depth_bps: list[float] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One quote cycle: the engine's observation, and the account as it stood then."""

    t_ms: int
    mid: float
    observation: Json
    position: float
    spread: float
    inventory: float
    fees: float

    @property
    def net(self) -> float:
        """PnL net of fees in quote currency."""
        return self.spread + self.inventory - self.fees


@dataclass(slots=True)
class Replay:
    """What a replay gave. ``steps`` are those the engine saw, its own fills included."""

    engine: str
    config: Json
    frames: list[Frame] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    steps: list[Json] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    first_rejection: str | None = None
    own_fills_left_out: int = 0
    account: PnlAccount = field(default_factory=lambda: PnlAccount(0.0))


def replay(
    engine: Engine,
    tape: Sequence[Json],
    config: Json,
    *,
    layer: Sequence[Json] = (),
    reach_bps: float = 0.0,
    fill_price: FillPrice = "quote",
    tape_fills: bool = False,
    seed: int = 0,
) -> Replay:
    """Replay ``tape`` against component ``engine`` of ``engine``.

    The engine sees the readings of ``layer`` in time order with the tape's steps, ahead of those of
    the same time; readings from before or after the tape are left out.

    Raises :class:`InputError` where the engine refuses the component or the configuration, and
    :class:`EngineError` where it breaks or answers a cycle by what is none.
    """
    name = engine.initialize().name
    opened = engine.open(SESSION, "engine", config, seed)
    if not isinstance(opened, Opened):
        reason = opened.message if isinstance(opened, Rejected) else opened.reason
        raise InputError(f"{name} does not open component 'engine': {reason}")
    try:
        run = Replay(engine=name, config=opened.config, account=PnlAccount(_fee_bps(opened.config)))
        venue = Venue(reach_bps, fill_price)
        _run(engine, tape, layer, run, venue, tape_fills=tape_fills)
    except Exception:  # not at an interrupt, which waits for no answer
        _close(engine)
        raise
    _close(engine)
    return run


def _close(engine: Engine) -> None:
    with suppress(EngineError):  # an engine that broke has nothing left to close
        engine.close(SESSION)


def _run(
    engine: Engine,
    tape: Sequence[Json],
    layer: Sequence[Json],
    run: Replay,
    venue: Venue,
    *,
    tape_fills: bool,
) -> None:
    pending: list[Json] = []
    mid: float | None = None
    readings = deque(reading for reading in layer if reading["t_ms"] >= tape[0]["t_ms"])
    for index, step in enumerate(tape):
        while readings and readings[0]["t_ms"] <= step["t_ms"]:
            pending.append(readings.popleft())
        mid = _mid_after(step, mid)
        if step["step"] == "fill":
            if not tape_fills or mid is None:
                run.own_fills_left_out += 1
                continue
            fill = _tape_fill(step, mid)
            run.account.book(fill)
            run.fills.append(fill)
        pending.append(step)
        if step["step"] == "trade" and mid is not None:
            fills = venue.match(step, step.get("id") or f"#{index}", mid)
            for fill in fills:
                run.account.book(fill)
                run.fills.append(fill)
                pending.append(_fill_step(fill, len(run.fills)))
        if mid is not None:
            run.account.mark_to(mid)
        if step["step"] == "cycle":
            observation = _apply(engine, run, pending)
            pending = []
            _check_shown(run.engine, step, observation)
            venue.rest(observation.get("bids", ()), observation.get("asks", ()))
            if mid is not None:
                run.frames.append(_frame(step["t_ms"], mid, observation, run.account))
    if pending:
        _apply(engine, run, pending)


def _check_shown(engine: str, step: Json, observation: Json) -> None:
    try:
        msgspec.convert(observation, _Shown)
    except msgspec.ValidationError as error:
        raise EngineError(
            "protocol", f"{engine} answered cycle at {step['t_ms']} wrongly: {error}"
        ) from None


def _fee_bps(config: Json) -> float:
    fee = config.get("fee_bps")
    if not isinstance(fee, int | float):
        raise InputError("the engine's effective config lacks fee_bps, in bp")
    return float(fee)


def _mid_after(step: Json, mid: float | None) -> float | None:
    if step.get("mid") is not None:
        carried: float = step["mid"]
        return carried
    if step["step"] == "book" and step["bids"] and step["asks"]:
        best: float = (step["bids"][0][0] + step["asks"][0][0]) / 2.0
        return best
    return mid


def _tape_fill(step: Json, mid: float) -> Fill:
    return Fill(
        t_ms=step["t_ms"],
        side=step["side"],
        price=step["price"],
        size=step["size"],
        mid=mid,
        trade_id=str(step.get("id", "")),
        cause="own fill on the tape",
        levels_crossed=step.get("levels_crossed", 1),
    )


def _fill_step(fill: Fill, number: int) -> Json:
    return {
        "step": "fill",
        "t_ms": fill.t_ms,
        "side": fill.side,
        "price": fill.price,
        "size": fill.size,
        "id": f"fill-{number}",
        "mid": fill.mid,
        "levels_crossed": fill.levels_crossed,
    }


def _apply(engine: Engine, run: Replay, steps: list[Json]) -> Json:
    """Apply steps; answer with the last one's observation, empty unless it was ok."""
    answers = engine.apply(SESSION, steps)
    run.steps += steps
    for step, answer in zip(steps, answers, strict=True):
        run.answers[_label(answer)] += 1
        if isinstance(answer, Rejected) and run.first_rejection is None:
            run.first_rejection = f"{step['step']} at {step['t_ms']}: {answer.message}"
    return answers[-1].observation if isinstance(answers[-1], Ok) else {}


def _label(answer: Answer) -> str:
    if isinstance(answer, Ok):
        return "ok"
    return f"rejected {answer.code}" if isinstance(answer, Rejected) else "unsupported"


def _frame(t_ms: int, mid: float, observation: Json, account: PnlAccount) -> Frame:
    return Frame(
        t_ms=t_ms,
        mid=mid,
        observation=observation,
        position=account.position,
        spread=account.spread,
        inventory=account.inventory,
        fees=account.fees,
    )
