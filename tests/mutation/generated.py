"""Mutants of the reference as a library generates them: one small change of one line each.

The hand-written mutants show that the suite finds what its authors thought of; these are drawn
without asking them. The library is cosmic-ray, of which only the operators are used: they change
arithmetic, comparisons, numbers, conditions, loops and decorators. mutmut would change the texts
of error messages too, which the port leaves free.

A mutant that executes as the reference does is none: changes of annotations, which nothing ever
evaluates, are left out, and so is what does not compile. Both are found by the syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import islice
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from msgspec import Struct
from tests.mutation.equivalent import Change, Proof
from tests.mutation.trial import PACKAGE, Mutant

OPERATORS = tuple(name for name in operator_names() if not get_operator(name).arguments())
"""All but the two that want to be told a variable."""


class Place(Struct, frozen=True):
    """Where an operator can act: its ``occurrence`` in a module, which starts at ``line``.

    ``text`` is that line's, and ``number`` counts the operator's places on lines of this text.
    """

    module: str
    operator: str
    occurrence: int
    line: int
    text: str
    number: int

    def rank(self, seed: int) -> bytes:
        """Rank in a draw: as good as random, and the same whatever changes elsewhere."""
        name = f"{seed} {self.module} {self.operator} {self.text} {self.number}"
        return hashlib.sha256(name.encode()).digest()


def source_of(module: str) -> str:
    """Source of a module of the reference."""
    return (PACKAGE / f"{module}.py").read_text("utf-8")


def modules() -> list[str]:
    """Modules of the reference by name."""
    return sorted(path.stem for path in PACKAGE.glob("*.py"))


def places(module: str, operators: Iterable[str] = OPERATORS) -> Iterator[Place]:
    """Every place of ``module`` where one of ``operators`` can act."""
    lines = source_of(module).splitlines()
    nodes = _nodes(module)
    for name in operators:
        operator = get_operator(name)()
        positions = (start for node in nodes for start, _ in operator.mutation_positions(node))
        alike: Counter[str] = Counter()
        for occurrence, (line, _) in enumerate(positions):
            text = _text([lines[line - 1]])
            yield Place(module, name, occurrence, line, text, alike[text])
            alike[text] += 1


@cache
def _nodes(module: str) -> list[Any]:
    return list(ast_nodes(get_ast(source_of(module))))


def all_places() -> list[Place]:
    """Every place of the reference."""
    return [place for module in modules() for place in places(module)]


def mutant_at(place: Place) -> Mutant | None:
    """Make the mutant of a place; ``None`` where it executes as the reference does, or not at all.

    The library's operators reach into annotations, and now and then make what is no Python.
    """
    source = source_of(place.module)
    mutated = mutate_code(source, get_operator(place.operator)(), place.occurrence)
    try:
        if executed(mutated) == executed(source):
            return None
        with warnings.catch_warnings(action="ignore"):  # of the style of what was generated
            compile(mutated, place.module, "exec", dont_inherit=True)
    except SyntaxError:
        return None
    before, after = changed_lines(source, mutated)
    return Mutant(
        module=place.module,
        inside=enclosing_name(source, place.line),
        operator=place.operator.removeprefix("core/"),
        line=place.line,
        original=before,
        mutated=after,
        source=mutated,
    )


def draw(candidates: Sequence[Place], count: int, seed: int) -> list[Mutant]:
    """Draw ``count`` mutants, or all there are, each as likely as any other.

    An edit of the reference replaces the mutants of the edited lines, and leaves the others.
    """
    made = (mutant_at(place) for place in sorted(candidates, key=lambda one: one.rank(seed)))
    return list(islice((mutant for mutant in made if mutant is not None), count))


def stale(proof: Proof) -> list[Change]:
    """Mutants of a proof that there are no more."""
    if proof.module not in modules():
        return list(proof.mutants)
    source = source_of(proof.module)
    made = {
        (mutant.original, Change(mutant.operator, mutant.mutated))
        for place in places(proof.module, {f"core/{change.operator}" for change in proof.mutants})
        if place.text in proof.original
        and enclosing_name(source, place.line) == proof.inside
        and (mutant := mutant_at(place)) is not None
    }
    return [change for change in proof.mutants if (proof.original, change) not in made]


def executed(source: str) -> str:
    """Syntax tree of what a module executes: without annotations, which it never evaluates."""
    return ast.dump(_WithoutAnnotations().visit(ast.parse(source)))


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Lines in which two sources differ, each as one text with single spaces."""
    one, other = before.splitlines(), after.splitlines()
    opcodes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    changed = [places for kind, *places in opcodes if kind != "equal"]
    (start, _, other_start, _), (_, end, _, other_end) = changed[0], changed[-1]
    return _text(one[start:end]), _text(other[other_start:other_end])


def _text(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).split())


def enclosing_name(source: str, line: int) -> str:
    """Name of the innermost class or function around ``line``; empty at the module's level."""
    found: list[str] = []
    inner: list[ast.AST] = [ast.parse(source)]
    while inner:
        here = inner.pop()
        for node in ast.iter_child_nodes(here):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and _covers(node, line):
                found.append(node.name)
                inner = [node]
                break
    return ".".join(found)


def _covers(node: ast.ClassDef | ast.FunctionDef, line: int) -> bool:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first <= line <= (node.end_lineno or first)
