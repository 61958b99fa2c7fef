"""The suite: its register, how it compares, what it says of engines, and that it says it twice."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields
from importlib.resources import files
from itertools import cycle as cycle_through
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import quotemark_reference
from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine, legacy_deployed, reference
from quotemark.messages import (
    OBSERVATIONS,
    Answer,
    Identity,
    Json,
    Ok,
    OpenAnswer,
    Opened,
    Rejected,
    Unsupported,
    component_fields,
)
from quotemark.port import Engine
from quotemark.results import (
    REQUIREMENT_STATUSES,
    Certification,
    CheckResult,
    CheckStatus,
    requirement_result,
)
from quotemark.suite.bench import Bench
from quotemark.suite.checks import all_checks
from quotemark.suite.compare import first_difference, is_close
from quotemark.suite.market import CYCLE_MS, GATES, PHASES_1_TO_4, at_position, cycle, trend
from quotemark.suite.register import EVERY_COMPONENT, requirements
from quotemark.suite.runner import DEFAULT_SEED, level_of, run_check
from quotemark.suite.runner import certify as certify_started
from quotemark.text import certification_lines, verdict_line
from quotemark_reference.config import (
    AdaptationConfig,
    BookConfig,
    CrossVenueConfig,
    DriftConfig,
    FillSizeConfig,
    FundingConfig,
    HawkesConfig,
    OpenInterestConfig,
    SensorConfig,
    SweepConfig,
    VolatilityConfig,
)

CHECKS = {check.name: check for check in all_checks()}


def certify(engine: Engine, **options: Any) -> Certification:  # noqa: ANN401 - as the runner's
    """Certify with little fuzz, which has tests of its own."""
    return certify_started(lambda: engine, fuzz_steps=1000, **options)


# --- the register -----------------------------------------------------------------------------

NAMED_TESTS = {
    1: (
        "test_kalman_predict_decays_toward_zero",
        "test_kalman_update_moves_toward_observation",
        "test_kalman_fill_observation_bearish",
        "test_kalman_trend_observation_high_agreement",
        "test_drift_unclamped_exceeds_3bps",
        "test_no_signals_decays_via_ou",
    ),
    2: (
        "test_continuous_gamma_exceeds_zone_widening",
        "test_continuous_gamma_monotonic",
        "test_kill_guard_independent",
        "test_no_discontinuity_at_old_boundaries",
    ),
    3: (
        "test_flow_neutral_gives_unit_multipliers",
        "test_sell_pressure_lowers_kappa_bid",
        "test_multipliers_bounded",
        "test_flow_drift_observation_sign",
    ),
    4: (
        "test_epnl_positive_at_touch_zero_inventory",
        "test_epnl_negative_accumulating_high_inventory",
        "test_epnl_positive_reducing_high_inventory",
        "test_epnl_all_negative_cascade",
        "test_epnl_drift_skews_correctly",
    ),
    5: (
        "test_theta_adapts_on_undershoot",
        "test_parameters_bounded",
        "test_cold_start_convergence",
    ),
    6: (
        "test_funding_observation_extreme_bearish",
        "test_carry_cost_positive_when_paying",
        "test_carry_cost_negative_when_receiving",
        "test_funding_warmup_blocks_signal",
        "test_epnl_with_carry_narrows_profitability",
    ),
    7: (
        "test_bim_multi_depth_correct",
        "test_dbim_negative_precedes_drop",
        "test_bpg_fragile_support",
        "test_sweep_detection_multi_level",
        "test_sweep_drift_observation_sign",
        "test_hot_tier_latency",
    ),
    8: (
        "test_hawkes_excess_sell_bearish",
        "test_fill_size_shift_large_bids_bearish",
        "test_basis_compression_bearish_when_long",
        "test_lead_signal_btc_drop",
        "test_vol_ratio_widens_sigma",
        "test_kurtosis_scales_as_ratio",
        "test_warm_tier_latency",
        "test_cold_tier_latency",
    ),
}


def test_every_requirement_has_a_check_and_every_check_proves_known_requirements() -> None:
    proven = {requirement_id for check in all_checks() for requirement_id in check.proves}
    assert proven == requirements().keys()
    assert all(check.proves for check in all_checks())


def test_a_requirements_level_is_the_weakest_of_its_checks() -> None:
    quotes = {"bids", "asks", "quote.price", "quote.size"}
    for requirement in requirements().values():
        checks = [check for check in all_checks() if requirement.id in check.proves]
        of_quotes = [one for one in checks if one.component in ("engine", EVERY_COMPONENT)]
        if not of_quotes:
            level = "L2"
        elif all(set(check.needs) - quotes for check in of_quotes):
            level = "L1"
        else:
            level = "L0"
        assert requirement.level == level, requirement.id
        assert min(check.level for check in checks) == level, requirement.id


def test_ids_and_names_are_unique() -> None:
    text = files("quotemark.suite").joinpath("requirements.toml").read_text("utf-8")
    ids = re.findall(r'^id = "(.+)"$', text, re.MULTILINE)
    assert [one for one, count in Counter(ids).items() if count > 1] == []
    assert list(requirements()) == ids
    assert len(CHECKS) == len(all_checks())


def test_checks_drive_components_that_exist_and_need_fields_that_exist() -> None:
    for check in all_checks():
        assert check.story, check.name
        if check.component == EVERY_COMPONENT:
            assert not check.needs, check.name
            continue
        assert check.component in OBSERVATIONS, check.name
        assert set(check.needs) <= set(component_fields(check.component)), check.name


def test_the_plans_named_tests_are_in_the_register_and_among_the_references_tests() -> None:
    functions = {
        node.name
        for path in (Path(__file__).parent / "reference").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    named = [(phase, name) for phase, names in NAMED_TESTS.items() for name in names]
    assert len(named) == 41
    for phase, name in named:
        assert requirements()[f"P{phase}.{name}"].phase == phase
        assert name in functions
    registered = {one for one in requirements() if one.startswith("P")}
    assert registered == {f"P{phase}.{name}" for phase, name in named}


def test_closing_checks_and_gates_are_in_the_register() -> None:
    assert {f"E2E-{number:02}" for number in range(1, 12)} <= requirements().keys()
    for phase in range(1, 9):
        assert requirements()[f"G-{phase}"].phase == phase


def test_every_decision_that_the_reference_cites_is_in_the_register() -> None:
    folder = Path(quotemark_reference.__file__).parent
    cited = {
        (path.name, decision)
        for path in folder.glob("*.py")
        for decision in re.findall(r"\b[UDQ]-\d+", path.read_text("utf-8"))
    }
    assert len({decision for _, decision in cited}) > 30
    assert [one for one in sorted(cited) if one[1] not in requirements()] == []


# --- verdicts ---------------------------------------------------------------------------------

statuses = st.lists(st.sampled_from(get_args(CheckStatus)), max_size=5)


@given(statuses)
def test_a_requirement_is_judged_by_its_worst_fact_then_its_best(found: list[CheckStatus]) -> None:
    requirement = next(iter(requirements().values()))
    checks = [CheckResult("c", (requirement.id,), "drift", status) for status in found]
    judged = requirement_result(requirement, checks)
    assert judged.checks == checks
    assert (judged.status == "violated") == ("failed" in found)
    assert (judged.status == "waived") == ("waived" in found and "failed" not in found)
    excused = {"failed", "waived"} & set(found)
    assert (judged.status == "proven") == ("passed" in found and not excused)
    nothing_known = not {"passed", "failed", "waived"} & set(found)
    assert (judged.status == "unproven") == (nothing_known and "unproven" in found)
    assert (judged.status == "unsupported") == (nothing_known and "unproven" not in found)


def status_by_id(certification: Certification) -> dict[str, str]:
    return {one.requirement.id: one.status for one in certification.requirements}


def failures(certification: Certification) -> list[CheckResult]:
    found = {
        check.check: check
        for one in certification.requirements
        for check in one.checks
        if check.status == "failed"
    }
    return list(found.values())


def test_the_reference_is_conformant_in_everything() -> None:
    certified = certify(reference())
    assert certified.conformant
    assert certified.level == "L2"
    assert status_by_id(certified) == dict.fromkeys(requirements(), "proven")


@pytest.mark.whole_suite
def test_the_same_seed_gives_the_same_certification() -> None:
    once, again = (certify(reference(), profile="quick", phases=[7]) for _ in range(2))
    assert again.latencies != once.latencies  # the machine's, and no verdict
    assert replace(again, latencies=[]) == replace(once, latencies=[])


@pytest.mark.whole_suite
def test_another_seed_walks_elsewhere_and_still_finds_nothing() -> None:
    other = certify(reference(), seed=DEFAULT_SEED + 1, profile="quick")
    assert other.conformant
    assert failures(other) == []


def test_the_deployed_baseline_is_not_conformant() -> None:
    certification = certify(legacy_deployed())
    assert not certification.conformant
    assert certification.level == "L1"
    statuses_found = status_by_id(certification)
    assert statuses_found["S-feb19"] == "violated"
    assert statuses_found["A-drift"] == "unsupported"


def test_an_engine_that_offers_nothing_is_not_conformant() -> None:
    certification = certify(BuiltinEngine(components=()))
    assert not certification.conformant
    assert certification.level == "components"
    assert set(status_by_id(certification).values()) == {"unsupported"}


@pytest.mark.parametrize("phase", [1, 2, 3, 4])
def test_a_phase_by_itself_is_judged_by_its_own_requirements_and_those_of_all(phase: int) -> None:
    certification = certify(BuiltinEngine(components=("glft",)), phases=[phase])
    expected = [one for one in requirements().values() if one.phase in (0, phase)]
    assert [one.requirement for one in certification.requirements] == expected
    assert certification.phases == [phase]


def test_progress_counts_every_check_once() -> None:
    shown: list[tuple[int, int, str]] = []
    certification = certify(
        BuiltinEngine(components=("glft",)),
        progress=lambda done, total, check: shown.append((done, total, check)),
    )
    assert shown[-1] == (len(CHECKS), len(CHECKS), "")
    assert [done for done, _, _ in shown[:-1]] == list(range(len(CHECKS)))
    began = [check for _, _, check in shown[:-1]]
    assert sorted(began) == sorted(CHECKS)
    # the longest are begun first, those that measure time last
    seconds = [CHECKS[check].seconds for check in began if not CHECKS[check].timed]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > 0.0
    timed = [check for check in CHECKS if CHECKS[check].timed]
    closing = [check for check in CHECKS if CHECKS[check].closing]
    assert began[-len(timed + closing) :] == timed + closing
    assert [one.check for one in certification.checks] == list(CHECKS)


def test_requirements_are_ranked_by_status_then_level_then_phase() -> None:
    nothing = certify(BuiltinEngine(components=()))
    shuffled = zip(nothing.requirements, cycle_through(REQUIREMENT_STATUSES), strict=False)
    mixed = [replace(result, status=status) for result, status in shuffled]
    certification = replace(nothing, requirements=mixed)
    ranked = certification.ranked()
    assert sorted(map(id, ranked)) == sorted(map(id, mixed))
    places = [
        (
            ("violated", "waived", "unproven", "unsupported", "proven").index(one.status),
            ("L0", "L1", "L2").index(one.requirement.level),
            one.requirement.phase,
            mixed.index(one),
        )
        for one in ranked
    ]
    assert places == sorted(places)
    violated = [one.requirement for one in ranked if one.status == "violated"]
    assert certification.weakest_violated() == violated[0]
    assert (violated[0].level, violated[0].phase) == ("L0", 0)
    assert verdict_line(certification).endswith(f"; weakest violated: L0 {violated[0].id}")
    lines = certification_lines(certification)
    listed = [line.split()[2] for line in lines if line.startswith("  violated ")]
    assert listed == [one.id for one in violated]


@pytest.mark.whole_suite
def test_a_quick_run_leaves_the_longest_out_and_says_so() -> None:
    left_out = {check.name for check in all_checks() if not check.quick}
    certification = certify(BuiltinEngine(components=("engine",)), phases=[6], profile="quick")
    assert certification.verdict == "CONFORMANT (quick run)"
    unproven = {one.check for one in certification.checks if one.status == "unproven"}
    assert unproven
    assert unproven <= left_out
    for check in certification.checks:
        if check.check in left_out:
            assert check.message == "left out of a quick run"
    assert verdict_line(certification).startswith("CONFORMANT (quick run): ")


# --- engines that give less, or give it wrongly -----------------------------------------------


class Altered(BuiltinEngine):
    """The reference with its identity, its effective configuration or its answers altered."""

    def __init__(
        self,
        *,
        declares: Callable[[dict[str, list[str]]], object] = lambda fields: None,
        observes: Callable[[Json], Json] = lambda observation: observation,
        opens: Callable[[Json], Json] = lambda config: config,
        components: Sequence[str] = tuple(OBSERVATIONS),
    ) -> None:
        super().__init__("altered", components=components)
        self._declares, self._observes, self._opens = declares, observes, opens

    def initialize(self) -> Identity:
        identity = super().initialize()
        self._declares(identity.fields)
        return identity

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        answer = super().open(session, component, config, seed)
        return Opened(self._opens(answer.config)) if isinstance(answer, Opened) else answer

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [
            Ok(self._observes(answer.observation))
            if isinstance(answer, Ok) and answer.observation
            else answer
            for answer in super().apply(session, steps)
        ]


L0_ENGINE = '''
"""The reference, of which only the quotes are let be seen."""

import msgspec
from quotemark.builtin import BuiltinEngine
from quotemark.messages import LEVEL_0_FIELDS, Ok


class Quotes(BuiltinEngine):
    def __init__(self):
        super().__init__("quotes-only", components=("engine",))

    def initialize(self):
        fields = {"engine": list(LEVEL_0_FIELDS)}
        return msgspec.structs.replace(super().initialize(), fields=fields)

    def apply(self, session, steps):
        return [self.stripped(answer) for answer in super().apply(session, steps)]

    def stripped(self, answer):
        if not isinstance(answer, Ok) or not answer.observation:
            return answer
        return Ok({
            side: [{"price": q["price"], "size": q["size"]} for q in answer.observation[side]]
            for side in ("bids", "asks")
        })
'''


@pytest.mark.whole_suite
def test_an_engine_of_quotes_alone_conforms_with_something_left_unproven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quotes_only.py").write_text(L0_ENGINE, "utf-8")
    monkeypatch.chdir(tmp_path)
    with running("python:quotes_only:Quotes") as engine:
        certification = certify(engine, profile="quick")
    assert failures(certification) == []
    assert certification.conformant
    assert certification.level == "L0"
    counts = certification.counts()
    assert counts["unproven"] > 0
    assert counts["unsupported"] > 0
    found = status_by_id(certification)
    assert found["A-engine"] == found["D-42"] == found["G-2"] == "proven"
    assert found["S-feb19"] == found["D-44"] == "unproven"
    assert found["A-drift"] == "unsupported"


def test_levels_are_told_by_what_is_declared() -> None:
    assert level() == "L2"
    assert level(lambda fields: fields["flow"].remove("trades_per_s")) == "L1"
    assert level(components=("engine", "drift")) == "L1"
    assert level(lambda fields: fields["engine"].remove("quote.depth_bps")) == "L0"
    assert level(lambda fields: fields["engine"].remove("quote.size")) == "components"
    assert level(components=("drift",)) == "components"
    assert level(lambda fields: fields.clear()) == "components"


def level(
    declares: Callable[[dict[str, list[str]]], object] = lambda fields: None,
    components: Sequence[str] = tuple(OBSERVATIONS),
) -> str:
    return level_of(Altered(declares=declares, components=components).initialize())


def with_(name: str, value: object) -> Callable[[Json], Json]:
    """Observations in which ``name``, where there is one, is ``value``."""
    return lambda seen: {**seen, name: value} if name in seen else seen


def with_quote(name: str, value: object) -> Callable[[Json], Json]:
    """Observations in which ``name`` of every quote is ``value``."""

    def altered(seen: Json) -> Json:
        quotes: Json = {
            side: [{**quote, name: value} for quote in seen[side]]
            for side in ("bids", "asks")
            if side in seen
        }
        return {**seen, **quotes}

    return altered


def without(name: str) -> Callable[[Json], Json]:
    return lambda seen: {key: value for key, value in seen.items() if key != name}


WRONG_ENGINES: dict[str, tuple[Altered, str, str]] = {
    "undeclared field": (
        Altered(observes=lambda seen: {**seen, "secret": 1.0}),
        "A-drift",
        "secret: expected 'no such field declared', got 1.0",
    ),
    "field taken off the list": (
        Altered(declares=lambda fields: fields["glft"].remove("half_spreads_bps")),
        "A-glft",
        "half_spreads_bps: expected 'no such field declared'",
    ),
    "declared field missing": (
        Altered(observes=without("gamma_per_bps")),
        "A-inventory",
        r"gamma_per_bps: expected 0\.\d+, got 'nothing'",
    ),
    "text for bids": (
        Altered(observes=with_("bids", "none")),
        "A-engine",
        "number of bids: expected 6, got 'none'",
    ),
    "text for bids, in a replay": (
        Altered(observes=with_("bids", "none")),
        "S-feb19",
        r"protocol: altered answered cycle at \d+ wrongly: Expected `array`, got `str`.*bids",
    ),
    "null for bids": (Altered(observes=with_("bids", None)), "A-engine", "number of bids: .* None"),
    "quotes without a name": (
        Altered(observes=with_("asks", [[100.0, 1.0]])),
        "S-feb19",
        r"Expected `object`, got `array` - at `\$.asks\[0\]`",
    ),
    "price that is no number": (
        Altered(observes=with_quote("price", "nan")),
        "S-inventory_80_percent",
        r"Expected `float`, got `str` - at `\$.bids\[0\].price`",
    ),
    "price below nothing": (
        Altered(observes=with_quote("price", -1.0)),
        "S-feb19-phase-1",
        r"Expected `float` > 0.0 - at `\$.bids\[0\].price`",
    ),
    "null for the drift": (
        Altered(observes=with_("drift_bps_per_s", None)),
        "A-drift",
        r"drift_bps_per_s: expected 0\.0, got None",
    ),
    "other effective configuration": (
        Altered(opens=with_("theta_per_s", 0.5)),
        "A-drift",
        r"at the opening: effective config theta_per_s: expected 0.3, got 0.5",
    ),
    "configuration not confirmed": (
        Altered(opens=lambda config: {}),
        "A-gates",
        "at the opening: effective config use_kalman_drift: expected False, got None",
    ),
    "fee not confirmed, in a replay": (
        Altered(opens=without("fee_bps")),
        "S-feb19",
        r"open engine with .*: effective config fee_bps: expected 1\.5, got None",
    ),
}


@pytest.mark.parametrize(
    ("engine", "requirement_id", "message"), WRONG_ENGINES.values(), ids=WRONG_ENGINES
)
def test_an_engine_that_answers_wrongly_is_told_so(
    engine: Altered, requirement_id: str, message: str
) -> None:
    bench = Bench(engine, engine.initialize(), BuiltinEngine(), DEFAULT_SEED)
    results = [run_check(bench, one) for one in all_checks() if requirement_id in one.proves]
    assert requirement_result(requirements()[requirement_id], results).status == "violated"
    messages = [result.message for result in results if result.status == "failed"]
    assert any(re.search(message, found) for found in messages), messages


class Telling(BuiltinEngine):
    """Opens nothing, and names the session."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        return Rejected("unparsable", f"{session}: {component} with {config}, seed {seed}")


def test_a_check_finds_the_same_whatever_ran_before_it() -> None:
    checks = [CHECKS["phase1.random_walks_agree"], CHECKS["phase2.random_depths_agree"]]
    found = []
    for order in (checks, checks[::-1]):
        bench = Bench(Telling(), Telling().initialize(), BuiltinEngine(), DEFAULT_SEED)
        results = {check.name: run_check(bench, check) for check in order}
        found.append([results[check.name] for check in checks])
    assert found[0] == found[1]
    assert all(f"{one.check}-1: {one.component} with" in one.message for one in found[0])


@pytest.mark.whole_suite
def test_an_engine_that_answers_wrongly_is_judged_to_the_end() -> None:
    certification = certify(Altered(observes=with_("bids", "none")))
    assert not certification.conformant
    found = status_by_id(certification)
    assert found["S-feb19"] == found["A-engine"] == "violated"
    assert found["A-drift"] == found["D-08"] == "proven"
    for check in failures(certification):
        assert check.message
        assert "\n" not in check.message


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**400), 10**400),
    st.sampled_from([0.0, 1e308, -1.0, "", "nan", "inf", "bid"]),
)
garbage = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["price", "size", "depth_bps"]), inner, max_size=3),
    ),
    max_leaves=4,
)


# the checks that search are properties themselves
@settings(max_examples=150, suppress_health_check=[HealthCheck.nested_given])
@given(
    name=st.sampled_from(sorted(CHECKS.keys() - {"rollback.every_gate_set_agrees"})),
    fields=st.lists(st.sampled_from(component_fields("engine")), min_size=1, max_size=2),
    value=garbage,
)
@pytest.mark.whole_suite
def test_no_answer_stops_the_suite(name: str, fields: list[str], value: object) -> None:
    def observes(seen: Json) -> Json:
        for field in fields:
            _, dot, quote_field = field.partition(".")
            seen = (with_quote(quote_field, value) if dot else with_(field, value))(seen)
        return seen

    engine = Altered(observes=observes)
    bench = Bench(engine, engine.initialize(), BuiltinEngine(), DEFAULT_SEED)
    result = run_check(bench, CHECKS[name])
    assert result.status in ("passed", "failed")
    assert bool(result.message) == (result.status == "failed")


class Strict(BuiltinEngine):
    """The reference without its legacy path: what has one of gates 1 to 4 off is unsupported."""

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        on_by_default = {1, 2, 3}
        legacy = any(
            config.get(GATES[phase], phase in on_by_default) is False for phase in (1, 2, 3, 4)
        )
        if component == "engine" and legacy:
            return Unsupported("there is no way back")
        return super().open(session, component, config, seed)


@pytest.mark.whole_suite
def test_an_engine_without_a_way_back_conforms_with_its_rollback_unproven() -> None:
    certification = certify(Strict("strict"))
    assert failures(certification) == []
    found = status_by_id(certification)
    assert found["G-1"] == found["G-4"] == found["A-gates"] == "unproven"
    assert found["S-feb19-phase-1"] == "unproven"
    assert found["S-feb19"] == found["E2E-05"] == "proven"
    messages = {
        check.message
        for one in certification.requirements
        for check in one.checks
        if check.status == "unproven"
    }
    assert messages >= {"no legacy path in this engine: there is no way back"}
    assert all(message.startswith("no legacy path in this engine: ") for message in messages)


LATER = (
    *(AdaptationConfig, FundingConfig, BookConfig, SweepConfig, HawkesConfig, FillSizeConfig),
    *(CrossVenueConfig, VolatilityConfig, OpenInterestConfig),
)
SHARED_KEYS = {spec.name for kind in (DriftConfig, SensorConfig) for spec in fields(kind)}
LATER_KEYS = {spec.name for kind in LATER for spec in fields(kind)} - SHARED_KEYS
LATER_GATES = {name: False for phase, name in GATES.items() if phase > 4}


class Young(BuiltinEngine):
    """Phases 1 to 4 alone: it knows the later gates, and nothing else of the later phases."""

    def initialize(self) -> Identity:
        identity = super().initialize()
        identity.phases = [1, 2, 3, 4]
        return identity

    def open(self, session: str, component: str, config: Json, seed: int) -> OpenAnswer:
        if component != "engine":
            return super().open(session, component, config, seed)
        if any(config.get(name) for name in LATER_GATES):
            return Unsupported("phases 5 to 8 are not in this engine")
        unknown = LATER_KEYS.intersection(config)
        if unknown:
            return Rejected("unknown_field", f"config key {min(unknown)!r} is unknown")
        return super().open(session, component, {**LATER_GATES, **config}, seed)

    def apply(self, session: str, steps: Sequence[Json]) -> list[Answer]:
        return [self.answer(session, step) for step in steps]

    def answer(self, session: str, step: Json) -> Answer:
        if step.get("step") in ("funding", "reference_price", "open_interest"):
            return Unsupported("phases 5 to 8 are not in this engine")
        return super().apply(session, [step])[0]


@pytest.mark.whole_suite
def test_an_engine_of_phases_1_to_4_conforms_with_the_later_ones_unsupported() -> None:
    components = ("drift", "inventory", "flow", "glft", "expected_pnl", "engine")
    certification = certify(Young("young", components=components))
    assert failures(certification) == []
    found = status_by_id(certification)
    assert {found[id_] for id_ in ("D-38", "G-4", "A-gates", "S-feb19", "E2E-04")} == {"proven"}
    later = {one.requirement.id for one in certification.requirements if one.requirement.phase > 4}
    by_its_components = {  # of expected_pnl and drift, which serve later phases too
        "P6.test_epnl_with_carry_narrows_profitability",
        "D-23",
        "D-31",
        "S-p_collapse_reversal",
    }
    assert {id_ for id_ in later if found[id_] != "unsupported"} == by_its_components


# --- comparing --------------------------------------------------------------------------------

figures = st.floats(-1e9, 1e9)
HELD = [*at_position(0.1), trend(0, 0.5), cycle(CYCLE_MS)]
ENGINE_FIELDS = component_fields("engine")


def ladder() -> Json:
    """A cycle's observation of the reference, with both sides resting."""
    engine = reference()
    engine.open("s", "engine", PHASES_1_TO_4, 0)
    answer = engine.apply("s", HELD)[-1]
    assert isinstance(answer, Ok)
    assert answer.observation["bids"]
    assert answer.observation["asks"]
    return answer.observation


LADDER = ladder()


def difference(expected: Json, got: Json, fields: Sequence[str] = ENGINE_FIELDS) -> str:
    found = first_difference(Ok(expected), Ok(got), fields)
    return "" if found is None else found.field


@given(figures, st.floats(-3e-9, 3e-9))
def test_figures_agree_within_a_billionth_and_no_further(figure: float, relative: float) -> None:
    other = figure * (1.0 + relative)
    gap, scale = abs(figure - other), max(abs(figure), abs(other))
    assume(abs(gap - 1e-9 * scale) > 1e-14 * scale)  # rounding decides neither way
    assume(abs(gap - 1e-12) > 1e-20)
    agrees = gap <= 1e-12 or gap <= 1e-9 * scale
    assert is_close(figure, other) == agrees
    assert is_close(other, figure) == agrees
    assert (difference({"x": figure}, {"x": other}, ["x"]) == "") == agrees


@given(figures)
def test_a_figure_that_is_not_finite_agrees_with_none(figure: float) -> None:
    for other in (math.nan, math.inf, -math.inf, "nan", "inf", None, True, [figure], str(figure)):
        assert difference({"x": figure}, {"x": other}, ["x"]) == "x"


json_values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.text(max_size=2))


@given(json_values, json_values)
def test_decisions_agree_exactly_and_by_kind(one: object, other: object) -> None:
    same = type(one) is type(other) and one == other
    assert (difference({"x": one}, {"x": other}, ["x"]) == "") == same


@given(st.integers(-(2**53), 2**53))
def test_a_whole_figure_may_come_without_its_point_but_a_count_may_not_gain_one(n: int) -> None:
    assert difference({"x": float(n)}, {"x": n}, ["x"]) == ""
    assert difference({"x": n}, {"x": float(n)}, ["x"]) == "x"
    assert difference({"x": [float(n)]}, {"x": [n]}, ["x"]) == ""
    assert difference({"x": float(n == 1)}, {"x": n == 1}, ["x"]) == "x"


@given(st.lists(figures, max_size=4), st.lists(figures, max_size=4))
def test_lists_agree_item_by_item(one: list[float], other: list[float]) -> None:
    same = len(one) == len(other) and all(map(is_close, one, other))
    assert (difference({"x": one}, {"x": other}, ["x"]) == "") == same


@given(figures, figures)
def test_parts_agree_by_name_and_figure_by_figure(one: float, other: float) -> None:
    expected = {"source": "bim", "variance": one}
    got = {"variance": other, "source": "bim"}
    found = difference({"x": [expected]}, {"x": [got]}, ["x"])
    assert found == ("" if is_close(one, other) else "x[0].variance")
    assert difference({"x": [expected]}, {"x": [{**expected, "source": "bpg"}]}, ["x"])
    for wrong in ({"source": "bim"}, {**expected, "gain": 1.0}, [one], None):
        assert difference({"x": [expected]}, {"x": [wrong]}, ["x"]) == "x[0]"


def test_only_declared_fields_are_compared_and_only_they_may_come() -> None:
    assert difference({"x": 1.0, "y": 2.0}, {"x": 1.0}, ["x"]) == ""
    assert difference({"x": 1.0, "y": 2.0}, {"x": 1.0}, ["x", "y"]) == "y"
    assert difference({"x": 1.0}, {"x": 1.0, "y": 2.0}, ["x"]) == "y"
    assert difference({"x": 1.0}, {"x": 1.0, "y": 2.0}, ["x", "y"]) == "y"


def test_answers_of_another_kind_differ_and_rejections_agree_by_code() -> None:
    ok, unsupported = Ok({}), Unsupported("not here")
    rejected, other = Rejected("out_of_range", "one"), Rejected("non_finite", "one")
    for expected in (ok, unsupported, rejected):
        for got in (ok, unsupported, rejected):
            found = first_difference(expected, got, ())
            assert (found is None) == (expected is got)
            assert found is None or found.field == "status"
    assert first_difference(rejected, Rejected("out_of_range", "in other words"), ()) is None
    differing = first_difference(rejected, other, ())
    assert differing is not None
    assert str(differing) == "code: expected 'out_of_range', got 'non_finite'"


def test_a_difference_says_how_far_apart() -> None:
    found = first_difference(Ok({"x": 2.0}), Ok({"x": 2.5}), ["x"])
    assert str(found) == "x: expected 2.0, got 2.5 (relative distance 0.25)"


@given(
    side=st.sampled_from(["bids", "asks"]),
    index=st.integers(0, 5),
    name=st.sampled_from(["price", "size", "depth_bps", "level", "expected_pnl_bps", "tick"]),
)
def test_every_figure_of_every_quote_is_compared(side: str, index: int, name: str) -> None:
    quotes = [dict(quote) for quote in LADDER[side]]
    assume(index < len(quotes))
    quotes[index][name] += 1
    got = {**LADDER, side: quotes}
    assert difference(LADDER, got) == f"{side}[{index}].{name}"
    del quotes[index][name]
    assert difference(LADDER, got) == f"{side}[{index}].{name}"
    undeclared = [field for field in ENGINE_FIELDS if field != f"quote.{name}"]
    assert difference(LADDER, LADDER, undeclared) == f"bids[0].{name}"
    silent: Json = {
        one: [{key: quote[key] for key in quote if key != name} for quote in LADDER[one]]
        for one in ("bids", "asks")
    }
    assert difference(LADDER, {**LADDER, **silent}, undeclared) == ""


def test_a_level_more_or_less_is_a_difference_but_on_a_tie() -> None:
    fewer = {**LADDER, "bids": LADDER["bids"][:-1]}
    assert difference(LADDER, fewer) == "number of bids"
    for pnl, decides in ((1e-10, False), (-1e-10, False), (0.0, False), (2e-9, True)):
        bid_pnls, ask_pnls = LADDER["expected_pnl_bps"]
        tied = {**LADDER, "expected_pnl_bps": [[*bid_pnls[:-1], pnl], ask_pnls]}
        for got in (tied, {**tied, "bids": fewer["bids"]}):
            same = got is tied or not decides
            assert (difference(tied, got) == "") == same, pnl
        # the tie is the bids' alone
        short = {**tied, "asks": tied["asks"][:-1]}
        assert difference(tied, short) == "number of asks"


@given(
    ticks=st.integers(90_000, 110_000),
    off=st.sampled_from([0.0, 4e-10, -4e-10, 1e-6, -1e-6, 0.4]),
    steps=st.sampled_from([-2, -1, 0, 1, 2]),
    side=st.sampled_from(["bids", "asks"]),
)
def test_on_a_tick_boundary_the_neighbour_conforms_too(
    ticks: int, off: float, steps: int, side: str
) -> None:
    """The unrounded price lies ``off`` ticks from a whole one; the engine is ``steps`` away."""
    tick, mid = 0.001, 100.00037  # between ticks, so that the two sides are no mirror images
    unrounded = (ticks + off) * tick
    depth = abs(unrounded / mid - 1.0) * 1e4
    assume(depth > 0.01)
    assume((unrounded < mid) == (side == "bids"))
    quote = {"price": ticks * tick, "size": 1.0, "tick": tick, "depth_bps": depth}
    expected = {"mid": mid, "bids": [], "asks": [], "expected_pnl_bps": None, side: [quote]}
    got = {**expected, side: [{**quote, "price": (ticks + steps) * tick}]}
    conforms = steps == 0 or (abs(steps) == 1 and abs(off) < 1e-9)
    assert (difference(expected, got) == "") == conforms


@pytest.mark.parametrize(("off", "conforms"), [(0.0, True), (1e-3, False)])
def test_among_a_hundred_million_ticks_the_neighbour_conforms_on_a_boundary_too(
    off: float, conforms: bool
) -> None:
    """5 bp below 100 000 are 99 950 000 ticks, of which doubles stand 1.5e-8 of a tick apart."""
    depth = (100_000.0 - (99_950.0 + off * 0.001)) / 100_000.0 * 1e4
    quote = {"price": 99_950.0, "size": 1.0, "tick": 0.001, "depth_bps": depth}
    expected = {"mid": 100_000.0, "bids": [quote], "asks": [], "expected_pnl_bps": None}
    got = {**expected, "bids": [{**quote, "price": 99_949.999}]}
    assert (difference(expected, got) == "") == conforms
