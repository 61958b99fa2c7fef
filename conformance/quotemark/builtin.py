"""The reference behind the port: just another engine.

Each component session holds one piece of the reference and translates the port's steps into its
calls. Nothing is computed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, cast

import msgspec

import quotemark_reference
from quotemark import __version__, messages
from quotemark.messages import (
    Answer,
    CloseAnswer,
    Closed,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    RejectionCode,
    Step,
    Unsupported,
    component_fields,
)
from quotemark.steps import StepError, parse_step, untagged
from quotemark_reference import expected_pnl, flow, glft, inventory
from quotemark_reference.config import (
    DriftConfig,
    EngineConfig,
    FlowConfig,
    InventoryConfig,
    make_config,
)
from quotemark_reference.drift import KalmanDrift
from quotemark_reference.engine import Cycle, QuoteEngine
from quotemark_reference.errors import (
    MissingFieldError,
    OutOfRangeError,
    RejectedError,
    TimeReversedError,
    UnknownFieldError,
    check_finite,
    check_positive,
)
from quotemark_reference.flow import TradeFlow

PHASES = [1, 2, 3, 4]
TOXICITY_SOURCES = {"toxicity_bid": "bid", "toxicity_ask": "ask"}


class UnsupportedStepError(Exception):
    """A step that belongs to a phase this version does not have."""


class Component(Protocol):
    """One open session of a component."""

    def __init__(self, config: Json) -> None: ...

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""

    def apply(self, step: Step) -> Json:
        """Apply a step and answer with its observation."""


class DriftComponent:
    """Component ``drift``: the Kalman filter."""

    def __init__(self, config: Json) -> None:
        self._config = make_config(DriftConfig, config)
        self._filter = KalmanDrift(self._config)

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""
        return asdict(self._config)

    def apply(self, step: Step) -> Json:
        """Apply a step and answer with the posterior."""
        match step:
            case messages.Predict():
                self._filter.predict(step.t_ms)
            case messages.Observe():
                self._filter.update(step.z_bps_per_s, step.variance)
            case messages.DriftFill():
                self._filter.update_fill(step.side, step.price, step.mid, step.sigma_bps_per_sqrt_s)
            case messages.DriftTrend():
                self._filter.update_trend(step.magnitude_bps, step.agreement, step.p_continuation)
        return {
            "drift_bps_per_s": self._filter.mean,
            "variance": self._filter.variance,
            "uncertainty_bps_per_s": self._filter.drift_uncertainty(),
            "confidence": self._filter.drift_confidence(),
        }


class InventoryComponent:
    """Component ``inventory``: gamma(q), skew and kill guard."""

    def __init__(self, config: Json) -> None:
        self._config = make_config(InventoryConfig, config)

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""
        return asdict(self._config)

    def apply(self, step: Step) -> Json:
        """Evaluate the formulas at the step's position."""
        assert isinstance(step, messages.Position)
        check_finite("position", step.position)
        check_positive("sigma_bps_per_sqrt_s", step.sigma_bps_per_sqrt_s)
        check_positive("time_horizon_s", step.time_horizon_s)
        limit = self._config.max_position
        gamma = inventory.gamma_per_bps(
            self._config.gamma_base_per_bps, self._config.inventory_beta, step.position, limit
        )
        return {
            "gamma_per_bps": gamma,
            "skew_bps": inventory.skew_bps(
                gamma, step.sigma_bps_per_sqrt_s, step.time_horizon_s, step.position, limit
            ),
            "killed_side": inventory.killed_side(step.position, limit),
        }


class FlowComponent:
    """Component ``flow``: directional flow of the tape."""

    def __init__(self, config: Json) -> None:
        self._config = make_config(FlowConfig, config)
        self._flow = TradeFlow(self._config)
        self._time_ms: int | None = None

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""
        return asdict(self._config)

    def apply(self, step: Step) -> Json:
        """Take a trade, or only read; either way answer with the flow at the step's time."""
        assert isinstance(step, messages.FlowTrade | messages.FlowRead)
        if self._time_ms is not None and step.t_ms < self._time_ms:
            raise TimeReversedError(f"t_ms is {step.t_ms}, expected at least {self._time_ms}")
        if isinstance(step, messages.FlowTrade):
            check_positive("size", step.size)
            self._flow.record_trade(step.t_ms, step.side, step.size)
        self._time_ms = step.t_ms
        z_bps_per_s, variance = self._flow.drift_observation_at(step.t_ms) or (None, None)
        trades = self._flow.decayed_trades_at(step.t_ms)
        return {
            "imbalances": [
                self._flow.imbalance_at(step.t_ms, horizon_s) for horizon_s in flow.HORIZONS_S
            ],
            "kappa_multipliers": list(self._flow.kappa_multipliers_at(step.t_ms)),
            "trades_per_s": trades / flow.TRADE_COUNT_HORIZON_S,
            "z_bps_per_s": z_bps_per_s,
            "variance": variance,
        }


class FormulaComponent:
    """A component without configuration: each step is one evaluation."""

    def __init__(self, config: Json) -> None:
        if config:
            raise UnknownFieldError(f"config key {next(iter(config))!r} is unknown; none is known")

    def effective_config(self) -> Json:
        """Return the empty configuration."""
        return {}


class GlftComponent(FormulaComponent):
    """Component ``glft``: half-spreads and touch depths."""

    def apply(self, step: Step) -> Json:
        """Evaluate the formulas at the step's values."""
        assert isinstance(step, messages.Depths)
        check_positive("gamma_per_bps", step.gamma_per_bps)
        for kappa_per_bps in step.kappas_per_bps:
            check_positive("kappas_per_bps", kappa_per_bps)
        check_positive("sigma_bps_per_sqrt_s", step.sigma_bps_per_sqrt_s)
        check_positive("time_horizon_s", step.time_horizon_s)
        for name in ("fee_bps", "drift_bps_per_s", "skew_bps"):
            check_finite(name, getattr(step, name))
        bid, ask = (
            glft.half_spread_bps(
                step.gamma_per_bps,
                kappa_per_bps,
                step.sigma_bps_per_sqrt_s,
                step.time_horizon_s,
                step.fee_bps,
            )
            for kappa_per_bps in step.kappas_per_bps
        )
        shift = glft.drift_shift_bps(step.drift_bps_per_s, step.time_horizon_s)
        depths = glft.touch_depths_bps((bid, ask), shift, step.skew_bps, (0.0, 0.0), step.fee_bps)
        return {"half_spreads_bps": [bid, ask], "touch_depths_bps": list(depths)}


class ExpectedPnlComponent(FormulaComponent):
    """Component ``expected_pnl``: one level's expected PnL and its parts."""

    def apply(self, step: Step) -> Json:
        """Evaluate the formula at the step's level."""
        assert isinstance(step, messages.Level)
        _check_level(step)
        gamma = inventory.gamma_per_bps(
            step.gamma_base_per_bps, step.inventory_beta, step.position, step.max_position
        )
        penalty = expected_pnl.inventory_penalty_bps(
            step.side,
            gamma,
            step.sigma_bps_per_sqrt_s,
            step.time_horizon_s,
            step.position,
            step.max_position,
        )
        position_terms = expected_pnl.position_terms_bps(
            step.side,
            gamma_base_per_bps=step.gamma_base_per_bps,
            inventory_beta=step.inventory_beta,
            sigma_bps_per_sqrt_s=step.sigma_bps_per_sqrt_s,
            time_horizon_s=step.time_horizon_s,
            drift_bps_per_s=step.drift_bps_per_s,
            position=step.position,
            max_position=step.max_position,
        )
        cost_bps = step.as_cost_bps + step.fee_bps + step.carry_cost_bps
        pnl = expected_pnl.level_pnl_bps(
            step.depth_bps, step.kappa_per_bps, cost_bps, position_terms
        )
        return {
            "expected_pnl_bps": pnl,
            "keep": expected_pnl.keeps_level(pnl),
            "fill_intensity": expected_pnl.fill_intensity(step.depth_bps, step.kappa_per_bps),
            "drift_contribution_bps": expected_pnl.drift_contribution_bps(
                step.side, step.drift_bps_per_s, step.time_horizon_s
            ),
            "inventory_penalty_bps": penalty,
        }


def _check_level(step: messages.Level) -> None:
    for name in (
        "gamma_base_per_bps",
        "kappa_per_bps",
        "sigma_bps_per_sqrt_s",
        "time_horizon_s",
        "max_position",
    ):
        check_positive(name, getattr(step, name))
    for name in (
        "inventory_beta",
        "drift_bps_per_s",
        "position",
        "as_cost_bps",
        "fee_bps",
        "carry_cost_bps",
    ):
        check_finite(name, getattr(step, name))
    check_finite("depth_bps", step.depth_bps)
    if step.depth_bps < 0.0:
        raise OutOfRangeError(f"depth_bps is {step.depth_bps}, expected 0 or more")


class EngineComponent:
    """Component ``engine``: the whole quote cycle."""

    def __init__(self, config: Json) -> None:
        self._config = make_config(EngineConfig, config)
        self._engine = QuoteEngine(self._config)

    def effective_config(self) -> Json:
        """Configuration in canonical names and units."""
        return asdict(self._config)

    def apply(self, step: Step) -> Json:
        """Take an event; a ``cycle`` answers with the ladder and its inner figures."""
        match step:
            case messages.CycleStep():
                return cycle_observation(self._engine.cycle(step.t_ms, step.mid))
            case messages.Book():
                self._engine.on_book(step.t_ms, step.bids, step.asks)
            case messages.Trade():
                self._engine.on_trade(step.t_ms, step.side, step.price, step.size)
            case messages.Fill():
                self._engine.on_fill(step.t_ms, step.side, step.price, step.size, step.id, step.mid)
            case messages.Trend():
                self._engine.on_trend(
                    step.t_ms, step.magnitude_bps, step.agreement, step.p_continuation
                )
            case messages.Signal():
                self._apply_signal(step)
            case messages.Estimate():
                self._engine.on_estimate(
                    step.t_ms,
                    sigma_bps_per_sqrt_s=step.sigma_bps_per_sqrt_s,
                    kappa_bid_per_bps=step.kappa_bid_per_bps,
                    kappa_ask_per_bps=step.kappa_ask_per_bps,
                    time_horizon_s=step.time_horizon_s,
                )
            case messages.Funding() | messages.ReferencePrice():
                raise UnsupportedStepError("phases 5 to 8 are not in this version")
        return {}

    def _apply_signal(self, step: messages.Signal) -> None:
        if step.source in TOXICITY_SOURCES:
            self._engine.on_toxicity(step.t_ms, TOXICITY_SOURCES[step.source], step.value)
        elif step.variance is None:
            raise MissingFieldError(f"variance is absent from signal {step.source!r}")
        else:
            self._engine.on_signal(step.t_ms, step.value, step.variance)


def cycle_observation(cycle: Cycle) -> Json:
    """Turn a cycle of the reference into the port's observation."""
    observation: Json = msgspec.to_builtins(cycle)
    del observation["t_ms"]
    return observation


COMPONENTS: dict[str, type[Component]] = {
    "drift": DriftComponent,
    "inventory": InventoryComponent,
    "flow": FlowComponent,
    "glft": GlftComponent,
    "expected_pnl": ExpectedPnlComponent,
    "engine": EngineComponent,
}


class BuiltinEngine:
    """The reference, or a variant of it that fixes some configuration and offers fewer pieces."""

    def __init__(
        self,
        name: str = "reference",
        *,
        components: Sequence[str] = tuple(COMPONENTS),
        fixed_config: Json | None = None,
    ) -> None:
        self._name = name
        self._components = {component: COMPONENTS[component] for component in components}
        self._fixed_config = fixed_config or {}
        self._sessions: dict[str, tuple[str, Component]] = {}

    def initialize(self) -> Identity:
        """Say what the engine is and what it offers."""
        return Identity(
            protocol=messages.PROTOCOL_VERSION,
            name=self._name,
            version=__version__,
            digest=reference_digest(),
            phases=PHASES,
            components=list(self._components),
            fields={name: list(component_fields(name)) for name in self._components},
            clock="injected",
        )

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        """Open a session; ``seed`` is taken for the contract's sake, nothing here is random."""
        del seed
        if component not in self._components:
            known = ", ".join(self._components)
            return Rejected("unknown_component", f"component is {component!r}, known are {known}")
        if session in self._sessions:
            return Rejected("duplicate", f"session {session!r} is open already")
        try:
            given = {key: untagged(value) for key, value in config.items()}
            opened = self._components[component]({**given, **self._fixed_config})
        except RejectedError as error:
            return _rejection(error)
        self._sessions[session] = (component, opened)
        return Opened(opened.effective_config())

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        """Apply steps in order; one answer a step."""
        if session not in self._sessions:
            return [Rejected("not_open", f"session {session!r} is not open") for _ in steps]
        component, opened = self._sessions[session]
        return [_answer(component, opened, step) for step in steps]

    def close(self, session: str) -> CloseAnswer:
        """End a session."""
        if self._sessions.pop(session, None) is None:
            return Rejected("not_open", f"session {session!r} is not open")
        return Closed()

    def shutdown(self) -> None:
        """End all sessions."""
        self._sessions.clear()


def _answer(name: str, component: Component, raw: Json) -> Answer:
    try:
        return Ok(component.apply(parse_step(name, raw)))
    except RejectedError as error:
        return _rejection(error)
    except StepError as error:
        return error.rejection
    except UnsupportedStepError as error:
        return Unsupported(str(error))


def _rejection(error: RejectedError) -> Rejected:
    return Rejected(cast("RejectionCode", error.code), str(error))


def reference_digest() -> str:
    """Digest of the reference's source, which is its identity."""
    digest = hashlib.sha256()
    for path in sorted(Path(quotemark_reference.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"sha256:{digest.hexdigest()}"


LEGACY_GATES = {
    "use_kalman_drift": False,
    "use_continuous_gamma": False,
    "use_directional_flow": False,
    "use_epnl_filter": False,
}


def reference() -> BuiltinEngine:
    """Make the reference as an engine."""
    return BuiltinEngine()


def legacy_deployed() -> BuiltinEngine:
    """Make the baseline of Feb 19 as the record shows it (D-39)."""
    return _legacy("deployed")


def legacy_documented() -> BuiltinEngine:
    """Make the baseline as the plan's table describes it (D-39)."""
    return _legacy("documented")


def _legacy(variant: str) -> BuiltinEngine:
    return BuiltinEngine(
        f"legacy:{variant}",
        components=("engine",),
        fixed_config={**LEGACY_GATES, "legacy_variant": variant},
    )
