"""The gate: opens on complete evidence, and refuses each piece that is missing, saying which."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.evidence.made import CALM, FINISHED, certificate, certification, with_check

from quotemark.evidence.gate import Asked, Decision, decide
from quotemark.gate_sets import GateSet, active, closed_gate_sets, gates_around
from quotemark.incidents import incidents
from quotemark.messages import Json
from quotemark.outcomes import Ends, Outcome
from quotemark.results import Certification, CheckStatus, Level, Waiver, WaiverResult
from quotemark.suite.market import GATES
from quotemark.suite.register import requirements
from quotemark.suite.runner import NO_LEGACY_PATH
from quotemark_reference.config import EngineConfig, active_phases, make_config

QUOTEMARK = str(Path(sys.executable).with_name("quotemark"))
NOW = datetime.fromisoformat(FINISHED) + timedelta(days=3)
NEEDED = {1: [1], 2: [2], 3: [3], 4: [1, 2, 3, 4], 7: [1, 7], 8: [1, 8]}
WITH_FILTER: Json = {"use_epnl_filter": True, "use_online_adaptation": False, "use_funding": False}
NEEDED_BESIDE_FILTER = {5: [1, 2, 3, 4, 5], 6: [1, 2, 3, 4, 6]}


@pytest.fixture(scope="module")
def proven() -> Certification:
    return certification()


def asked(
    phase: int,
    config: Json | None = None,
    *,
    max_age: timedelta = timedelta(days=30),
    level: Level = "L2",
    engine: str | None = None,
) -> Asked:
    return Asked(phase, config or {}, "", max_age, level, engine)


def missing(decision: Decision) -> dict[str, str]:
    """What is missing, and why."""
    return {one.what: one.message for one in decision.evidence if not one.given}


# --- it opens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", NEEDED)
def test_everything_proven_opens_it(phase: int, tmp_path: Path) -> None:
    path = certificate(certification(phases=NEEDED[phase]), tmp_path)
    decision = decide(asked(phase), [path], NOW)
    assert missing(decision) == {}
    assert decision.is_open


@pytest.mark.parametrize("phase", NEEDED_BESIDE_FILTER)
def test_what_needs_the_filter_opens_where_it_is_on(phase: int, tmp_path: Path) -> None:
    made = certification(phases=NEEDED_BESIDE_FILTER[phase], config=WITH_FILTER)
    path = certificate(made, tmp_path)
    assert missing(decide(asked(phase, WITH_FILTER), [path], NOW)) == {}
    refused = decide(asked(phase), [path], NOW)
    assert "4 off in the default configuration" in missing(refused)["prerequisites on"]


def test_certificates_prove_together_what_none_does_alone(tmp_path: Path) -> None:
    paths = [certificate(certification(phases=[n]), tmp_path, f"{n}") for n in (1, 2, 3, 4)]
    assert decide(asked(4), paths, NOW).is_open
    for absent in range(4):
        some = [path for number, path in enumerate(paths) if number != absent]
        lacking = missing(decide(asked(4), some, NOW))
        assert f"requirements of phase {absent + 1}" in lacking


def test_the_settings_switch_on_the_phase_and_nothing_else(
    proven: Certification, tmp_path: Path
) -> None:
    decision = decide(asked(4), [certificate(proven, tmp_path)], NOW)
    assert decision.settings == {GATES[phase]: phase <= 4 for phase in GATES}
    # 5 and 6 are on by default, and would come to life with 4
    assert [remark.split()[0] for remark in decision.remarks] == [GATES[5], GATES[6]]
    assert active_phases(make_config(EngineConfig, decision.settings)) == {1, 2, 3, 4}


# --- it refuses -------------------------------------------------------------------------------


def test_no_certificate_no_gate() -> None:
    decision = decide(asked(7), [], NOW)
    assert missing(decision) == {"certificate": "none is given"}
    (one,) = [evidence for evidence in decision.evidence if not evidence.given]
    assert one.command == "quotemark certify ENGINE --phase 1,7"


@pytest.mark.parametrize(
    ("days", "max_days", "is_open"), [(3.0, 3.01, True), (3.0, 2.99, False), (-0.01, 30.0, False)]
)
def test_an_old_certificate_is_refused_and_one_of_the_future(
    proven: Certification, tmp_path: Path, days: float, max_days: float, is_open: bool
) -> None:
    now = datetime.fromisoformat(FINISHED) + timedelta(days=days)
    path = certificate(proven, tmp_path)
    decision = decide(asked(1, max_age=timedelta(days=max_days)), [path], now)
    assert list(missing(decision)) == ([] if is_open else ["age"])


def test_a_changed_certificate_is_refused(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    (tmp_path / "run.html").write_text("another report")
    decision = decide(asked(1), [path], NOW)
    assert list(missing(decision)) == ["certificate"]
    assert "report: " in missing(decision)["certificate"]


def test_certificates_of_two_engines_are_refused(proven: Certification, tmp_path: Path) -> None:
    other = replace(proven, identity=replace(proven.identity, digest="sha256:" + "1" * 64))
    paths = [certificate(proven, tmp_path, "one"), certificate(other, tmp_path, "other")]
    assert (
        "the certificates are of 2 engines" in missing(decide(asked(1), paths, NOW))["one engine"]
    )


def test_a_certificate_of_another_engine_than_the_running_one_is_refused(
    proven: Certification, tmp_path: Path
) -> None:
    path = certificate(proven, tmp_path)
    assert decide(asked(1, engine="reference"), [path], NOW).is_open
    decision = decide(asked(1, engine="trivial:silent"), [path], NOW)
    assert "engine: name is " in missing(decision)["certificate"]


def test_another_configuration_is_refused_by_the_key(proven: Certification, tmp_path: Path) -> None:
    path = certificate(proven, tmp_path)
    production = {"max_position": 20.0}
    assert missing(decide(asked(1, production), [path], NOW)) == {
        "configuration": "max_position is 8.57 in the certificate,"
        " 20.0 in the default configuration"
    }
    of_production = certificate(certification(config=production), tmp_path, "production")
    assert decide(asked(1, production), [of_production], NOW).is_open


def test_a_configuration_in_other_units_is_the_same(tmp_path: Path) -> None:
    path = certificate(certification(config={"kappa_bid_per_bps": 0.25}), tmp_path)
    assert decide(asked(1, {"kappa_bid_per_fraction": 2500.0}), [path], NOW).is_open


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"profile": "quick"}, "profile quick"), ({"fuzz_steps": 199_999}, "199999 fuzz steps")],
)
def test_a_run_that_is_not_in_full_is_refused(
    proven: Certification, tmp_path: Path, changes: Json, message: str
) -> None:
    path = certificate(replace(proven, **changes), tmp_path)
    assert message in missing(decide(asked(1), [path], NOW))["run in full"]


@pytest.mark.parametrize("level", ["components", "L0", "L1"])
def test_too_low_a_level_is_refused(proven: Certification, tmp_path: Path, level: str) -> None:
    path = certificate(replace(proven, level=level), tmp_path)
    assert missing(decide(asked(1), [path], NOW))["level"].startswith(f"{level}, expected L2")


def test_at_a_lower_level_what_only_a_higher_one_shows_is_not_asked(
    proven: Certification, tmp_path: Path
) -> None:
    of_level_2 = {one.id for one in requirements().values() if one.level == "L2"}
    made = replace(proven, level="L1")
    for check in proven.checks:
        if set(check.proves) <= of_level_2 and check.component != "engine":
            made = with_check(made, check.check, "unsupported", "component is not offered")
    path = certificate(made, tmp_path)
    assert decide(asked(1, level="L1"), [path], NOW).is_open
    assert not decide(asked(1, level="L2"), [path], NOW).is_open


@pytest.mark.parametrize("status", ["failed", "waived", "unproven", "unsupported"])
@pytest.mark.parametrize(
    ("check", "what"),
    [
        ("phase1.process_noise_is_exact", "requirements of phase 1"),
        ("port.it_ends_when_it_is_told", "requirements of all phases"),
    ],
)
def test_a_check_that_did_not_pass_is_refused(
    proven: Certification, tmp_path: Path, check: str, what: str, status: CheckStatus
) -> None:
    names = [one.check for one in proven.checks]
    name = check if check in names else next(one for one in names if one.startswith("port."))
    path = certificate(with_check(proven, name, status, "why"), tmp_path)
    lacking = missing(decide(asked(4), [path], NOW))
    assert what in lacking
    assert decide(asked(2), [path], NOW).is_open == (what == "requirements of phase 1")


def test_one_passed_check_of_two_is_not_enough(proven: Certification, tmp_path: Path) -> None:
    shared = next(
        one
        for one in proven.requirements
        if one.requirement.phase == 4 and len(one.checks) > 1 and one.requirement.level == "L1"
    )
    made = with_check(proven, shared.checks[0].check, "unsupported", "not offered")
    assert {one.requirement.id: one.status for one in made.requirements}[
        shared.requirement.id
    ] == "proven"
    lacking = missing(decide(asked(4), [certificate(made, tmp_path)], NOW))
    assert shared.requirement.id in lacking["requirements of phase 4"]


@pytest.mark.parametrize(("status", "told"), [("failed", "violated"), ("waived", "waived")])
def test_a_denial_is_not_outvoted_by_another_certificate(
    proven: Certification, tmp_path: Path, status: CheckStatus, told: str
) -> None:
    denied = with_check(proven, "phase1.process_noise_is_exact", status, "linear")
    paths = [certificate(proven, tmp_path, "one"), certificate(denied, tmp_path, "other")]
    lacking = missing(decide(asked(1), paths, NOW))
    assert f"D-01 {told}" in lacking["requirements of phase 1"]


def test_a_log_that_leaves_a_check_out_is_refused(proven: Certification, tmp_path: Path) -> None:
    from tests.evidence.made import judged  # noqa: PLC0415

    checks = [one for one in proven.checks if one.check != "phase1.process_noise_is_exact"]
    path = certificate(judged(replace(proven, checks=checks)), tmp_path)
    lacking = missing(decide(asked(1), [path], NOW))
    assert "D-01 not run in full" in lacking["requirements of phase 1"]


def test_an_unproven_way_back_is_refused(proven: Certification, tmp_path: Path) -> None:
    rollback = next(one for one in proven.requirements if one.requirement.id == "G-1")
    name = rollback.checks[0].check
    path = certificate(with_check(proven, name, "unproven", f"{NO_LEGACY_PATH}: no"), tmp_path)
    decision = decide(asked(1), [path], NOW)
    assert "G-1 unproven" in missing(decision)["rollback"]
    commands = {one.what: one.command for one in decision.evidence if not one.given}
    with_earlier = "quotemark certify 'ENGINE else EARLIER_BUILD' --phase 1"
    assert {"requirements of phase 1", "rollback"} <= commands.keys()
    assert set(commands.values()) == {with_earlier}


def test_a_stale_waiver_is_refused_whatever_it_is_of(proven: Certification, tmp_path: Path) -> None:
    waiver = Waiver("phase6.some_check", "Ana", "soon", date(2026, 1, 1))
    expired = replace(proven, waivers=[WaiverResult(waiver, "it expired on 2026-01-01")])
    decision = decide(asked(1), [certificate(expired, tmp_path)], NOW)
    assert missing(decision) == {"waivers hold": "phase6.some_check: it expired on 2026-01-01"}
    assert decision.only_stale


# --- outcomes ---------------------------------------------------------------------------------


def ending(made: Certification, phase: int, with_phase: Outcome) -> Certification:
    """The same, but the first incident ends otherwise with the phase."""
    return replace(
        made,
        outcomes=[
            replace(
                one,
                incidents=[Ends(one.incidents[0].incident, with_phase, CALM), *one.incidents[1:]],
            )
            if one.phase == phase
            else one
            for one in made.outcomes
        ],
    )


@pytest.mark.parametrize(
    ("with_phase", "worse"),
    [
        (Outcome(-0.5, 2.0, 0), "loss 0.500, without 0.000"),
        (Outcome(1.0, 2.5, 0), "inventory 2.500, without 2.000"),
        (Outcome(1.0, 2.0, 6450), "liveness 6.450, without 0.000"),
        (Outcome(0.0, 2.0, 0), ""),  # a smaller gain is no loss
        (Outcome(1.0, 2.0 + 1e-12, 0), ""),
    ],
)
def test_an_incident_that_ends_worse_is_refused(
    proven: Certification, tmp_path: Path, with_phase: Outcome, worse: str
) -> None:
    path = certificate(ending(proven, 1, with_phase), tmp_path)
    decision = decide(asked(1), [path], NOW)
    assert decision.is_open == (not worse)
    if worse:
        first = next(incidents())
        assert missing(decision)["outcomes"] == f"worse: {first}: {worse}"
    assert decide(asked(2), [path], NOW).is_open


def test_outcomes_beside_other_phases_are_refused(tmp_path: Path) -> None:
    path = certificate(certification(phases=[1, 7], config=WITH_FILTER), tmp_path)
    lacking = missing(decide(asked(7), [path], NOW))
    assert lacking["outcomes"] == "measured beside phases 1, 2, 3, 4, production would have 1, 2, 3"


def test_incidents_that_could_not_be_run_are_refused(proven: Certification, tmp_path: Path) -> None:
    outcomes = [replace(one, incidents=[], unknown="no legacy path") for one in proven.outcomes]
    path = certificate(replace(proven, outcomes=outcomes), tmp_path)
    assert "no legacy path" in missing(decide(asked(1), [path], NOW))["outcomes"]
    none = certificate(replace(proven, outcomes=[]), tmp_path, "none")
    assert "no incident was replayed" in missing(decide(asked(1), [none], NOW))["outcomes"]


# --- gate sets --------------------------------------------------------------------------------


def test_the_closed_sets_are_those_in_which_the_reference_has_no_inert_phase() -> None:
    found = closed_gate_sets()
    assert len(found) == len(set(found)) == 36
    for some in found:
        config = make_config(EngineConfig, {name: p in some for p, name in GATES.items()})
        assert active_phases(config) == set(some)


def test_inert_phases_are_those_of_the_reference() -> None:
    for number in range(1 << 8):
        some: GateSet = tuple(phase for phase in GATES if number >> (phase - 1) & 1)
        config = make_config(EngineConfig, {name: p in some for p, name in GATES.items()})
        assert set(active(some)) == active_phases(config)


def test_around_a_phase_the_sets_differ_in_it_alone() -> None:
    for phase in GATES:
        for standing in closed_gate_sets():
            with_phase, without = gates_around(phase, standing)
            assert set(with_phase) - set(without) == {phase}
            assert set(without) <= set(with_phase)
            assert {with_phase, without} <= set(closed_gate_sets())


# --- the command ------------------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [QUOTEMARK, "gate", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


def recent(made: Certification) -> Certification:
    assert made.circumstances is not None
    today = datetime.now(UTC).isoformat(timespec="seconds")
    return replace(made, circumstances=replace(made.circumstances, finished=today))


@pytest.mark.whole_suite
def test_the_command_prints_the_settings_as_toml_and_json(
    proven: Certification,
    tmp_path: Path,
    gate: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    path = certificate(recent(proven), tmp_path)
    done = gate("--phase", "4", "--certificate", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    toml = tomllib.loads("\n".join(line for line in lines if " = " in line))
    assert toml == json.loads(lines[-1]) == {GATES[phase]: phase <= 4 for phase in GATES}
    machine = json.loads(gate("--phase", "4", "--certificate", str(path), "--json").stdout)
    assert machine["open"] is True
    assert machine["decision"]["settings"] == toml


@pytest.mark.whole_suite
def test_the_command_ends_as_it_decided(
    proven: Certification,
    tmp_path: Path,
    gate: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    none = gate("--phase", "1")
    assert none.returncode == 1
    assert none.stdout.splitlines()[-1] == "REFUSED: phase 1 stays off; missing: certificate"
    waiver = WaiverResult(Waiver("some.check", "Ana", "soon", date(2026, 1, 1)), "it expired")
    stale = certificate(recent(replace(proven, waivers=[waiver])), tmp_path)
    assert gate("--phase", "1", "--certificate", str(stale)).returncode == 4
    (tmp_path / "broken.json").write_text("{}")
    broken = gate("--phase", "1", "--certificate", "broken.json")
    assert broken.returncode == 2
    assert broken.stderr.startswith("quotemark: broken.json: is no certificate: ")
    (tmp_path / "production.toml").write_text("max_positon = 20.0\n")
    typo = gate("--phase", "1", "--config", "production.toml", "--certificate", str(stale))
    assert typo.returncode == 2
    assert "config key 'max_positon' is unknown" in typo.stderr
    assert "Traceback" not in typo.stderr
