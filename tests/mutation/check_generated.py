"""Tests of the generated mutants, for which the session ``mutants`` installs the library."""

from __future__ import annotations

import pytest
from tests.mutation.equivalent import Change, Proof, proofs
from tests.mutation.generated import all_places, draw, mutant_at, places, source_of, stale

PLACES = all_places()


def test_the_same_seed_draws_the_same_mutants_and_another_draws_others() -> None:
    first, again, other = (draw(PLACES, 12, seed) for seed in (1, 1, 2))
    assert first == again
    assert not {mutant.id for mutant in first} & {mutant.id for mutant in other}


def test_an_edit_of_one_module_leaves_the_mutants_drawn_of_the_others() -> None:
    drawn = draw(PLACES, 12, 1)
    edited = drawn[0].module
    left = [mutant for mutant in drawn if mutant.module != edited]
    others = [place for place in PLACES if place.module != edited]
    assert draw(others, len(left), 1) == left


def test_a_mutant_names_its_place_and_both_lines() -> None:
    division = next(
        mutant
        for mutant in map(mutant_at, places("drift", ["core/ReplaceBinaryOperator_Div_Mul"]))
        if mutant is not None and mutant.inside == "KalmanDrift.update"
    )
    assert division.original == "gain = self.variance / (self.variance + variance)"
    assert division.mutated == "gain = self.variance * (self.variance + variance)"
    assert source_of("drift").splitlines()[division.line - 1].strip() == division.original
    assert division.source == source_of("drift").replace(division.original, division.mutated)


def test_a_change_of_an_annotation_is_no_mutant() -> None:
    unions = list(places("drift", ["core/ReplaceBinaryOperator_BitOr_Add"]))
    assert unions, "drift has annotations such as Observation | None"
    assert [mutant_at(place) for place in unions] == [None] * len(unions)


def test_what_does_not_compile_is_no_mutant() -> None:
    # the star before keyword-only arguments is no product
    stars = [
        place
        for place in places("expected_pnl", ["core/ReplaceBinaryOperator_Mul_Add"])
        if place.text == "*,"
    ]
    assert [mutant_at(place) for place in stars] == [None]


@pytest.mark.parametrize("proof", proofs(), ids=lambda proof: f"{proof.module}: {proof.original}")
def test_what_is_proven_equivalent_is_a_mutant_that_there_is(proof: Proof) -> None:
    assert stale(proof) == []


def test_a_mutant_that_there_is_no_more_is_stale() -> None:
    change = Change("AddNot", "if not x:")
    assert stale(Proof("drift", "bounded", "if x:", "of code long gone", (change,))) == [change]
    assert stale(Proof("gone", "", "if x:", "of a module long gone", (change,))) == [change]
