"""What the session ``mutants`` is made of, but for the library: trials, proofs, tables, verdict."""

from __future__ import annotations

from tests.mutation.equivalent import proofs
from tests.mutation.order import Order
from tests.mutation.tables import Outcome, problems, tables
from tests.mutation.trial import PACKAGE, Mutant, Verdict, served, suite, try_mutant

from quotemark.builtin import reference_digest

DRIFT = (PACKAGE / "drift.py").read_text("utf-8")
GAIN = "gain = self.variance / (self.variance + variance)"
GAIN_CHECK = "phase1.moves_by_the_gain"


def drift_mutant(mutated: str) -> Mutant:
    """Drift with another line in the place of the gain's."""
    assert DRIFT.count(GAIN) == 1
    source = DRIFT.replace(GAIN, mutated)
    return Mutant("drift", "KalmanDrift.update", "by hand", 1, GAIN, mutated, source)


def outcome(verdict: Verdict, *, proven: bool = False) -> Outcome:
    return Outcome(drift_mutant("gain = 0.0"), verdict, proven)


def test_the_mutated_module_is_served_and_no_other() -> None:
    with served("drift", DRIFT) as bench:
        assert bench.identity.digest == reference_digest()
    with served("drift", DRIFT.replace(GAIN, GAIN + "  # the same")) as bench:
        assert bench.identity.digest != reference_digest()


def test_a_mutant_is_killed_by_the_first_check_that_fails() -> None:
    mutant = drift_mutant("gain = variance / (self.variance + variance)")
    verdict = try_mutant(mutant, ["phase1.uncertainty_is_the_root_of_p", GAIN_CHECK])
    assert (verdict.killed_by, verdict.kind) == (GAIN_CHECK, "statement")
    # prior 50, R = 5: the gain is 50/55 and not 5/55
    assert "expected" in verdict.message


def test_a_mutant_that_answers_as_the_reference_survives() -> None:
    mutant = drift_mutant("gain = 1.0 * self.variance / (self.variance + variance)")
    assert try_mutant(mutant, [GAIN_CHECK, "phase1.random_walks_agree"]) == Verdict()


def test_the_kind_of_a_kill_is_that_of_its_check_or_of_the_fault() -> None:
    wrong = drift_mutant("gain = 0.5")
    assert try_mutant(wrong, ["phase1.random_walks_agree"]).kind == "agreement"
    assert try_mutant(drift_mutant("gain = 1 / 0"), [GAIN_CHECK]).kind == "crash"
    unimportable = Mutant("drift", "", "by hand", 1, "", "", "raise ImportError")
    assert try_mutant(unimportable, []).killed_by == "initialize"


def test_a_mutants_own_component_comes_first_and_what_kills_most_a_second() -> None:
    order = Order(dict.fromkeys(suite().values(), 0.01))
    order.learn("phase1.random_walks_agree")
    order.learn("engine.nothing")
    first, *others = order.of("drift")
    assert first == "phase1.random_walks_agree"
    components = [suite()[name].component for name in (first, *others)]
    assert components[: components.count("drift")] == ["drift"] * components.count("drift")
    assert suite()[order.of("ladder")[0]].component == "engine"


def test_a_mutant_is_proven_equivalent_at_most_once_and_in_words() -> None:
    proven = [
        (proof.module, proof.inside, proof.original, change)
        for proof in proofs()
        for change in proof.mutants
    ]
    assert len(set(proven)) == len(proven)
    assert [proof for proof in proofs() if len(proof.proof.split()) < 8] == []


def test_less_than_95_percent_killed_is_a_problem() -> None:
    killed, survived = outcome(Verdict("check", "statement")), outcome(Verdict())
    assert problems([killed] * 95 + [survived] * 5) == []
    assert problems([killed] * 94 + [survived] * 6) == ["94.0% are killed, expected at least 95%"]


def test_equivalents_are_judged_apart_and_at_most_a_tenth() -> None:
    killed, equivalent = outcome(Verdict("check", "statement")), outcome(Verdict(), proven=True)
    assert problems([killed] * 9 + [equivalent]) == []
    assert problems([killed] * 8 + [equivalent] * 2) == [
        "2 of 10 are equivalent, expected at most 10%"
    ]


def test_a_proof_that_a_check_refutes_is_a_problem() -> None:
    refuted = outcome(Verdict("check", "statement"), proven=True)
    assert problems([refuted]) == [
        f"{refuted.mutant.id} is listed as equivalent, and killed by check"
    ]


def test_the_tables_count_and_show_the_survivors() -> None:
    lines = tables(
        [
            outcome(Verdict("check", "statement")),
            outcome(Verdict("check", "crash")),
            outcome(Verdict()),
        ]
    ).splitlines()
    assert lines[1].split() == ["1", "3", "2", "1", "0", "66.7%"]
    assert any(
        line.split() == ["those", "that", "answer", "2", "1", "1", "0", "50.0%"] for line in lines
    )
    assert lines[-2:] == [f"  - {GAIN}", "  + gain = 0.0"]
