"""A case step by step, to be retraced by hand: what came, and what each engine made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from quotemark.audit.comparison import Measure, cycles_over, kept_steps, run
from quotemark.audit.findings import Shown
from quotemark.incidents import IncidentSteps
from quotemark.messages import Json
from quotemark.replay import Replay


def walk(shown: Shown, measure: Measure) -> Iterator[str]:
    """Retrace a case, a line an event, with both engines below each cycle and each fill.

    Times are in s from the first step; ``z``, ``R`` and ``K`` are those of each observation that
    reached the filter, ``from`` the depth of the touch in bp.
    """
    comparison = shown.comparison
    steps = kept_steps(comparison)
    without = run(comparison, comparison.beside, steps)
    cycles = [frame.observation for frame in without.frames]
    if measure == "drift_erased":  # both see the same, so both are filled alike
        with_phase = without
        others = [cycle for _, cycle in cycles_over(without, comparison.with_phase)]
    else:
        with_phase = run(comparison, comparison.with_phase, steps)
        others = [frame.observation for frame in with_phase.frames]
    pairs = iter(zip(cycles, others, strict=True))
    merged = _merged(steps)
    first_ms = merged[0][1]["t_ms"]
    for (number, step), *more in _runs(merged):
        yield f"{(step['t_ms'] - first_ms) / 1000.0:9.3f} s  {_came(step, 1 + len(more))}"
        if step["step"] == "cycle":
            yield from _both(*map(_quoted, next(pairs)))
        elif number is not None:
            trade_id = step.get("id") or f"#{number}"
            yield from _both(_filled(without, trade_id), _filled(with_phase, trade_id))


def _merged(steps: IncidentSteps) -> list[tuple[int | None, Json]]:
    """Steps as an engine sees them; those of the tape with their place in it."""
    layer: list[tuple[int | None, Json]] = [(None, step) for step in steps.layer]
    return sorted([*layer, *enumerate(steps.tape)], key=lambda one: one[1]["t_ms"])


def _runs(merged: Sequence[tuple[int | None, Json]]) -> Iterator[list[tuple[int | None, Json]]]:
    """Steps one by one, but prints of a layer that follow one another together."""
    for prints, run_of in groupby(merged, lambda one: one[0] is None and one[1]["step"] == "trade"):
        if prints:
            yield list(run_of)
        else:
            yield from ([one] for one in run_of)


def _both(without: str, with_phase: str) -> Iterator[str]:
    if without == with_phase:
        if without:
            yield f"{'':13}  both     {without}"
        return
    yield f"{'':13}  without  {without or 'no fill'}"
    yield f"{'':13}  with     {with_phase or 'no fill'}"


def _came(step: Json, count: int) -> str:
    """Return a step in words."""
    match step:
        case {"step": "trend"}:
            return (
                f"trend of {-step['magnitude_bps']:+g} bp,"
                f" agreement {step['agreement']:g}, p {step['p_continuation']:g}"
            )
        case {"step": "trade"} if count > 1:
            return f"{count} trades of others, from this one on"
        case {"step": "trade", "side": side, "size": size, "price": price}:
            return f"an aggressor {side}s {size:g} at {price:g}"
        case {"step": "book", "bids": bids, "asks": asks}:
            return f"book of {len(bids)} and {len(asks)} levels"
        case {"step": "cycle"}:
            return f"cycle, mid {step['mid']:g}" if "mid" in step else "cycle"
    values = ", ".join(f"{value}" for name, value in step.items() if name not in ("step", "t_ms"))
    return f"{step['step']} {values}".replace("_", " ")


def _quoted(cycle: Json) -> str:
    """Return drift, what moved it, and the quotes of a cycle."""
    observed = "; ".join(
        f"{one['source']} z {one['z_bps_per_s']:.3f} R {one['variance']:.3f} K {one['gain']:.4f}"
        for one in cycle["drift_observations"]
    )
    sides = ", ".join(
        f"{side} from {depth:.2f}" if cycle[side] else f"no {side}"
        for side, depth in zip(("bids", "asks"), cycle["touch_depths_bps"], strict=True)
    )
    return f"drift {cycle['drift_bps_per_s']:.3f}; {sides}" + (f"; {observed}" if observed else "")


def _filled(replayed: Replay, trade_id: str) -> str:
    """Return what a trade filled."""
    return ", ".join(
        f"{fill.side} {fill.size:g} at {fill.price:g}"
        for fill in replayed.fills
        if fill.trade_id == trade_id
    )
