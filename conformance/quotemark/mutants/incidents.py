"""Incidents: engines that only a whole session unmasks."""

from __future__ import annotations

from dataclasses import replace

from quotemark.builtin import LEGACY_GATES
from quotemark.mutants.base import Mutant
from quotemark.mutants.phase1 import stay_at_zero
from quotemark_reference import book, legacy
from quotemark_reference.config import BookConfig
from quotemark_reference.drift import KalmanDrift, Observation
from quotemark_reference.engine import QuoteEngine
from quotemark_reference.sources import DriftSources, Sourced

# The reference's own functions, for the mutants that only bend them.
_bim_observation = book.bim_observation
_kalman_propagate = KalmanDrift._propagate
_cold = DriftSources.cold
_size_multiplier = QuoteEngine._size_multiplier


def _book_as_in_the_plan(bim: float, depth_usd: float, config: BookConfig) -> Observation | None:
    return _bim_observation(bim, depth_usd, replace(config, calibration="plan"))


def _floored_by_predict_alone(self: KalmanDrift, z_bps_per_s: float, variance: float) -> float:
    gain = self.variance / (self.variance + variance)
    self.mean += gain * (z_bps_per_s - self.mean)
    self.variance *= 1.0 - gain
    return gain


def _floor_in_predict(self: KalmanDrift, dt_s: float) -> None:
    _kalman_propagate(self, dt_s)
    self.variance = max(self._config.p_min, self.variance) if dt_s > 0.0 else self.variance


def _new_readings_only(self: DriftSources, mid: float) -> list[Sourced]:
    """Take each reading of funding once: a feed that stopped is no news."""
    said = _cold(self, mid)
    readings = self.funding.readings
    if self.__dict__.get("observed_readings") == readings:
        said = [(source, observation) for source, observation in said if source != "funding"]
    self.__dict__["observed_readings"] = readings
    return said


def _zone_sizes_live_on(self: QuoteEngine, side: str) -> float:
    zone = legacy.zone(self._position, self._config.max_position)
    sizes = _size_multiplier(self, side)
    return sizes * legacy.ZONE_SIZE_MULTIPLIER[zone] if 2 in self._active else sizes


INCIDENTS = (
    Mutant(
        "silent",
        "S-feb19",
        "never quotes",
        {"ladder.cut_sizes": lambda sizes, room, min_size: [0.0] * len(sizes)},
    ),
    Mutant(
        "wide-10bp",
        "S-feb19",
        "quotes 10 bp wide, unprotected",
        fixed_config={
            **LEGACY_GATES,
            "legacy_variant": "deployed",
            "base_half_spread_bps": 10.0,
        },
    ),
    Mutant(
        "filter-alone",
        "S-feb19",
        "the drift stays at 0 and nothing skews the quotes",
        {"drift.KalmanDrift.update": stay_at_zero, "inventory.skew_bps": lambda *args: 0.0},
    ),
    Mutant(
        "books-as-in-the-plan",
        "S-feb19_all_phases",
        "BIM keeps the plan's constants: a bearish book erases a bearish drift",
        {"book.bim_observation": _book_as_in_the_plan},
    ),
    Mutant(
        "stopped-feed-falls-silent",
        "S-funding_extremes",
        "a funding rate is observed once, not for as long as it stands",
        {"sources.DriftSources.cold": _new_readings_only},
    ),
    Mutant(
        "floor-in-predict-alone",
        "S-p_collapse_reversal",
        "the floor acts as time passes and not after an update",
        {
            "drift.KalmanDrift.update": _floored_by_predict_alone,
            "drift.KalmanDrift._propagate": _floor_in_predict,
        },
    ),
    Mutant(
        "deployed-prices-ignore-the-filter",
        "S-feb19-phase-1",
        "what was deployed ignores the drift, the Kalman filter's too",
        {"engine.QuoteEngine._drift_moves_quotes": lambda self: not self._deployed},
    ),
    Mutant(
        "zone-sizes-live-on",
        "S-inventory_80_percent",
        "the zones go on cutting sizes beside the continuous gamma",
        {"engine.QuoteEngine._size_multiplier": _zone_sizes_live_on},
    ),
)
