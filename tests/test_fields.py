"""What stands behind the fields: every one has its formula, and requirements that hold it."""

from __future__ import annotations

from typing import get_args

import pytest

from quotemark.messages import (
    OBSERVATIONS,
    STEPS,
    DriftUpdateObservation,
    RejectionCode,
    SourcedObservation,
    component_fields,
)
from quotemark.suite.checks import all_checks
from quotemark.suite.compare import Difference
from quotemark.suite.fields import field_of, register, rule_behind
from quotemark.suite.register import requirements


def behind(component: str, field: str, step: str = "") -> str:
    return rule_behind(component, step, Difference(field, 1.0, 2.0)).formula


@pytest.mark.parametrize("component", OBSERVATIONS)
def test_every_field_has_a_formula_after_every_kind_of_step(component: str) -> None:
    steps = [str(kind.__struct_config__.tag) for kind in STEPS[component]]
    for field in component_fields(component):
        for step in steps:
            assert behind(component, field, step), (field, step)


def test_no_entry_is_of_a_field_that_does_not_exist_and_none_comes_twice() -> None:
    parts = {
        ("engine", "drift_observations"): DriftUpdateObservation.__struct_fields__,
        ("engine", "composite_parts"): SourcedObservation.__struct_fields__,
        ("book", "signals"): SourcedObservation.__struct_fields__,
    }
    places = [(entry.component, entry.name, entry.step) for entry in register().field]
    assert len(places) == len(set(places))
    for component, name, step in places:
        field, _, part = name.partition(".")
        if field != "quote" and part:
            assert part in parts[component, field]
            assert field in component_fields(component)
        else:
            assert name in component_fields(component)
        assert step in ("", *(kind.__struct_config__.tag for kind in STEPS[component]))
    codes = [entry.code for entry in register().rejection]
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(get_args(RejectionCode))


def test_requirements_behind_a_field_are_proven_on_its_component_or_in_the_cycle() -> None:
    proven_on: dict[str, set[str]] = {one: set() for one in requirements()}
    for check in all_checks():
        for requirement in check.proves:
            proven_on[requirement].add(check.component)
    for entry in register().field:
        assert entry.requirements
        for requirement in entry.requirements:
            if entry.component == "engine":  # it has the formulas of all components
                assert proven_on[requirement]
            else:
                assert proven_on[requirement] & {entry.component, "engine"}, entry
    for rejection in register().rejection:
        assert rejection.requirements
        assert all(proven_on[requirement] for requirement in rejection.requirements)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("variance", "variance"),
        ("imbalances[2]", "imbalances"),
        ("expected_pnl_bps[0][3]", "expected_pnl_bps"),
        ("drift_observations[3].gain", "drift_observations.gain"),
        ("bids[0].price", "quote.price"),
        ("asks[11].expected_pnl_bps", "quote.expected_pnl_bps"),
        ("asks[1]", "asks"),
        ("bids", "bids"),
        ("number of bids", "bids"),
        ("effective config p_min", "effective config p_min"),
    ],
)
def test_a_field_is_named_without_places_in_lists(path: str, field: str) -> None:
    assert field_of(path) == field


def test_the_formula_is_that_of_the_step_and_of_the_part() -> None:
    assert "e^(-2 theta dt)" in behind("drift", "variance", "predict")
    assert behind("drift", "variance", "observe") == "P = max(P_min, (1 - K) P), K = P / (P + R)"
    assert behind("engine", "drift_observations[0].gain", "cycle").startswith("K = P / (P + R)")
    whole = behind("engine", "drift_observations", "cycle")
    assert behind("engine", "drift_observations[0].source", "cycle") == whole
    price = rule_behind("engine", "cycle", Difference("asks[2].price", 100.0, 99.0))
    assert price.unit == "price"
    assert "D-42" in price.requirements


def test_behind_a_rejection_stands_the_rule_of_its_code() -> None:
    wanted = Difference("status", "rejected (time_reversed: t_ms is 5)", "ok")
    other = Difference("code", "out_of_range", "time_reversed")
    unwanted = Difference("status", "ok", "rejected (duplicate: id is 'a')")
    assert rule_behind("drift", "predict", wanted).requirements == ("D-03",)
    assert rule_behind("drift", "predict", other).requirements == ("Q-02",)
    assert rule_behind("engine", "fill", unwanted).requirements == ("Q-08",)


def test_what_nobody_knows_is_agreement_with_the_reference() -> None:
    for difference in (
        Difference("secret", "no such field declared", 1.0),
        Difference("status", "ok", "unsupported (later)"),
    ):
        rule = rule_behind("hawkes", "trade", difference)
        assert (rule.formula, rule.requirements) == ("", ("A-hawkes",))
    assert "A-hawkes" in requirements()
