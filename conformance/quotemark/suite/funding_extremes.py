"""What funding demands of an engine, from one extreme of the z-score to the other.

Every figure is worked out here from the rates on the tapes. Blocks of five cycles are so far apart
that each meets the drift filter at N(0, 25), or after a signal of the tape at N(-8, 8); the first
cycle of a block is of the cold tier, in which funding is read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quotemark.messages import Json
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.scenario import load_scenario
from quotemark.suite.bench import ViolationError
from quotemark.suite.compare import is_close
from quotemark.suite.market import CYCLE_MS, gates

FUNDED = gates(1, 2, 3, 4, 6)
SHARES = {"flat": 0.0, "long": 0.3, "short": -0.3}
INTERVALS = ("hourly", "eight_hourly")
CALIBRATIONS = ("plan", "calibrated")
REJECTED = {"rejected unparsable": 3, "rejected non_finite": 1, "rejected out_of_range": 1}
COLD_EVERY = 5
HOLDING_S = 600.0
NEUTRAL, FALLING = (0.0, 25.0), (-8.0, 8.0)
STOPPED_CARRY_BPS = 1e-3 / 3600.0 * HOLDING_S * 1e4  # 1.667 bp
WEAKENED_AT_MOST = 0.03


@dataclass(frozen=True, slots=True)
class Block:
    """What meets the first of five cycles: the last rate, its z-score, the filter before it."""

    rate_per_s: float
    zscore: float | None
    mean: float
    variance: float


def tape_name(interval: str, way: str) -> str:
    """Name of the tape of a funding interval and a position."""
    name = f"{interval}_{way}"
    return "session" if name == "hourly_flat" else name


def run_tape(engine: Engine, tape: str, changes: Json | None = None) -> Replay:
    """Replay a tape with phases 1 to 4 and 6, and further changes."""
    return _run(engine, load_scenario("funding_extremes").tape(tape), changes)


def _run(engine: Engine, steps: Sequence[Json], changes: Json | None = None) -> Replay:
    config = load_scenario("funding_extremes").config
    return replay(engine, steps, {**config, **FUNDED, **(changes or {})}, tape_fills=True)


# --- what is expected -------------------------------------------------------------------------


def blocks(tape: str) -> list[Block]:
    """What meets the first cycle of each block."""
    scenario = load_scenario("funding_extremes")
    found: list[Block] = []
    rates: list[float] = []
    rate_per_s, cycles, state = 0.0, 0, NEUTRAL
    for step in scenario.tape(tape):
        if step["step"] == "funding":
            rates.append(float(step["rate"]))
            rate_per_s = rates[-1] / step["interval_s"]
        elif step["step"] == "signal":
            state = FALLING
        elif step["step"] == "cycle":
            if cycles % COLD_EVERY == 0:
                found.append(Block(rate_per_s, zscore(rates), *state))
                state = NEUTRAL
            cycles += 1
    return found


def zscore(rates: Sequence[float]) -> float | None:
    """Last rate against the EWMA of weight 0.1, over the deviation about it, clipped to 5."""
    if len(rates) < 3:
        return None
    ewma = rates[0]
    for rate in rates:
        ewma += 0.1 * (rate - ewma)
    last = rates[-load_scenario("funding_extremes").config["funding_history"] :]
    std = math.sqrt(sum((rate - ewma) ** 2 for rate in last) / len(last))
    return min(5.0, max(-5.0, (rates[-1] - ewma) / max(std, 1e-6)))


def observation(zscore: float, calibration: str) -> tuple[float, float]:
    """Observation (z, R) that a z-score is worth."""
    if calibration == "calibrated":
        return -2.0 * zscore, 260.0
    return -0.05 * zscore, 4.0 / max(abs(zscore), 0.1)


def moved(mean: float, variance: float, zscore: float, calibration: str) -> float:
    """Drift after one reading of ``zscore`` has met N(mean, variance)."""
    z_bps_per_s, noise = observation(zscore, calibration)
    return mean + variance / (variance + noise) * (z_bps_per_s - mean)


def held_drift(zscore: float, calibration: str) -> float:
    """Drift at which a reading that repeats in every cold cycle holds the filter, in bp/s.

    Between two of them, 5 x 6.45 s, the mean decays by a = e^(-0.645), and the variance goes to
    a^2 P + 25 (1 - a^2). P is iterated to its limit, and mu = a mu + K (z - a mu) solved for mu.
    """
    z_bps_per_s, noise = observation(zscore, calibration)
    decay = math.exp(-0.02 * COLD_EVERY * CYCLE_MS / 1000.0)
    variance, gain = 25.0, 0.0
    for _ in range(100):
        predicted = decay * decay * variance + 25.0 * (1.0 - decay * decay)
        gain = predicted / (predicted + noise)
        variance = max(2.0, (1.0 - gain) * predicted)
    return gain * z_bps_per_s / (1.0 - decay * (1.0 - gain))


# --- demands ----------------------------------------------------------------------------------


def demand_in_the_quotes(engine: Engine) -> None:
    """Demand what shows in the quotes alone."""
    for interval in INTERVALS:
        for way in SHARES:
            tape = tape_name(interval, way)
            run = run_tape(engine, tape)
            demand_no_step_refused(run)
            if interval == "hourly":
                demand_paying_side_empty(run.frames, tape)
    demand_broken_rates_are_rejected(engine)


def demand_to_the_figure(engine: Engine) -> None:
    """Demand carry, z-scores, drift, lean and expected PnL of every block."""
    for interval in INTERVALS:
        for way, share in SHARES.items():
            for calibration in CALIBRATIONS:
                tape = tape_name(interval, way)
                run = run_tape(engine, tape, {"calibration": calibration})
                demand_zscores(run.frames, tape)
                demand_carry(run.frames, tape)
                demand_drift(run.frames, tape, calibration)
                demand_lean(run.frames, tape, share)
                demand_expected_pnl(run.frames, share)
                if calibration == "calibrated":
                    demand_no_hazard(run.frames, tape)
    for calibration in CALIBRATIONS:
        demand_stopped_feed_repeats(engine, calibration)


def demand_no_step_refused(run: Replay) -> None:
    """Every step of the tape is taken."""
    if set(run.answers) != {"ok"}:
        raise ViolationError(f"steps are refused, first {run.first_rejection}")


def demand_zscores(frames: Sequence[Frame], tape: str) -> None:
    """The z-score of every block, null before the third reading."""
    for block, frame in _first_cycles(frames, tape):
        got = frame.observation["funding_zscore"]
        if block.zscore is None or got is None:
            if got is not block.zscore:
                raise ViolationError(f"zscore is {got} at {frame.t_ms}, expected {block.zscore}")
        else:
            _demand_close("zscore", frame, block.zscore, got)


def demand_carry(frames: Sequence[Frame], tape: str) -> None:
    """The paying side is charged |rate per second| x 600 s, the other given half of it."""
    for block, frame in _first_cycles(frames, tape):
        cost = abs(block.rate_per_s) * HOLDING_S * 1e4
        bid_pays = block.rate_per_s > 0.0
        expected = (cost, -cost / 2.0) if bid_pays else (-cost / 2.0, cost)
        for side, one, got in zip(("bid", "ask"), expected, _pair(frame, "carry_bps"), strict=True):
            _demand_close(f"carry of the {side}", frame, one, got)


def demand_drift(frames: Sequence[Frame], tape: str, calibration: str) -> None:
    """One reading has met the filter, none before the third."""
    for block, frame in _first_cycles(frames, tape):
        expected = block.mean
        if block.zscore is not None:
            expected = moved(block.mean, block.variance, block.zscore, calibration)
        _demand_close("drift", frame, expected, frame.observation["drift_bps_per_s"])


def demand_lean(frames: Sequence[Frame], tape: str, share: float) -> None:
    """Touches lean by |u| x rate per second x 600 s beside the inventory's skew."""
    for block, frame in _first_cycles(frames, tape):
        seen = frame.observation
        lean = abs(share) * block.rate_per_s * HOLDING_S * 1e4
        _demand_close("funding skew", frame, lean, seen["funding_skew_bps"])
        skew = 0.15 * (1.0 + 7.0 * share * share) * 4.0 * share * 2.0
        for index, sign in ((0, 1.0), (1, -1.0)):
            half_spread = _pair(frame, "half_spreads_bps")[index]
            depth = half_spread + sign * (skew + lean - seen["drift_bps_per_s"])
            got = _pair(frame, "touch_depths_bps")[index]
            _demand_close("touch depth", frame, max(1.5, depth), got)


def demand_expected_pnl(frames: Sequence[Frame], share: float) -> None:
    """Every level of every cycle is worth lambda (d - AS - fee - carry) +- drift - inventory."""
    gamma = 0.15 * (1.0 + 7.0 * share * share)
    penalty = gamma * abs(share) * 4.0 * 2.0
    for frame in frames:
        for index, (sign, accumulating) in enumerate(((1.0, share > 0.0), (-1.0, share < 0.0))):
            cost = 0.8 * 2.0 * math.sqrt(2.0) + 1.5 + _pair(frame, "carry_bps")[index]
            position_terms = sign * frame.observation["drift_bps_per_s"]
            position_terms -= penalty if accumulating else -penalty / 2.0
            for level, got in enumerate(frame.observation["expected_pnl_bps"][index]):
                depth = _pair(frame, "touch_depths_bps")[index] + level
                expected = math.exp(-0.1287 * depth) * (depth - cost) + position_terms
                _demand_close(f"E[PnL] of level {level}", frame, expected, got)


def demand_paying_side_empty(frames: Sequence[Frame], tape: str) -> None:
    """Where a fill costs more than 20 bp of carry nobody rests to pay it; the others rest."""
    for block, frame in _first_cycles(frames, tape):
        if abs(block.rate_per_s) * HOLDING_S * 1e4 <= 20.0:
            continue
        paying, other = ("bids", "asks") if block.rate_per_s > 0.0 else ("asks", "bids")
        if frame.observation[paying]:
            raise ViolationError(f"{paying} rest at {frame.t_ms} at a rate of {block.rate_per_s}/s")
        if not frame.observation[other]:
            raise ViolationError(f"no {other} rest at {frame.t_ms}, which is paid for holding")


def demand_no_hazard(frames: Sequence[Frame], tape: str) -> None:
    """A bearish reading of full scale strengthens a fall; no other weakens it by more than 3 %."""
    for block, frame in _first_cycles(frames, tape):
        if block.mean == 0.0 or block.zscore is None or block.zscore < -1e-3:
            continue
        kept = frame.observation["drift_bps_per_s"] / block.mean
        least = 1.0 if block.zscore >= 5.0 else 1.0 - WEAKENED_AT_MOST
        if kept < least:
            raise ViolationError(
                f"a z-score of {block.zscore:.2f} leaves {kept:.1%} of a drift of {block.mean} bp/s"
                f" at {frame.t_ms}, expected at least {least:.0%}"
            )


def demand_stopped_feed_repeats(engine: Engine, calibration: str) -> None:
    """An hour after the last reading its carry stands, and its observation holds the drift."""
    run = run_tape(engine, "stopped", {"calibration": calibration})
    for frame in run.frames:
        _demand_close("carry of the bid", frame, STOPPED_CARRY_BPS, _pair(frame, "carry_bps")[0])
    last = run.frames[(len(run.frames) - 1) // COLD_EVERY * COLD_EVERY]
    expected = held_drift(3.0, calibration)
    _demand_close("drift, an hour on", last, expected, last.observation["drift_bps_per_s"])


def demand_broken_rates_are_rejected(engine: Engine) -> None:
    """Each broken rate is rejected by its code, and quotes are as if it had never come."""
    run = run_tape(engine, "unparsable")
    counted = {label: count for label, count in run.answers.items() if label != "ok"}
    if counted != REJECTED:
        raise ViolationError(f"broken rates are answered {counted}, expected {REJECTED}")
    clean = _run(engine, without_broken_rates())
    for frame, other in zip(run.frames, clean.frames, strict=True):
        if frame.observation != other.observation:
            raise ViolationError(f"a rejected rate changes the quotes at {frame.t_ms}")


def without_broken_rates() -> list[Json]:
    """The tape of broken rates, without them: its first ten readings are sound."""
    steps = load_scenario("funding_extremes").tape("unparsable")
    return [step for n, step in enumerate(steps) if n < 10 or step["step"] != "funding"]


def _first_cycles(frames: Sequence[Frame], tape: str) -> list[tuple[Block, Frame]]:
    return list(zip(blocks(tape), frames[::COLD_EVERY], strict=True))


def _pair(frame: Frame, name: str) -> tuple[float, float]:
    bid, ask = frame.observation[name]
    return bid, ask


def _demand_close(what: str, frame: Frame, expected: float, got: float) -> None:
    if not is_close(expected, got):
        raise ViolationError(f"{what} is {got} at {frame.t_ms}, expected {expected}")
