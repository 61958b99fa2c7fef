"""The smallest engine that conforms: components ``drift`` and ``expected_pnl``, nothing imported.

A tutorial of the protocol, to be read beside ``PROTOCOL.md`` and written again in your language.
Read it from the end: a loop over lines, then the five methods, then a session, then the formulas.

    quotemark certify "stdio:python -m quotemark.examples.minimal_engine"
"""

import json
import math
import sys

FINITE, POSITIVE = (-1e15, 1e15), (1e-15, 1e15)  # ranges of a step's numbers
FRACTION, NOT_NEGATIVE = (0.0, 1.0), (0.0, 1e15)
ABOVE_0, FROM_0 = (1e-9, 1e9), (0.0, 1e9)  # ranges of a parameter


class RejectedError(Exception):
    """Bad input; its arguments are a code of the closed list, and a message."""


def check(name, value, allowed):
    """Reject a value that is not one of the names, or not a number in the range, ``allowed``."""
    if isinstance(allowed[0], str):
        if value not in allowed:
            raise RejectedError("unparsable", f"{name} is {value!r}, expected one of {allowed}")
    elif type(value) not in ((int,) if name == "t_ms" else (int, float)):
        code = "non_finite" if value in ("nan", "inf", "-inf") else "unparsable"
        raise RejectedError(code, f"{name} is {value!r}, expected a number")
    elif not allowed[0] <= value <= allowed[1]:
        raise RejectedError("out_of_range", f"{name} is {value}, expected {allowed}")


def added_variance(theta, process_noise, dt_s):
    """Variance that the drift's own dynamics add over ``dt_s``: exact, not q dt (D-01)."""
    return process_noise / (2.0 * theta) * -math.expm1(-2.0 * theta * dt_s)


class Drift:
    """A session of component ``drift``: the Kalman filter of phase 1."""

    config = {
        "theta_per_s": (0.02, ABOVE_0),
        "process_noise": (1.0, FROM_0),
        "prior_variance": (50.0, ABOVE_0),
        "p_min": (2.0, FROM_0),
        "fill_variance": (9.0, ABOVE_0),
        "sigma_trend": (2.0, (1e-3, 1e6)),
    }
    steps = {
        "predict": {"t_ms": FINITE},
        "observe": {"z_bps_per_s": FINITE, "variance": POSITIVE},
        "fill": {
            "side": ("buy", "sell"),
            "price": POSITIVE,
            "mid": POSITIVE,
            "sigma_bps_per_sqrt_s": POSITIVE,
        },
        "trend": {"magnitude_bps": FINITE, "agreement": FRACTION, "p_continuation": FRACTION},
    }
    fields = ("drift_bps_per_s", "variance", "uncertainty_bps_per_s", "confidence")

    def __init__(self, config):
        self.c = config
        self.t_ms, self.mean, self.variance = None, 0.0, config["prior_variance"]

    def predict(self, t_ms):
        """The first only stamps the time (D-03)."""
        if self.t_ms is not None:
            if t_ms < self.t_ms:
                raise RejectedError("time_reversed", f"t_ms is {t_ms}, was {self.t_ms}")
            dt_s = (t_ms - self.t_ms) / 1000.0
            decay = math.exp(-self.c["theta_per_s"] * dt_s)
            added = added_variance(self.c["theta_per_s"], self.c["process_noise"], dt_s)
            self.mean *= decay
            self.variance = self.variance * decay * decay + added
        self.t_ms = t_ms
        return self.posterior()

    def observe(self, z_bps_per_s, variance):
        """Condition on z with variance R, then floor P (D-04)."""
        gain = self.variance / (self.variance + variance)
        self.mean += gain * (z_bps_per_s - self.mean)
        self.variance = max(self.c["p_min"], (1.0 - gain) * self.variance)
        return self.posterior()

    def fill(self, side, price, mid, sigma_bps_per_sqrt_s):
        """An own buy is bearish, an own sell bullish, by the distance from mid (D-05)."""
        strength = abs(mid - price) / mid * 1e4 / sigma_bps_per_sqrt_s
        z_bps_per_s = -strength if side == "buy" else strength
        check("z_bps_per_s", z_bps_per_s, FINITE)
        return self.observe(z_bps_per_s, self.c["fill_variance"])

    def trend(self, magnitude_bps, agreement, p_continuation):
        """A falling market is bearish; too little agreement is no observation (D-06, Q-02)."""
        noise = self.c["sigma_trend"] / agreement if agreement else math.inf
        if noise * noise > 1e15:
            return self.posterior()
        return self.observe(-magnitude_bps * agreement * p_continuation, noise * noise)

    def posterior(self):
        confidence = min(1.0, max(0.0, 1.0 - self.variance / self.c["prior_variance"]))
        return {
            "drift_bps_per_s": self.mean,
            "variance": self.variance,
            "uncertainty_bps_per_s": math.sqrt(self.variance),
            "confidence": confidence,
        }
