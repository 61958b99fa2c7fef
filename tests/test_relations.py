"""What relations and bad input are made of: images, tables of the page, every spoilt field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from importlib.resources import files
from typing import get_args

import pytest

from quotemark.builtin import BuiltinEngine, reference
from quotemark.messages import (
    STEPS,
    Answer,
    Json,
    Ok,
    Opened,
    Rejected,
    RejectionCode,
    Signal,
)
from quotemark.suite.bad_input import bad_settings, fields_of, spoils
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.images import (
    CONTRACTS,
    DOLLARS,
    PRICES,
    later,
    mirrored_market,
    quoted_mids,
    rescaled,
)
from quotemark.suite.market import ALL_PHASES, GATES
from quotemark.suite.protocol_page import config_keys
from quotemark.suite.runner import DEFAULT_SEED, run_check
from quotemark.suite.whole_market import known_steps, whole_market
from quotemark_reference.config import EngineConfig

# --- the page's tables ------------------------------------------------------------------------


def test_the_page_gives_every_key_with_its_bounds() -> None:
    keys = config_keys()
    specs = {spec.name: spec for spec in fields(EngineConfig)}
    assert keys.keys() == specs.keys()
    for name, key in keys.items():
        metadata = specs[name].metadata
        assert key.is_gate == ("phase" in metadata)
        if "options" in metadata:
            assert key.options == [str(one).removesuffix(".0") for one in metadata["options"]]
        elif not key.is_gate:
            assert key.options == []
            assert key.bounds == (metadata["low"], metadata["high"])
            assert key.is_whole == (type(specs[name].default) is int)
        assert key.is_list == isinstance(specs[name].default, tuple)


def test_a_key_has_the_phase_that_reads_it() -> None:
    phases = {name: key.phase for name, key in config_keys().items()}
    assert {phases[name] for name in GATES.values()} == set(range(1, 9))
    own = {"sigma_trend": 1, "inventory_beta": 2, "sigma_flow": 3, "as_ratio": 4, "error_weight": 5}
    own |= {"holding_time_s": 6, "alpha_sweep": 7, "tail_weight": 8}
    assert {name: phases[name] for name in own} == own
    # phases share these, or the old path reads them too
    shared = ("calibration", "calibrated_variance", "gamma_base_per_bps", "max_position", "fee_bps")
    assert {phases[name] for name in shared} == {None}


def test_another_value_is_allowed_and_no_default() -> None:
    defaults = {spec.name: spec.default for spec in fields(EngineConfig)}
    optional = {name for name, key in config_keys().items() if key.default == "null"}
    others: Json = {
        name: key.another_value
        for name, key in config_keys().items()
        if not key.is_gate and not key.is_list and name not in optional
    }
    assert isinstance(reference().open("one", "engine", others, 0), Opened)
    assert [name for name, value in others.items() if value == defaults[name]] == ["calibration"]


def test_what_is_in_units_is_what_the_page_says() -> None:
    page = files("quotemark").joinpath("PROTOCOL.md").read_text("utf-8")
    units = {"price": PRICES, "contracts": CONTRACTS, "USD": DOLLARS}
    said: dict[str, set[str]] = {unit: set() for unit in units}
    for names, unit in re.findall(r"^\| (`[^|]*`) \| (price|contracts|USD) \|", page, re.MULTILINE):
        said[unit].update(re.findall(r"`(\w+)`", names))
    for unit, names in units.items():
        assert said[unit] <= names, unit
        other = [name for one, others in said.items() if one != unit for name in others]
        assert names.isdisjoint(other)
    in_units = PRICES | CONTRACTS | DOLLARS
    assert {key.name for key in config_keys().values() if key.unit in units} == {
        name for name in config_keys() if name in in_units
    }


# --- images -----------------------------------------------------------------------------------


def test_a_mirrored_market_has_the_opposite_returns_and_the_mirror_of_it_the_same() -> None:
    steps = whole_market(7, 20)
    image = mirrored_market(steps)
    mids, mirror = quoted_mids(steps), quoted_mids(image)
    assert [mid * other for mid, other in zip(mids, mirror, strict=True)] == pytest.approx(
        [1e4] * 20
    )
    assert quoted_mids(mirrored_market(image)) == pytest.approx(mids)
    flipped = {"buy": "sell", "sell": "buy"}
    for kind in ("trade", "fill"):
        sides, others = (
            [step["side"] for step in told if step["step"] == kind] for told in (steps, image)
        )
        assert [flipped[side] for side in sides] == others


def test_quoted_mids_are_those_that_the_reference_quotes_around() -> None:
    steps = [
        {"step": "book", "t_ms": 0, "bids": [[99.0, 1.0]], "asks": [[100.0, 1.0]]},
        {"step": "book", "t_ms": 0, "bids": [], "asks": [[90.0, 1.0]]},
        *whole_market(3, 20),
    ]
    steps.insert(2, {"step": "cycle", "t_ms": 0})
    engine = reference()
    engine.open("one", "engine", ALL_PHASES, 0)
    answers = engine.apply("one", steps)
    seen = [answer.observation.get("mid") for answer in answers if isinstance(answer, Ok)]
    assert [mid for mid in seen if mid is not None] == quoted_mids(steps)


def test_other_units_reach_every_price_and_size_and_nothing_else() -> None:
    book: Json = {"step": "book", "t_ms": 5, "bids": [[8.0, 3.0]], "asks": []}
    assert rescaled(book, 2.0, 10.0) == {**book, "bids": [[16.0, 30.0]]}
    config: Json = {
        "level_sizes": (1.0, 2.0),
        "tick_size": None,
        "depth_ref_usd": 5.0,
        "fee_bps": 1,
    }
    assert rescaled(config, 2.0, 10.0) == {
        **{"level_sizes": [10.0, 20.0], "tick_size": None, "depth_ref_usd": 100.0, "fee_bps": 1}
    }
    quote: Json = {"price": 8.0, "size": 3.0, "tick": 0.5, "level": 2, "depth_bps": 7.0}
    image = {"price": 16.0, "size": 30.0, "tick": 1.0, "level": 2, "depth_bps": 7.0}
    assert rescaled({"bids": [quote]}, 2.0, 10.0) == {"bids": [image]}


def test_later_steps_are_as_far_apart() -> None:
    steps: list[Json] = [{"step": "read", "t_ms": 3}, {"step": "observe", "variance": 1.0}]
    assert later(steps, 40) == [{"step": "read", "t_ms": 43}, steps[1]]


def test_an_engine_of_few_phases_gets_the_steps_that_it_knows() -> None:
    steps = whole_market(3, 10)
    assert known_steps(steps, {1, 8}) == [step for step in steps if step["step"] != "funding"]
    kinds = {step["step"] for step in known_steps(steps, {1, 2})}
    assert kinds.isdisjoint({"funding", "reference_price", "open_interest"})
    assert known_steps(steps, range(1, 9)) == steps


# --- bad input --------------------------------------------------------------------------------

WHOLE: Json = {
    "t_ms": 90_000,
    **{"bids": [[99.0, 1.0], [98.0, 1.0]], "asks": [[101.0, 1.0]], "kappas_per_bps": [0.1, 0.2]},
    **{"side": "buy", "source": "spot", "rate": "0.1", "id": "one", "levels_crossed": 2},
}


def changed(good: Json, bad: Json) -> list[str]:
    """Names whose value is another, or of another kind, or there in one alone."""
    told, spoilt = ({name: repr(value) for name, value in one.items()} for one in (good, bad))
    return [name for name in {**good, **bad} if told.get(name) != spoilt.get(name)]


@pytest.mark.parametrize("component", STEPS)
def test_every_field_is_spoilt_in_every_way_and_alone(component: str) -> None:
    for kind in STEPS[component]:
        known = {field.name: WHOLE.get(field.name, 1.0) for field in fields_of(kind)}
        good: Json = {"step": kind.__struct_config__.tag, **known}
        found: dict[str, set[str]] = {name: set() for name in (*good, "venue")}
        for spoil, codes in spoils(kind):
            name, *more = changed(good, spoil(good))
            assert not more or kind is Signal  # whose toxicity has no variance
            found[name].update(codes)
        for field in fields_of(kind):
            assert "unparsable" in found[field.name]
            assert field.type not in (int, float) or "non_finite" in found[field.name]
            assert not field.required or "missing_field" in found[field.name]
        assert found["venue"] == {"unknown_field"}
        assert found["step"] == {"unknown_step", "missing_field"}


def test_every_code_that_a_step_may_get_is_demanded() -> None:
    demanded = {
        code
        for kinds in STEPS.values()
        for kind in kinds
        for _, codes in spoils(kind)
        for code in codes
    }
    of_sessions = {"unknown_component", "not_open"}
    assert demanded == set(get_args(RejectionCode)) - of_sessions


def test_every_key_is_set_beyond_its_bounds_and_to_another_kind() -> None:
    for key in config_keys().values():
        codes = {code for _, found in bad_settings(key) for code in found}
        expected = {"unparsable"} if key.is_gate else {"unparsable", "out_of_range"}
        if not key.is_gate and key.unit != "name":
            expected.add("non_finite")
        assert codes == expected, key.name


class Counting(BuiltinEngine):
    """The reference, which counts the steps that it rejects."""

    rejected = 0

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        answers = super().apply(session, steps)
        self.rejected += sum(isinstance(answer, Rejected) for answer in answers)
        return answers


@pytest.mark.parametrize("component", STEPS)
def test_every_bad_step_comes_to_the_engine(component: str) -> None:
    checks = {one.name: one for one in all_checks()}
    engine = Counting()
    bench = Bench(engine, engine.initialize(), reference(), DEFAULT_SEED)
    result = run_check(bench, checks[f"robustness.{component}_rejects_bad_steps"])
    assert result.status == "passed", result.message
    every = [spoil for kind in STEPS[component] for spoil, _ in spoils(kind)]
    assert engine.rejected >= len(every)
