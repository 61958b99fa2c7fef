"""Phase 5: online adaptation of theta and process noise, by itself and through the engine."""

from __future__ import annotations

import math
import random
from statistics import median

from quotemark.messages import Json
from quotemark.suite.bench import Bench
from quotemark.suite.market import cycle, gates, signal
from quotemark.suite.market_features import (
    demand_each_rejected,
    demand_gate,
    demand_same_quotes,
    quoting,
    read,
    sources,
)
from quotemark.suite.register import check

NEEDS_BOTH = ("theta_per_s", "process_noise")
THRESHOLD = 0.6745


def markout(
    predicted: float,
    realised: float,
    *,
    variance: float = 25.0,
    sigma: float = 2.0,
    window_s: float = 5.0,
) -> Json:
    """adaptation: a settled markout."""
    return {
        "step": "markout",
        "predicted_drift_bps_per_s": predicted,
        "predicted_variance": variance,
        "realised_drift_bps_per_s": realised,
        "sigma_bps_per_sqrt_s": sigma,
        "window_s": window_s,
    }


def priced_fill(t_ms: int, side: str = "sell", mid: float = 100.0) -> Json:
    """Own fill at mid: an observation of 0 with R = 9, and a markout."""
    return {"step": "fill", "t_ms": t_ms, "side": side, "price": mid, "size": 0.01, "mid": mid}


@check("adaptation", "P5.test_theta_adapts_on_undershoot", "D-21", needs=("theta_per_s",))
def theta_follows_the_sign_of_the_error(bench: Bench) -> None:
    """From 0.02: x1.01 short of the prediction however far, x0.99 beyond it, 1 at neither."""
    for predicted, realised, factor in (
        (-4.0, -3.9, 1.01),
        (-4.0, 0.0, 1.01),
        (-4.0, 60.0, 1.01),
        (-4.0, -4.1, 0.99),
        (-4.0, -60.0, 0.99),
        (4.0, 1.0, 1.01),
        (4.0, -60.0, 1.01),
        (4.0, 60.0, 0.99),
        (-4.0, -4.0, 1.0),
        (0.0, 7.0, 1.0),
        (0.0, -7.0, 1.0),
    ):
        got = bench.observe("adaptation", [markout(predicted, realised)])[0]["theta_per_s"]
        what = f"theta at a prediction of {predicted} and {realised} realised"
        bench.demand_close(what, 0.02 * factor, got)


@check("adaptation", "D-21", needs=("process_noise", "error_ewma"))
def noise_follows_the_size_of_the_error(bench: Bench) -> None:
    """EWMA of |error|/sqrt(P + sigma^2/window), weight 0.1 from 0.6745: x1.05 above it, else x0.95.

    Numbers: P 9 and sigma^2/window = 8 x 8/4 = 16, so the expected error is 5.
    """
    for error, factor in ((15.0, 1.05), (-15.0, 1.05), (3.3, 0.95), (-3.3, 0.95), (3.4, 1.05)):
        step = markout(-4.0, -4.0 + error, variance=9.0, sigma=8.0, window_s=4.0)
        seen = bench.observe("adaptation", [step])[0]
        ewma = THRESHOLD + 0.1 * (abs(error) / 5.0 - THRESHOLD)
        bench.demand_close(f"EWMA at an error of {error}", ewma, seen["error_ewma"])
        bench.demand_close(f"noise at an error of {error}", factor, seen["process_noise"])
    # 0.5 + 1/2 = 1, so the error is the threshold itself: it is not above it
    at_it = markout(0.0, THRESHOLD, variance=0.5, sigma=1.0, window_s=2.0)
    seen = bench.observe("adaptation", [at_it])[0]["process_noise"]
    bench.demand_close("noise at the threshold", 0.95, seen)


@check("adaptation", "D-21", needs=("process_noise", "error_ewma"))
def one_large_error_lasts(bench: Bench) -> None:
    """An error of ten deviations lifts the EWMA to 1.607; it takes nine small ones to sink."""
    # 0.6745 + 0.1 (10 - 0.6745), then x0.9 a step: below 0.6745 from the ninth on
    lifted = THRESHOLD + 0.1 * (10.0 - THRESHOLD)
    calm = markout(-4.0, -4.0)
    steps = [markout(-4.0, 46.0, variance=24.2), *[calm] * 9]
    noise = 1.05
    seen = bench.observe("adaptation", steps)
    for number, observed in enumerate(seen):
        ewma = lifted * 0.9**number
        noise *= 1.0 if number == 0 else 1.05 if ewma > THRESHOLD else 0.95
        bench.demand_close(f"EWMA after {number} calm ones", ewma, observed["error_ewma"])
        bench.demand_close(f"noise after {number} calm ones", noise, observed["process_noise"])


@check("adaptation", "P5.test_parameters_bounded", "D-21", needs=NEEDS_BOTH)
def parameters_stay_bounded(bench: Bench) -> None:
    """500 markouts one way end at theta 1 and noise 10, the other way at 0.01 and 0.1.

    The first one back leaves the bound: 1.01^500 and 1.05^500 are not kept behind it.
    """
    short, beyond = markout(-4.0, 90.0), markout(-4.0, -4.0 - 1e-6)
    up = bench.observe("adaptation", [*[short] * 500, beyond])
    bench.demand_close("greatest theta", 1.0, up[-2]["theta_per_s"])
    bench.demand_close("greatest noise", 10.0, up[-2]["process_noise"])
    bench.demand_close("theta after one beyond", 0.99, up[-1]["theta_per_s"])
    down = bench.observe("adaptation", [*[beyond] * 500, short])
    bench.demand_close("least theta", 0.01, down[-2]["theta_per_s"])
    bench.demand_close("least noise", 0.1, down[-2]["process_noise"])
    bench.demand_close("theta after one short", 0.0101, down[-1]["theta_per_s"])
    for observed in (*up, *down):
        inside = 0.01 <= observed["theta_per_s"] <= 1.0 and 0.1 <= observed["process_noise"] <= 10.0
        bench.demand("theta in [0.01, 1], noise in [0.1, 10]", inside, observed)


SEEDS = 40


@check("adaptation", "P5.test_cold_start_convergence", "D-22", needs=("process_noise",))
def far_starts_converge_within_60_fills(bench: Bench) -> None:
    """Noise from 4 and from 0.25, 60 fills a second apart, 40 seeds: medians within 2.5 times.

    The markouts are those of a filter beside it that adapts as the plan says, so they mean what
    they should only to an engine that adapts alike.
    """
    far = [_median_noise(bench, start) for start in (4.0, 0.25)]
    near = max(far) / min(far) <= 2.5
    bench.demand("medians are within a factor 2.5 of one another", near, far)
    inside = min(far) >= 0.5 and max(far) <= 1.5
    bench.demand("medians are near the true noise of 1: 0.5 to 1.5", inside, far)


def _median_noise(bench: Bench, start: float) -> float:
    """Median of the noise that the engine ends at, over the seeds."""
    ends = []
    for seed in range(SEEDS):
        first, *_, end = bench.observe(
            "adaptation", _markouts(seed, start), {"process_noise": start}
        )
        near = abs(first["process_noise"] / start - 1.0) < 0.06
        bench.demand(f"noise is within a step of {start} after the first markout", near, first)
        ends.append(end["process_noise"])
    return float(median(ends))


def _markouts(seed: int, noise: float) -> list[Json]:
    """60 markouts of a filter (floor 2) that watches an OU drift with R = 2, once a second.

    The drift has theta 0.02 and noise 1; realised is the drift at the fill plus N(0, 4/5). Each
    fill's own update follows its prediction, and its markout settles before the next second.
    """
    rng = random.Random(seed)
    theta, ewma = 0.02, THRESHOLD
    drift, mean, p = rng.gauss(0.0, 5.0), 0.0, 50.0
    steps = []
    for _ in range(60):
        drift = drift * math.exp(-0.02) + rng.gauss(0.0, math.sqrt(25.0 * -math.expm1(-0.04)))
        mean *= math.exp(-theta)
        p = p * math.exp(-2.0 * theta) + noise / (2.0 * theta) * -math.expm1(-2.0 * theta)
        realised = drift + rng.gauss(0.0, math.sqrt(0.8))
        steps.append(markout(mean, realised, variance=p))
        short = (realised - mean) * math.copysign(1.0, mean) < 0.0
        if mean != 0.0:
            theta = min(1.0, max(0.01, theta * (1.01 if short else 0.99)))
        ewma += 0.1 * (abs(realised - mean) / math.sqrt(p + 0.8) - ewma)
        noise = min(10.0, max(0.1, noise * (1.05 if ewma > THRESHOLD else 0.95)))
        gain = p / (p + 2.0)
        mean += gain * (drift + rng.gauss(0.0, math.sqrt(2.0)) - mean)
        p = max(2.0, (1.0 - gain) * p)
    return steps


@check("adaptation", "A-adaptation")
def random_markouts_agree(bench: Bench) -> None:
    """Seeded markouts around the prediction and far from it, over several configurations."""
    rng = random.Random(bench.seed)
    for config in (
        {},
        {"theta_per_s": 0.9, "process_noise": 9.0},
        {"error_weight": 0.7, "error_threshold": 1.2, "theta_max_per_s": 0.5},
        {"process_noise": 40.0, "process_noise_min": 0.5, "theta_per_s": 0.004},
    ):
        steps = []
        for _ in range(300):
            predicted = rng.choice((0.0, rng.gauss(0.0, 4.0)))
            off = rng.choice((0.0, rng.gauss(0.0, 1.0), rng.gauss(0.0, 20.0)))
            steps.append(
                markout(
                    predicted,
                    predicted + off,
                    variance=10.0 ** rng.uniform(-1.0, 2.0),
                    sigma=rng.uniform(0.3, 8.0),
                    window_s=rng.uniform(5.0, 60.0),
                )
            )
        bench.agree("adaptation", steps, config)


@check("adaptation", "D-07", "Q-02")
def bad_markouts_change_nothing(bench: Bench) -> None:
    """Each is rejected with its code, and the next markout adapts as if it never came."""
    good = markout(-4.0, 30.0)
    bad: list[tuple[Json, str]] = [
        ({**good, "realised_drift_bps_per_s": "nan"}, "non_finite"),
        ({**good, "predicted_drift_bps_per_s": "-inf"}, "non_finite"),
        ({**good, "realised_drift_bps_per_s": 1e16}, "out_of_range"),
        ({**good, "predicted_variance": 0.0}, "out_of_range"),
        ({**good, "predicted_variance": "inf"}, "non_finite"),
        ({**good, "sigma_bps_per_sqrt_s": -1.0}, "out_of_range"),
        ({**good, "window_s": 0.0}, "out_of_range"),
        ({**good, "window_s": "soon"}, "unparsable"),
        ({**good, "side": "buy"}, "unknown_field"),
        ({"step": "markout", "window_s": 5.0}, "missing_field"),
        (read(0), "unknown_step"),
    ]
    demand_each_rejected(bench, "adaptation", bad, [markout(3.0, 9.0)], good)


ADAPTING = gates(1, 2, 3, 4, 5)


@check(
    "engine",
    "P5.test_theta_adapts_on_undershoot",
    "D-21",
    "D-41",
    needs=("theta_per_s", "process_noise", "drift_bps_per_s", "drift_variance"),
)
def a_settled_markout_moves_the_next_predict(bench: Bench) -> None:
    """Fill at 1 s with mu -4 and P 25 before its own update, read at 7 s at -1 bp/s: undershoot.

    The error is 3/sqrt(25 + 4/6) = 0.592, below 0.6745: noise x0.95. The cycle's own predict
    already takes both, over the 7 s since the last one, from the state after the fill's update.
    """
    steps = [signal(0, -8.0, 50.0), cycle(0), priced_fill(1000), cycle(7000, 100.0 * (1.0 - 6e-4))]
    seen = bench.cycle(steps, ADAPTING)
    theta, noise = 0.02 * 1.01, 0.95
    bench.demand_close("theta", theta, seen["theta_per_s"])
    bench.demand_close("process noise", noise, seen["process_noise"])
    kept = 9.0 / 34.0  # 1 - K of the fill's own R = 9 at P = 25
    bench.demand_close("drift", -4.0 * kept * math.exp(-theta * 7.0), seen["drift_bps_per_s"])
    decay = math.exp(-2.0 * theta * 7.0)
    variance = 25.0 * kept * decay + noise / (2.0 * theta) * (1.0 - decay)
    bench.demand_close("P", variance, seen["drift_variance"])


@check("engine", "D-21", needs=NEEDS_BOTH)
def markouts_take_what_stood_before_the_fill(bench: Bench) -> None:
    """Mu -4 and P 25 before the fill, -1.06 and 6.6 after: -2 realised is short of the first only.

    The error of 2/sqrt(25 + 4/5) = 0.39 is small; against -1.06 the same move would be beyond.
    """
    steps = [signal(0, -8.0, 50.0), cycle(0), priced_fill(1000), cycle(6000, 100.0 * (1.0 - 1e-3))]
    seen = bench.cycle(steps, ADAPTING)
    bench.demand_close("theta", 0.02 * 1.01, seen["theta_per_s"])
    bench.demand_close("process noise", 0.95, seen["process_noise"])


@check("engine", "D-21", needs=NEEDS_BOTH)
def a_markout_runs_from_the_mid(bench: Bench) -> None:
    """Sold 1 % above mid; -10 bp from the mid in 5 s are -2 bp/s, short of mu -4, a small error.

    From the fill's price the market fell by 109 bp, -22 bp/s: far beyond.
    """
    far = {**priced_fill(1000), "price": 101.0}
    steps = [signal(0, -8.0, 50.0), cycle(0), far, cycle(6000, 100.0 * (1.0 - 1e-3))]
    seen = bench.cycle(steps, ADAPTING)
    bench.demand_close("theta", 0.02 * 1.01, seen["theta_per_s"])
    bench.demand_close("process noise", 0.95, seen["process_noise"])


@check("engine", "D-21", needs=NEEDS_BOTH)
def a_markout_is_a_rate_over_the_time_that_passed(bench: Bench) -> None:
    """A fall of 30 bp over 10 s is 3 bp/s, short of mu -4; over the 5 s window it would be 6.

    The error of 1 is small; 30 taken as a drift, or 6 over 5 s, would be beyond.
    """
    steps = [signal(0, -8.0, 50.0), cycle(0), priced_fill(0), cycle(10_000, 100.0 * (1.0 - 3e-3))]
    seen = bench.cycle(steps, ADAPTING)
    bench.demand_close("theta", 0.02 * 1.01, seen["theta_per_s"])
    bench.demand_close("process noise", 0.95, seen["process_noise"])


@check("engine", "Q-16", "D-21", "D-41", needs=("theta_per_s",))
def a_markout_waits_for_its_window(bench: Bench) -> None:
    """A fill at 1 s settles at the first cycle from 6 s on, once; one without a mid never does."""
    start = [signal(0, -8.0, 50.0), cycle(0)]
    early = bench.observe("engine", [*start, priced_fill(1000), cycle(5999)], ADAPTING)[-1]
    bench.demand_close("theta at 5.999 s", 0.02, early["theta_per_s"])
    steps = [*start, priced_fill(1000), cycle(6000), cycle(7000), cycle(20_000)]
    for observed in bench.observe("engine", steps, ADAPTING)[-3:]:
        bench.demand_close("theta from 6 s on", 0.02 * 1.01, observed["theta_per_s"])
    unpriced = {name: value for name, value in priced_fill(1000).items() if name != "mid"}
    never = bench.cycle([*start, unpriced, cycle(20_000)], ADAPTING)
    bench.demand_close("theta without a mid at the fill", 0.02, never["theta_per_s"])


@check("engine", "D-21", "D-41", needs=NEEDS_BOTH)
def due_markouts_settle_in_order(bench: Bench) -> None:
    """Three fills due at one cycle, mu -4 at the first: theta and EWMA go through them in turn.

    At a standing mid each falls short. (mu, P) is (-4, 25) before the first, and each fill's own
    update scales it by 9/(P + 9); a sigma of 20 over 5 s makes the errors small.
    """
    estimate: Json = {"step": "estimate", "t_ms": 0, "sigma_bps_per_sqrt_s": 20.0}
    steps = [estimate, signal(0, -8.0, 50.0), cycle(0), *[priced_fill(0)] * 3, cycle(5000)]
    seen = bench.cycle(steps, {**ADAPTING, "error_threshold": 0.35})
    mean, p, ewma, noise = -4.0, 25.0, 0.35, 1.0
    for _ in range(3):
        ewma += 0.1 * (abs(mean) / math.sqrt(p + 400.0 / 5.0) - ewma)
        noise *= 1.05 if ewma > 0.35 else 0.95
        mean, p = mean * 9.0 / (p + 9.0), p * 9.0 / (p + 9.0)
    bench.demand_close("theta", 0.02 * 1.01**3, seen["theta_per_s"])
    bench.demand_close("process noise", noise, seen["process_noise"])


@check("engine", "Q-16", "D-21", needs=NEEDS_BOTH)
def a_markout_takes_the_sigma_in_force_when_it_settles(bench: Bench) -> None:
    """Mu -4 at P 25, the mid stands: an error of 4/sqrt(25 + 4/5) = 0.79 is large at sigma 2.

    At the 20 that the desk estimates after the fill it is 4/sqrt(25 + 400/5) = 0.39: small.
    """
    start = [signal(0, -8.0, 50.0), cycle(0), priced_fill(0)]
    estimate: Json = {"step": "estimate", "t_ms": 100, "sigma_bps_per_sqrt_s": 20.0}
    for steps, noise in (([*start, cycle(5000)], 1.05), ([*start, estimate, cycle(5000)], 0.95)):
        seen = bench.cycle(steps, ADAPTING)
        bench.demand_close("process noise", noise, seen["process_noise"])


def _filled_session() -> list[Json]:
    """Signals, fills and a moving mid: twelve markouts, short and beyond."""
    steps: list[Json] = []
    for number in range(12):
        t_ms = number * 6450
        mid = 100.0 * (1.0 - 2e-4 * number + (1e-3 if number % 3 else 0.0))
        steps += [signal(t_ms, -6.0 + number, 20.0), priced_fill(t_ms, "buy", mid)]
        steps.append(cycle(t_ms, mid))
    return steps


WILD: Json = {
    "markout_window_s": 1.0,
    "error_weight": 0.9,
    "error_threshold": 0.1,
    "theta_min_per_s": 0.001,
    "process_noise_max": 90.0,
}


@check("engine", "G-5", "D-37")
def phase_5_off_freezes_the_parameters(bench: Bench) -> None:
    """With its gate off, wild adaptation changes nothing bit for bit; with it on, it would."""
    bench.require(5)
    steps = _filled_session()
    frozen = bench.observe("engine", steps, gates(1, 2, 3, 4))
    wild = bench.observe("engine", steps, {**gates(1, 2, 3, 4), **WILD})
    demand_same_quotes(bench, "phase 5 off ignores its parameters", frozen, wild)
    on = quoting(bench.observe("engine", steps, {**ADAPTING, **WILD}))
    moved = [observed["asks"] for observed in on] != [
        observed["asks"] for observed in quoting(frozen)
    ]
    bench.demand("phase 5 on moves the quotes of this session", moved, "the same quotes")


@check("engine", "G-5", needs=NEEDS_BOTH)
def phase_5_off_keeps_theta_and_noise(bench: Bench) -> None:
    """Twelve markouts later both are as configured."""
    bench.require(5)
    config = {**gates(1, 2, 3, 4), "theta_per_s": 0.03, "process_noise": 2.0}
    for observed in quoting(bench.observe("engine", _filled_session(), config)):
        bench.demand_close("theta", 0.03, observed["theta_per_s"])
        bench.demand_close("process noise", 2.0, observed["process_noise"])


@check("engine", "G-5", "D-37")
def phase_5_without_phase_4_is_inert(bench: Bench) -> None:
    """Its gate makes no difference while the expected PnL filter is off."""
    bench.require(5)
    steps = _filled_session()
    inert = bench.observe("engine", steps, {**gates(1, 2, 3, 5), **WILD})
    without = bench.observe("engine", steps, gates(1, 2, 3))
    demand_same_quotes(bench, "gate 5 without 4 changes nothing", inert, without)


@check("engine", "G-5", "D-37", needs=("active_phases", "inert_phases"))
def inert_adaptation_says_so(bench: Bench) -> None:
    """Phase 5 needs phase 4, and with it phases 1 to 3."""
    demand_gate(bench, 5, (1, 2, 3, 4, 5), (1, 2, 3, 5))
    demand_gate(bench, 5, (1, 2, 3, 4, 5, 6, 7, 8), (1, 2, 4, 5))


@check("engine", "D-21", "D-41", needs=("drift_observations", "drift_bps_per_s"))
def markouts_are_no_observations(bench: Bench) -> None:
    """A markout adapts the filter and does not enter it: only the fill does."""
    steps = [signal(0, -8.0, 50.0), cycle(0), priced_fill(1000), cycle(7000)]
    seen = bench.cycle(steps, ADAPTING)
    bench.demand("only the fill reached the filter", sources(seen) == ["fill"], sources(seen))
