"""Closed-loop replay: what an engine sees, what fills, what is counted and what is refused."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quotemark.adapters import running
from quotemark.builtin import BuiltinEngine, reference
from quotemark.errors import InputError
from quotemark.messages import Answer, Unsupported
from quotemark.port import Engine
from quotemark.replay import Frame, Replay, replay
from quotemark.suite.market import ALL_PHASES, PHASES_1_TO_4, gates

Step = dict[str, Any]

NO_SKEW = {**gates(variant="deployed"), "base_half_spread_bps": 5.0, "tick_size": 0.001}
"""The deployed baseline: a bid of 99.95 and an ask of 100.05 around 100, size 0.695."""

PARROT = '''
"""An engine that quotes 1 at 99.95 and at 100.05, and shows all that it has seen."""

from quotemark.messages import Closed, Identity, Ok, Opened

class Parrot:
    def __init__(self):
        self.seen = []

    def initialize(self):
        offered = {"engine": []}
        return Identity("1.0", "parrot", "1", "sha256:0", [], list(offered), offered, "injected")

    def open(self, session, component, config, seed):
        return Opened({"fee_bps": 1.5, "seed": seed, **config})

    def apply(self, session, steps):
        return [self.answer(step) for step in steps]

    def answer(self, step):
        self.seen.append(step)
        if step["step"] != "cycle":
            return Ok({})
        bids = [{"price": 99.95, "size": 1.0}]
        asks = [{"price": 100.05, "size": 1.0}]
        return Ok({"bids": bids, "asks": asks, "seen": self.seen})

    def close(self, session):
        return Closed()

    def shutdown(self):
        pass
'''


class Start(Protocol):
    """Starts the engine that ``factory`` makes in ``source``."""

    def __call__(self, source: str, factory: str = "Parrot") -> Engine: ...


@pytest.fixture(params=["in a process of its own", "in this process"])
def start(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Start]:
    """Start engines from source, by both ways into Python."""
    in_process = request.param == "in this process"
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    with ExitStack() as engines:

        def started(source: str, factory: str = "Parrot") -> Engine:
            module = f"engine_{tmp_path.name}"
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
            name = f"python:{module}:{factory}"
            return engines.enter_context(running(name, in_process=in_process))

        yield started


def cycle(t_ms: int, mid: float | None = 100.0) -> Step:
    return {"step": "cycle", "t_ms": t_ms, **({} if mid is None else {"mid": mid})}


def trade(t_ms: int, side: str, price: float, size: float = 0.25, **more: object) -> Step:
    return {"step": "trade", "t_ms": t_ms, "side": side, "price": price, "size": size, **more}


def own_fill(t_ms: int, side: str, size: float, fill_id: str) -> Step:
    fill = {"step": "fill", "t_ms": t_ms, "side": side, "price": 100.0, "size": size, "mid": 100.0}
    return {**fill, "id": fill_id}


# --- the closed loop --------------------------------------------------------------------------

quiet = st.tuples(st.just("cycle"), st.floats(99.0, 101.0))
noisy = st.tuples(st.sampled_from(["buy", "sell"]), st.floats(99.0, 101.0), st.floats(0.01, 3.0))
markets = st.lists(st.one_of(quiet, noisy), max_size=25)


def tape_of(market: list[tuple[Any, ...]]) -> list[Step]:
    steps = [cycle(0)]
    for number, (kind, *figures) in enumerate(market, start=1):
        t_ms = number * 700
        steps.append(cycle(t_ms, *figures) if kind == "cycle" else trade(t_ms, kind, *figures))
    return [*steps, cycle(99_000)]


@given(
    market=markets,
    phases=st.sets(st.integers(1, 8)),
    reach_bps=st.sampled_from([0.0, 3.0]),
)
def test_an_engine_knows_its_fills_and_no_trade_gives_more_than_it_has(
    market: list[tuple[Any, ...]], phases: set[int], reach_bps: float
) -> None:
    tape = tape_of(market)
    run = replay(reference(), tape, gates(*phases), reach_bps=reach_bps)
    assert set(run.answers) == {"ok"}
    for frame in run.frames:
        assert frame.observation["position"] == pytest.approx(frame.position, abs=1e-12)
        assert frame.net == pytest.approx(net_by_hand(run, frame), abs=1e-9)
    filled: defaultdict[str, float] = defaultdict(float)
    for fill in run.fills:
        filled[fill.trade_id] += fill.size
    for trade_id, size in filled.items():
        assert size <= tape[int(trade_id[1:])]["size"] * (1.0 + 1e-12)
    seen = [step for step in run.steps if step["step"] != "fill"]
    assert seen == tape


def net_by_hand(run: Replay, frame: Frame) -> float:
    """Cash, position at the mid and fees of 1.5 bp, from the fills up to the frame."""
    fills = [fill for fill in run.fills if fill.t_ms <= frame.t_ms]
    signed = [fill.size if fill.side == "buy" else -fill.size for fill in fills]
    cash = -sum(size * fill.price for size, fill in zip(signed, fills, strict=True))
    fees = sum(fill.size * fill.price for fill in fills) * 1.5e-4
    return cash + sum(signed) * frame.mid - fees


@given(market=markets, tape_fills=st.booleans())
def test_the_same_replay_twice_gives_the_same(
    market: list[tuple[Any, ...]], tape_fills: bool
) -> None:
    tape = [own_fill(0, "buy", 1.0, "a"), *tape_of(market)]
    one, other = (replay(reference(), tape, ALL_PHASES, tape_fills=tape_fills) for _ in range(2))
    assert one == other


def test_own_fills_follow_the_trade_that_caused_them(start: Start) -> None:
    first, second = trade(10, "sell", 99.9, 0.75, id="first"), trade(20, "buy", 100.05, 0.5)
    tape = [cycle(0), first, trade(15, "sell", 99.96), second, trade(25, "sell", 99.9), cycle(30)]
    run = replay(start(PARROT), tape, {})
    seen = run.frames[-1].observation["seen"]
    assert [step["step"] for step in seen] == [
        *("cycle", "trade", "fill", "trade", "trade", "fill", "trade", "fill", "cycle")
    ]
    bought, sold, rest = (step for step in seen if step["step"] == "fill")
    common = {"step": "fill", "mid": 100.0, "levels_crossed": 1}
    assert bought == {
        **common,
        "t_ms": 10,
        "side": "buy",
        "price": 99.95,
        "size": 0.75,
        "id": "fill-1",
    }
    assert sold == {
        **common,
        "t_ms": 20,
        "side": "sell",
        "price": 100.05,
        "size": 0.5,
        "id": "fill-2",
    }
    assert rest == {
        **common,
        "t_ms": 25,
        "side": "buy",
        "price": 99.95,
        "size": 0.25,
        "id": "fill-3",
    }
    assert [fill.trade_id for fill in run.fills] == ["first", "#3", "#4"]
    assert seen == run.steps


def test_each_fill_of_a_sweep_says_how_many_levels_its_aggressor_took() -> None:
    tape = [cycle(0), trade(10, "sell", 99.94, 1.0), trade(20, "sell", 99.94, 0.1), cycle(30)]
    run = replay(reference(), tape, NO_SKEW)
    fills = [step for step in run.steps if step["step"] == "fill"]
    shown = [(step["price"], step["levels_crossed"]) for step in fills]
    assert shown == [(99.95, 2), (99.94, 2), (99.94, 1)]


def test_a_fill_comes_before_the_next_cycle_so_the_engine_leans_at_once() -> None:
    tape = [cycle(0), trade(10, "sell", 99.0, 2.0), cycle(20)]
    run = replay(reference(), tape, {"base_half_spread_bps": 5.0})
    before, after = run.frames
    assert after.position > 0.0
    assert after.observation["bids"][0]["price"] < before.observation["bids"][0]["price"]


def test_quotes_rest_from_their_cycle_to_the_next_and_not_before() -> None:
    tape = [
        trade(0, "sell", 90.0, mid=100.0),  # nothing is quoted yet
        cycle(10),
        cycle(20, 200.0),
        trade(30, "sell", 150.0),  # nor is 99.95 any more
        trade(40, "sell", 198.0, 1.0),
    ]
    run = replay(reference(), tape, NO_SKEW)
    (fill,) = run.fills[:1]
    assert (fill.t_ms, fill.price, fill.mid) == (30, 199.9, 200.0)


def test_a_trade_before_any_mid_fills_nothing(start: Start) -> None:
    tape = [cycle(0, None), trade(1, "sell", 1.0)]
    run = replay(start(PARROT), tape, {})
    assert (run.fills, run.frames, run.answers) == ([], [], Counter(ok=2))


def test_what_follows_the_last_cycle_reaches_the_engine_and_the_account(start: Start) -> None:
    run = replay(start(PARROT), [cycle(0), trade(1, "sell", 99.9), trade(2, "buy", 110.0)], {})
    assert run.answers == Counter(ok=5)
    assert len(run.fills) == 2
    assert run.account.position == 0.0
    assert run.account.net == pytest.approx(0.25 * 0.1 - 0.25 * 200.0 * 1.5e-4)


def test_fills_are_booked_at_the_mid_a_step_carries_or_at_the_books(start: Start) -> None:
    book = {"step": "book", "t_ms": 5, "bids": [[99.0, 1.0]], "asks": [[100.0, 1.0]]}
    tape = [
        cycle(0),
        trade(1, "sell", 99.0),
        book,
        trade(6, "sell", 99.0),
        {**book, "asks": []},
        trade(7, "sell", 99.0, mid=99.75),
        cycle(8, None),
    ]
    run = replay(start(PARROT), tape, {})
    assert [fill.mid for fill in run.fills] == [100.0, 99.5, 99.75]
    assert [frame.mid for frame in run.frames] == [100.0, 99.75]
    account = run.account
    cash = -0.75 * 99.95
    assert account.net == pytest.approx(cash + 0.75 * 99.75 - 0.75 * 99.95 * 1.5e-4)


def test_reach_and_fill_price_are_the_venues(start: Start) -> None:
    tape = [cycle(0), trade(1, "sell", 99.9), trade(2, "sell", 99.96)]
    engine = start(PARROT)
    assert [fill.price for fill in replay(engine, tape, {}).fills] == [99.95]
    further = replay(engine, tape, {}, reach_bps=3.0, fill_price="print")
    assert [fill.price for fill in further.fills] == [99.9, 99.95]


# --- own fills on the tape --------------------------------------------------------------------


def test_own_fills_on_the_tape_are_left_out_and_counted(start: Start) -> None:
    tape = [cycle(0), own_fill(1, "buy", 3.0, "a"), own_fill(2, "sell", 1.0, "b"), cycle(3)]
    run = replay(start(PARROT), tape, {})
    assert run.own_fills_left_out == 2
    assert (run.fills, run.account.position) == ([], 0.0)
    assert [step["step"] for step in run.frames[-1].observation["seen"]] == ["cycle", "cycle"]


def test_own_fills_on_the_tape_are_the_engines_where_the_scenario_says_so(start: Start) -> None:
    tape = [cycle(0), own_fill(1, "buy", 3.0, "a"), own_fill(2, "sell", 1.0, "b"), cycle(3)]
    run = replay(start(PARROT), tape, {}, tape_fills=True)
    assert run.own_fills_left_out == 0
    assert [(fill.trade_id, fill.cause) for fill in run.fills] == [
        ("a", "own fill on the tape"),
        ("b", "own fill on the tape"),
    ]
    assert run.account.position == 2.0
    assert run.frames[-1].observation["seen"] == tape


# --- what an engine refuses -------------------------------------------------------------------


class WithoutFunding(BuiltinEngine):
    """The reference without phases 6 and 8, and so without use for what feeds them alone."""

    def apply(self, session: str, steps: Sequence[Step]) -> list[Answer]:
        return [self.answer(session, step) for step in steps]

    def answer(self, session: str, step: Step) -> Answer:
        if step["step"] in ("funding", "reference_price", "open_interest"):
            return Unsupported("phases 6 and 8 are not in this engine")
        return super().apply(session, [step])[0]


def test_rejected_and_unsupported_steps_are_counted_and_the_first_is_kept() -> None:
    crossed = {"step": "book", "t_ms": 1, "bids": [[101.0, 1.0]], "asks": [[100.0, 1.0]]}
    tape = [
        cycle(0),
        {"step": "funding", "t_ms": 1, "rate": "0.0001", "interval_s": 3600.0},
        {"step": "reference_price", "t_ms": 1, "source": "mark", "price": 100.0},
        crossed,
        {"step": "trend", "t_ms": 2, "magnitude_bps": 1.0, "agreement": 2.0, "p_continuation": 1.0},
        {**crossed, "t_ms": 3},
        cycle(4),
    ]
    rejected = {"rejected crossed_book": 2, "rejected out_of_range": 1}
    run = replay(WithoutFunding("without-funding"), tape, PHASES_1_TO_4)
    assert run.answers == Counter({"ok": 2, "unsupported": 2, **rejected})
    assert run.first_rejection is not None
    assert run.first_rejection.startswith("book at 1: ")
    assert replay(reference(), tape, ALL_PHASES).answers == Counter({"ok": 4, **rejected})


def test_a_rejected_cycle_leaves_no_quotes_standing() -> None:
    steps = [cycle(0), cycle(1, None), trade(2, "sell", 90.0)]
    run = replay(reference(), steps, NO_SKEW)
    assert run.answers == Counter({"ok": 2, "rejected missing_field": 1})
    assert run.fills == []


def test_an_engine_without_the_quote_cycle_is_refused(start: Start) -> None:
    source = """
        from quotemark.builtin import BuiltinEngine

        def drift_only():
            return BuiltinEngine("drift-only", components=("drift",))
        """
    engine = start(source, "drift_only")
    with pytest.raises(InputError, match="drift-only does not open component 'engine': component"):
        replay(engine, [cycle(0)], {})


def test_a_configuration_that_an_engine_refuses_is_named() -> None:
    with pytest.raises(InputError, match=r"^reference does not open component 'engine': .*thetta"):
        replay(reference(), [cycle(0)], {"thetta_per_s": 0.02})


def test_an_unsupported_configuration_is_refused_with_its_reason(start: Start) -> None:
    source = PARROT.replace(
        'return Opened({"fee_bps": 1.5, "seed": seed, **config})',
        'from quotemark.messages import Unsupported; return Unsupported("no legacy path")',
    )
    with pytest.raises(InputError, match="parrot does not open component 'engine': no legacy path"):
        replay(start(source), [cycle(0)], {})


def test_an_effective_configuration_without_the_fee_is_refused(start: Start) -> None:
    with pytest.raises(InputError, match="lacks fee_bps"):
        replay(start(PARROT.replace('"fee_bps": 1.5, ', "")), [cycle(0)], {})


def test_session_seed_and_configuration_are_handed_on(start: Start) -> None:
    run: Replay = replay(start(PARROT), [cycle(0)], {"theta_per_s": 0.5}, seed=42)
    assert run.engine == "parrot"
    assert run.config == {"fee_bps": 1.5, "seed": 42, "theta_per_s": 0.5}
    run = replay(start(PARROT), [cycle(0)], {"fee_bps": 0.0})
    assert run.account.fees == 0.0
