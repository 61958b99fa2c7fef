"""Phase 8: basis and lead."""

from __future__ import annotations

import math
from dataclasses import replace

from quotemark.mutants.base import Mutant
from quotemark.mutants.phase8_volatility import deviations_magnified
from quotemark_reference import cross_venue
from quotemark_reference.config import CrossVenueConfig
from quotemark_reference.cross_venue import Basis, Lead, LeadLag
from quotemark_reference.drift import Observation
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.sources import Sourced

# The reference's own functions, for the mutants that only bend them.
_basis_bps = cross_venue.basis_bps
_basis_observation = cross_venue.basis_observation
_follow_basis = Basis.follow
_lead_observation = cross_venue.lead_observation
_lead_init = LeadLag.__init__
_lead = LeadLag.lead
_follow_lead = LeadLag.follow
_cycle = QuoteEngine.cycle
_observe_all = QuoteEngine._observe_all


def _level_of_the_basis(self: Basis, perp_mid: float) -> None:
    _follow_basis(self, perp_mid)
    if self.change_bps is not None:
        self.change_bps = self.basis_bps


def _first_change_is_level(self: Basis, perp_mid: float) -> None:
    if self.basis_bps is None:
        self.basis_bps = 0.0
    _follow_basis(self, perp_mid)
    if self.spot is None:
        self.basis_bps = None


def _basis_of_last_cycle(self: QuoteEngine, t_ms: int, mid: float | None = None) -> Cycle:
    cycle = _cycle(self, t_ms, mid)
    change_bps = self._sources.basis.change_bps
    self._sources.basis.follow(cycle.mid)
    self._sources.basis.change_bps = change_bps
    return cycle


def _basis_unclipped(change_bps: float, config: CrossVenueConfig) -> Observation | None:
    observation = _basis_observation(change_bps, config)
    if observation is None or config.calibration == "plan":
        return observation
    scale = config.calibrated_drift_scale / config.calibrated_basis_scale_bps
    return scale * change_bps, observation[1]


def _venues_by_position(self: QuoteEngine, said: list[Sourced]) -> None:
    """Turn what other markets say by the sign of the position."""
    sign = (self._position > 0.0) - (self._position < 0.0)
    turned = [
        (source, (sign * z if source in ("basis", "lead") else z, variance))
        for source, (z, variance) in said
    ]
    _observe_all(self, turned)


def _lead_when_holding(self: QuoteEngine, said: list[Sourced]) -> None:
    _observe_all(self, [one for one in said if one[0] != "lead" or self._position != 0.0])


def _regression(leader: list[float], own: list[float]) -> Lead | None:
    """Regress own on the leader through the origin."""
    square, own_square = (sum(x * x for x in values) for values in (leader, own))
    if min(square, own_square) == 0.0:
        return None
    product = sum(x * y for x, y in zip(leader, own, strict=True))
    beta = product / square
    return Lead(beta * leader[-1] - own[-1], beta, beta * product / own_square)


def _without_intercept(self: LeadLag) -> Lead | None:
    if _lead(self) is None:
        return None
    return _regression(list(self._leader_returns), list(self._own_returns))


def _regressed_on_the_past(self: LeadLag) -> Lead | None:
    """Regress each return on the leader's before it."""
    if _lead(self) is None:
        return None
    leader, own = list(self._leader_returns), list(self._own_returns)
    past = _regression(leader[:-1], own[1:])
    return None if past is None else replace(past, lead_bps=past.beta * leader[-1])


def _leader_on_own(self: LeadLag) -> Lead | None:
    swapped = LeadLag(self._config)
    swapped._own_returns, swapped._leader_returns = self._leader_returns, self._own_returns
    return _lead(swapped)


def _correlation(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    return None if lead is None else replace(lead, confidence=math.sqrt(lead.confidence))


def _own_return_forgotten(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    return None if lead is None else replace(lead, lead_bps=lead.lead_bps + self._own_returns[-1])


def _beta_of_1(self: LeadLag) -> Lead | None:
    lead = _lead(self)
    if lead is None:
        return None
    return replace(lead, lead_bps=self._leader_returns[-1] - self._own_returns[-1])


def _returns_of_moves_only(self: LeadLag, mid: float) -> None:
    if self._prices is None or self._prices[1] != self.leader:
        _follow_lead(self, mid)


def _any_confidence(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    return _lead_observation(lead, replace(config, lead_min_confidence=0.01))


def _alike_confident(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    observation = _lead_observation(lead, config)
    return None if observation is None else (observation[0], observation[1] * lead.confidence)


def _lead_unclipped(lead: Lead, config: CrossVenueConfig) -> Observation | None:
    observation = _lead_observation(lead, config)
    if observation is None or config.calibration == "plan":
        return observation
    scale = config.calibrated_drift_scale / config.calibrated_lead_scale_bps
    return scale * lead.lead_bps, observation[1]


def _lead_never_forgets(self: LeadLag, config: CrossVenueConfig) -> None:
    _lead_init(self, replace(config, lead_window=1_000_000))


def _lead_at_nineteen(self: LeadLag, config: CrossVenueConfig) -> None:
    _lead_init(self, replace(config, lead_min_returns=config.lead_min_returns - 1))


PHASE_8_VENUES = (
    Mutant(
        "basis-inverted",
        "P8.test_basis_compression_bearish_when_long",
        "the basis is that of spot over perp",
        {"cross_venue.basis_bps": lambda perp_mid, spot_mid: _basis_bps(spot_mid, perp_mid)},
    ),
    Mutant(
        "basis-level",
        "P8.test_basis_compression_bearish_when_long",
        "the level of the basis speaks, not its change",
        {"cross_venue.Basis.follow": _level_of_the_basis},
    ),
    Mutant(
        "basis-first-change",
        "P8.test_basis_compression_bearish_when_long",
        "the first basis is a change from 0",
        {"cross_venue.Basis.follow": _first_change_is_level},
    ),
    Mutant(
        "basis-per-cycle",
        "P8.test_basis_compression_bearish_when_long",
        "the basis changes from one cycle, not from one warm cycle, to the next",
        {"engine.QuoteEngine.cycle": _basis_of_last_cycle},
    ),
    Mutant(
        "venues-by-position",
        "D-34",
        "basis and lead are turned by the position: a short sees a falling basis as bullish",
        {"engine.QuoteEngine._observe_all": _venues_by_position},
    ),
    Mutant(
        "basis-unclipped",
        "D-45",
        "calibrated, a jump of the basis exceeds 10 bp/s",
        {"cross_venue.basis_observation": _basis_unclipped},
    ),
    Mutant(
        "lead-when-holding",
        "E2E-11",
        "a flat book does not look at the leader",
        {"engine.QuoteEngine._observe_all": _lead_when_holding},
    ),
    Mutant(
        "lead-without-intercept",
        "D-34",
        "the regression goes through the origin",
        {"cross_venue.LeadLag.lead": _without_intercept},
    ),
    Mutant(
        "lead-of-the-past",
        "D-34",
        "each return is regressed on the leader's before it",
        {"cross_venue.LeadLag.lead": _regressed_on_the_past},
    ),
    Mutant(
        "leader-on-own",
        "D-34",
        "the leader is regressed on the own market",
        {"cross_venue.LeadLag.lead": _leader_on_own},
    ),
    Mutant(
        "confidence-is-the-correlation",
        "D-34",
        "the confidence is R, not R^2",
        {"cross_venue.LeadLag.lead": _correlation},
    ),
    Mutant(
        "lead-already-followed",
        "P8.test_lead_signal_btc_drop",
        "the own last return is not taken off: what was followed counts again",
        {"cross_venue.LeadLag.lead": _own_return_forgotten},
    ),
    Mutant(
        "lead-beta-of-1",
        "P8.test_lead_signal_btc_drop",
        "the own market is taken to follow one to one",
        {"cross_venue.LeadLag.lead": _beta_of_1},
    ),
    Mutant(
        "lead-at-any-confidence",
        "D-34",
        "a lead speaks below a confidence of 0.3",
        {"cross_venue.lead_observation": _any_confidence},
    ),
    Mutant(
        "lead-alike-confident",
        "D-34",
        "R does not grow as confidence falls",
        {"cross_venue.lead_observation": _alike_confident},
    ),
    Mutant(
        "lead-unclipped",
        "D-45",
        "calibrated, a large lead exceeds 10 bp/s",
        {"cross_venue.lead_observation": _lead_unclipped},
    ),
    Mutant(
        "lead-never-forgets",
        "D-34",
        "the regression is over the whole session",
        {"cross_venue.LeadLag.__init__": _lead_never_forgets},
    ),
    Mutant(
        "lead-at-19",
        "D-34",
        "nineteen returns already have a lead",
        {"cross_venue.LeadLag.__init__": _lead_at_nineteen},
    ),
    Mutant(
        "lead-of-rounding",
        "Q-13",
        "returns that differ by 1e-9 bp have a regression",
        {"cross_venue.deviations": deviations_magnified},
    ),
    Mutant(
        "lead-of-moves-only",
        "A-cross_venue",
        "a cycle in which the leader stands has no returns",
        {"cross_venue.LeadLag.follow": _returns_of_moves_only},
    ),
)
