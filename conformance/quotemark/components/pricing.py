"""Components of phases 1 to 4: drift, inventory, flow, half-spread and expected PnL."""

from __future__ import annotations

from quotemark import messages
from quotemark.components.base import (
    Clock,
    ConfiguredComponent,
    FormulaComponent,
    drift_observation_fields,
)
from quotemark.messages import Json, Step
from quotemark_reference import expected_pnl, flow, glft, inventory
from quotemark_reference.config import DriftConfig, FlowConfig, InventoryConfig
from quotemark_reference.drift import KalmanDrift
from quotemark_reference.errors import OutOfRangeError, check_finite, check_positive
from quotemark_reference.flow import TradeFlow


class DriftComponent(ConfiguredComponent[DriftConfig]):
    """Component ``drift``: the Kalman filter."""

    def __init__(self, config: Json) -> None:
        super().__init__(DriftConfig, config)
        self._filter = KalmanDrift(self._config)

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


class InventoryComponent(ConfiguredComponent[InventoryConfig]):
    """Component ``inventory``: gamma(q), skew and kill guard."""

    def __init__(self, config: Json) -> None:
        super().__init__(InventoryConfig, config)

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


class FlowComponent(ConfiguredComponent[FlowConfig]):
    """Component ``flow``: directional flow of the tape."""

    def __init__(self, config: Json) -> None:
        super().__init__(FlowConfig, config)
        self._flow = TradeFlow(self._config)
        self._clock = Clock()

    def apply(self, step: Step) -> Json:
        """Take a trade, or only read; either way answer with the flow at the step's time."""
        assert isinstance(step, messages.FlowTrade | messages.Read)
        if isinstance(step, messages.FlowTrade):
            check_positive("size", step.size)
        self._clock.advance(step.t_ms)
        if isinstance(step, messages.FlowTrade):
            self._flow.record_trade(step.t_ms, step.side, step.size)
        trades = self._flow.decayed_trades_at(step.t_ms)
        return {
            "imbalances": [
                self._flow.imbalance_at(step.t_ms, horizon_s) for horizon_s in flow.HORIZONS_S
            ],
            "kappa_multipliers": list(self._flow.kappa_multipliers_at(step.t_ms)),
            "trades_per_s": trades / flow.TRADE_COUNT_HORIZON_S,
            **drift_observation_fields(self._flow.drift_observation_at(step.t_ms)),
        }


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
