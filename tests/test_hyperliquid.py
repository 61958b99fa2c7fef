"""Importing Hyperliquid captures: what comes on the tape, when, and what is left out and why."""

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quotemark.errors import InputError
from quotemark.hyperliquid import ImportResult, import_capture, write_tape

T0 = 1737918843000
"""When the captures of these tests begin, in ms since 1970."""

Message = dict[str, Any]


def level(px: str, sz: str) -> Message:
    return {"n": 1, "px": px, "sz": sz}


def book(ms: int, bid: str = "105055.0", ask: str = "105056.0", coin: str = "BTC") -> Message:
    levels = [
        [level(bid, "3.03622"), level("100000.0", "0.5")],
        [level(ask, "6.34472"), level("110000.0", "0.25")],
    ]
    return {"channel": "l2Book", "data": {"coin": coin, "levels": levels, "time": T0 + ms}}


def trade(ms: int, tid: int = 1, **changes: object) -> Message:
    return {
        "coin": "BTC",
        "hash": "0xde477894bfb2b4eac0a8041c9228ca013100955485522c8e6e787dfa0077475b",
        "px": "105056.0",
        "side": "B",
        "sz": "0.00219",
        "tid": tid,
        "time": T0 + ms,
        "users": ["0xe9ed7e16", "0x6802b426"],
        **changes,
    }


def trades(*of: Message) -> Message:
    return {"channel": "trades", "data": list(of)}


def fill(ms: int, **changes: object) -> Message:
    return {
        "closedPnl": "0.0",
        "coin": "BTC",
        "crossed": False,
        "dir": "Open Long",
        "fee": "0.034",
        "feeToken": "USDC",
        "hash": "0x3d4770d0527317ef77c404017559cb01",
        "oid": 189324432,
        "px": "105055.0",
        "side": "A",
        "startPosition": "0.0",
        "sz": "0.142",
        "tid": 77,
        "time": T0 + ms,
        **changes,
    }


def fills(*of: Message, snapshot: bool | None = None) -> Message:
    flag = {} if snapshot is None else {"isSnapshot": snapshot}
    return {"channel": "userFills", "data": {**flag, "user": "0xb7b6f3ce", "fills": list(of)}}


def context(coin: str = "BTC", **ctx: str | None) -> Message:
    return {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": {"premium": "0.1", **ctx}}}


def received(ms: int, message: Message) -> str:
    return f"{(T0 + ms) * 1_000_000 + 903_000} {json.dumps(message)}"


def capture(folder: Path, *lines: Message | str) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path = folder / "capture"
    path.write_text("".join(text + "\n" for text in texts))
    return path


def events(result: ImportResult) -> list[dict[str, Any]]:
    return [step for step in result.steps if step["step"] != "cycle"]


def kinds_and_times(result: ImportResult) -> list[tuple[str, int]]:
    return [(step["step"], step["t_ms"] - T0) for step in result.steps]


def skipped(result: ImportResult) -> dict[str, tuple[int, int]]:
    """Count and first line by reason."""
    return {
        reason: (entry.count, entry.first_line) for reason, entry in result.report.skipped.items()
    }


class TestSteps:
    def test_book_has_floats_and_the_best_level_first(self, tmp_path: Path) -> None:
        (step,) = events(import_capture(capture(tmp_path, book(0))))
        assert step == {
            "step": "book",
            "t_ms": T0,
            "bids": ((105055.0, 3.03622), (100000.0, 0.5)),
            "asks": ((105056.0, 6.34472), (110000.0, 0.25)),
        }

    def test_trades_of_a_sweep_are_a_step_each_with_the_aggressors_side(
        self, tmp_path: Path
    ) -> None:
        sweep = trades(trade(5, 11), trade(5, 12, side="A", px="105055.0", sz="1"))
        _, first, second = events(import_capture(capture(tmp_path, book(0), sweep)))
        assert first == {
            "step": "trade",
            "t_ms": T0 + 5,
            "id": "11",
            "side": "buy",
            "price": 105056.0,
            "size": 0.00219,
        }
        assert (second["id"], second["side"]) == ("12", "sell")

    @pytest.mark.parametrize("flag", [None, False])
    def test_live_fills_are_own_fills(self, tmp_path: Path, flag: bool | None) -> None:
        path = capture(tmp_path, book(0), fills(fill(7), snapshot=flag))
        assert events(import_capture(path))[1] == {
            "step": "fill",
            "t_ms": T0 + 7,
            "id": "77",
            "side": "sell",
            "price": 105055.0,
            "size": 0.142,
        }

    def test_fills_of_a_snapshot_are_history(self, tmp_path: Path) -> None:
        past = fills(fill(1), fill(2, tid=78), snapshot=True)
        result = import_capture(capture(tmp_path, book(0), past))
        assert result.report.steps == {"book": 1, "cycle": 1}
        assert skipped(result) == {"past fill": (2, 2)}

    def test_fills_without_tid_have_no_id_and_are_never_duplicates(self, tmp_path: Path) -> None:
        old = fill(7)
        del old["tid"]
        _, first, second = events(import_capture(capture(tmp_path, book(0), fills(old, old))))
        assert first == second
        assert "id" not in first

    def test_asset_context_gives_funding_prices_and_open_interest(self, tmp_path: Path) -> None:
        message = context(
            funding="0.0000125", markPx="105060.5", oraclePx="105050.0", openInterest="8123.5"
        )
        result = import_capture(capture(tmp_path, received(0, book(-400)), received(9, message)))
        assert events(result)[1:] == [
            {"step": "funding", "t_ms": T0 + 9, "rate": "0.0000125", "interval_s": 3600},
            {"step": "reference_price", "t_ms": T0 + 9, "source": "mark", "price": 105060.5},
            {"step": "reference_price", "t_ms": T0 + 9, "source": "index", "price": 105050.0},
            {"step": "open_interest", "t_ms": T0 + 9, "contracts": 8123.5},
        ]

    def test_values_missing_from_an_asset_context_are_no_steps(self, tmp_path: Path) -> None:
        message = context(funding="-0.00001", markPx=None)
        result = import_capture(capture(tmp_path, book(0), message))
        assert result.report.steps == {"book": 1, "funding": 1, "cycle": 1}
        assert skipped(result) == {}


class TestTime:
    def test_receive_times_come_before_the_exchanges(self, tmp_path: Path) -> None:
        path = capture(
            tmp_path, received(350, book(0)), received(700, trades(trade(280), trade(290, 2)))
        )
        result = import_capture(path)
        assert result.report.clock == "receive"
        assert [step["t_ms"] - T0 for step in events(result)] == [350, 700, 700]

    def test_without_them_the_exchanges_times_order_the_tape(self, tmp_path: Path) -> None:
        lines = book(0), book(600, bid="105054.0"), trades(trade(500), trade(700, 2))
        result = import_capture(capture(tmp_path, *lines))
        assert result.report.clock == "exchange"
        assert [(step["step"], step["t_ms"] - T0) for step in events(result)] == [
            ("book", 0),
            ("trade", 500),
            ("book", 600),
            ("trade", 700),
        ]
        assert result.report.reordered == 1

    def test_steps_of_one_time_stay_in_the_order_of_the_capture(self, tmp_path: Path) -> None:
        lines = book(0), trades(trade(5, 3)), fills(fill(5)), trades(trade(5, 2))
        result = import_capture(capture(tmp_path, *lines))
        assert [step.get("id") for step in events(result)] == [None, "3", "77", "2"]
        assert result.report.reordered == 0

    def test_context_without_receive_time_takes_the_latest_time_so_far(
        self, tmp_path: Path
    ) -> None:
        early, late = context(funding="0.1"), context(funding="0.2")
        lines = early, book(0), trades(trade(30)), late, book(60)
        result = import_capture(capture(tmp_path, *lines))
        (funding,) = (step for step in result.steps if step["step"] == "funding")
        assert (funding["rate"], funding["t_ms"]) == ("0.2", T0 + 30)
        assert skipped(result) == {"no time yet": (1, 1)}

    def test_line_without_receive_time_among_lines_with_one_is_skipped(
        self, tmp_path: Path
    ) -> None:
        result = import_capture(capture(tmp_path, received(0, book(0)), book(5)))
        assert skipped(result) == {"no receive time": (1, 2)}

    def test_torn_beginning_does_not_decide_about_receive_times(self, tmp_path: Path) -> None:
        lines = '0.25"}]],"time":1737918842542}}', received(0, book(0)), received(9, book(8))
        result = import_capture(capture(tmp_path, *lines))
        assert result.report.clock == "receive"
        assert skipped(result) == {"not a JSON message": (1, 1)}

    @pytest.mark.parametrize("stamp", ["1737918843", "37918843893903000", "9" * 20])
    def test_receive_time_in_other_units_or_torn_is_skipped(
        self, tmp_path: Path, stamp: str
    ) -> None:
        path = capture(tmp_path, received(0, book(0)), f"{stamp} {json.dumps(book(5))}")
        assert skipped(import_capture(path)) == {"receive time is not in this century": (1, 2)}


class TestCycles:
    def test_follow_all_events_up_to_their_time_from_first_book_to_end(
        self, tmp_path: Path
    ) -> None:
        lines = fills(fill(-50)), book(0), trades(trade(0)), book(250), trades(trade(300, 2))
        assert kinds_and_times(import_capture(capture(tmp_path, *lines), cycle_ms=100)) == [
            ("fill", -50),
            ("book", 0),
            ("trade", 0),
            ("cycle", 0),
            ("cycle", 100),
            ("cycle", 200),
            ("book", 250),
            ("trade", 300),
            ("cycle", 300),
        ]

    def test_wait_for_a_book_with_both_sides(self, tmp_path: Path) -> None:
        one_sided = book(0)
        one_sided["data"]["levels"][1] = []
        result = import_capture(capture(tmp_path, one_sided, book(1500)))
        assert kinds_and_times(result) == [("book", 0), ("book", 1500), ("cycle", 1500)]

    @pytest.mark.parametrize("cycle_ms", [0, -1000])
    def test_need_a_positive_interval(self, tmp_path: Path, cycle_ms: int) -> None:
        with pytest.raises(InputError, match=f"cycle_ms is {cycle_ms}; expected .* 1 or more"):
            import_capture(capture(tmp_path, book(0)), cycle_ms=cycle_ms)

    def test_too_many_for_memory_are_refused_with_the_lines_to_look_at(
        self, tmp_path: Path
    ) -> None:
        path = capture(tmp_path, book(0), book(10**12))
        with pytest.raises(
            InputError,
            match=r"capture: 1000000000 cycles .*line 1\) to .*line 2\); expected at most",
        ):
            import_capture(path)


class TestBacklog:
    def test_trades_from_before_the_earliest_book_are_left_out(self, tmp_path: Path) -> None:
        old = trades(trade(-49_000, 1), trade(-1, 2), trade(0, 3))
        lines = received(350, book(0)), received(600, old), received(900, trades(trade(500, 4)))
        result = import_capture(capture(tmp_path, *lines))
        assert [step["id"] for step in events(result)[1:]] == ["3", "4"]
        assert skipped(result) == {"backlog": (2, 2)}
        assert result.report.skipped["backlog"].detail == "49000 ms before the earliest book"

    def test_also_when_they_are_sent_before_the_book(self, tmp_path: Path) -> None:
        lines = trades(trade(-10, 1), trade(40, 2)), book(0), book(50, bid="105054.0")
        result = import_capture(capture(tmp_path, *lines))
        assert [kind for kind, _ in kinds_and_times(result)][:1] == ["book"]
        assert skipped(result) == {"backlog": (1, 1)}

    def test_trades_missed_between_two_connections_are_kept(self, tmp_path: Path) -> None:
        lines = (
            received(350, book(0)),
            received(400, trades(trade(100, 1))),
            received(60_000, trades(trade(100, 1), trade(20_000, 2))),
        )
        result = import_capture(capture(tmp_path, *lines))
        assert [(step["id"], step["t_ms"] - T0) for step in events(result)[1:]] == [
            ("1", 400),
            ("2", 60_000),
        ]
        assert skipped(result) == {"duplicate trade": (1, 3)}


class TestDuplicates:
    def test_book_repeated_identically_is_skipped(self, tmp_path: Path) -> None:
        lines = received(1, book(0)), received(15, book(0)), received(500, book(480))
        result = import_capture(capture(tmp_path, *lines))
        assert [step["t_ms"] - T0 for step in events(result)] == [1, 500]
        assert skipped(result) == {"duplicate book": (1, 2)}

    def test_changed_book_of_the_same_time_is_kept(self, tmp_path: Path) -> None:
        result = import_capture(capture(tmp_path, book(0), book(0, bid="105054.0")))
        assert result.report.steps["book"] == 2

    def test_trades_are_told_apart_by_tid(self, tmp_path: Path) -> None:
        lines = book(0), trades(trade(5, 1), trade(5, 2)), trades(trade(5, 2), trade(6, 3))
        result = import_capture(capture(tmp_path, *lines))
        assert [step["id"] for step in events(result)[1:]] == ["1", "2", "3"]
        assert skipped(result) == {"duplicate trade": (1, 3)}

    def test_own_fill_may_be_a_trade_too_but_only_one_fill(self, tmp_path: Path) -> None:
        lines = book(0), trades(trade(5, 77)), fills(fill(5)), fills(fill(5))
        result = import_capture(capture(tmp_path, *lines))
        assert result.report.steps == {"book": 1, "cycle": 1, "trade": 1, "fill": 1}
        assert skipped(result) == {"duplicate fill": (1, 4)}


class TestUnusable:
    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("Websocket connection established.", "not a JSON message"),
            ('{"channel":"l2Book","data":{"coin":"BT', "not a JSON message"),
            ("[1, 2]", "not a JSON message"),
            ("[" * 5000, "not a JSON message"),
            ('{"data":{}}', "not a JSON message"),
            ('{"channel":"pong"}', "channel pong"),
            ('{"channel":"allMids","data":{"mids":{"BTC":"105055.5"}}}', "channel allMids"),
            ('{"channel":"l2Book"}', "malformed book"),
            ('{"channel":"l2Book","data":{"coin":"BTC","time":1}}', "malformed book"),
            ('{"channel":"trades","data":{}}', "malformed trades message"),
            ('{"channel":"userFills","data":[]}', "malformed userFills message"),
            ('{"channel":"activeAssetCtx","data":{"coin":"BTC"}}', "malformed asset context"),
            (trades(), "empty message"),
            (fills(), "empty message"),
            (context(), "empty message"),
            (trades(trade(5, px=105056.0)), "malformed trade"),
            (trades(trade(5, side="C")), "side is neither B nor A"),
            (trades(trade(5, sz="0.0")), "size is not above zero"),
            (trades(trade(5, px="-1")), "price is not above zero"),
            (trades(trade(5, px="1_000")), "price is not a finite decimal number"),
            (trades(trade(5, px="NaN")), "price is not a finite decimal number"),
            (trades(trade(5, px="1e999")), "price is not a finite decimal number"),
            (trades(trade(5, time=1737918843)), "trade time is not in this century"),
            (fills(fill(5, side="")), "side is neither B nor A"),
            (fills(fill(5, tid="a")), "malformed fill"),
            (context(funding="inf"), "funding rate is not a finite decimal number"),
            (context(markPx="0"), "price is not above zero"),
            (book(5, bid="105057.0"), "crossed book"),
            (book(5, bid="99999.0"), "book levels are not best first"),
            (book(5, ask="110000.0"), "book levels are not best first"),
            (book(5, ask="abc"), "price is not a finite decimal number"),
        ],
    )
    def test_is_skipped_with_reason_and_line_and_the_rest_imported(
        self, tmp_path: Path, line: Message | str, reason: str
    ) -> None:
        lines = book(0), "", line, book(10, bid="105054.0")
        result = import_capture(capture(tmp_path, *lines))
        assert result.report.steps == {"book": 2, "cycle": 1}
        assert skipped(result) == {reason: (1, 3)}

    def test_one_bad_trade_does_not_cost_the_others(self, tmp_path: Path) -> None:
        message = trades(trade(5, 1), trade(5, 2, px="?"), {"coin": "BTC"}, trade(5, 3))
        result = import_capture(capture(tmp_path, book(0), message))
        assert [step["id"] for step in events(result)[1:]] == ["1", "3"]

    def test_detail_names_the_first_bad_value(self, tmp_path: Path) -> None:
        lines = book(0), trades(trade(5, px="?"), trade(6, 2, px="!"))
        report = import_capture(capture(tmp_path, *lines)).report
        (entry,) = report.skipped.values()
        assert (entry.count, entry.detail) == (2, "is '?'")

    def test_text_that_is_not_utf8_is_skipped(self, tmp_path: Path) -> None:
        path = capture(tmp_path, book(0))
        path.write_bytes(path.read_bytes() + b'{"channel":"\xff"}\n')
        assert skipped(import_capture(path)) == {"not a JSON message": (1, 2)}

    def test_locked_book_is_usable(self, tmp_path: Path) -> None:
        result = import_capture(capture(tmp_path, book(0, bid="105056.0")))
        assert result.report.steps["book"] == 1


class TestCoins:
    def test_only_coin_with_books_needs_no_name(self, tmp_path: Path) -> None:
        other = trades(trade(5, coin="ETH"))
        result = import_capture(capture(tmp_path, other, book(0), fills(fill(5, coin="SOL"))))
        assert result.report.coin == "BTC"
        assert skipped(result) == {"another coin": (2, 1)}

    def test_several_must_be_told_apart(self, tmp_path: Path) -> None:
        path = capture(tmp_path, book(0), book(0, coin="ETH"), trades(trade(5, coin="ETH")))
        with pytest.raises(InputError, match=r"capture: .*several coins; name one of BTC, ETH"):
            import_capture(path)
        result = import_capture(path, "ETH")
        assert result.report.steps == {"book": 1, "trade": 1, "cycle": 1}
        assert skipped(result) == {"another coin": (1, 1)}

    def test_named_coin_must_be_there(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"capture: has no book of coin 'DOGE'; .* BTC"):
            import_capture(capture(tmp_path, book(0)), "DOGE")


class TestFiles:
    def test_gzip_is_known_by_its_content(self, tmp_path: Path) -> None:
        plain = capture(tmp_path, received(0, book(0)), received(9, trades(trade(5))))
        packed = tmp_path / "packed.log"
        packed.write_bytes(gzip.compress(plain.read_bytes()))
        assert import_capture(packed) == import_capture(plain)

    def test_gzip_cut_off_gives_what_was_whole(self, tmp_path: Path) -> None:
        plain = capture(tmp_path, *(book(500 * n, bid=f"{105055 - n}.0") for n in range(200)))
        packed = tmp_path / "packed.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes())[:-200])
        result = import_capture(packed)
        books = result.report.steps["book"]
        assert 100 < books < 200
        assert skipped(result) == {"gzip data damaged or cut off": (1, books + 1)}

    def test_windows_line_ends_and_a_missing_last_one_do_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "capture"
        path.write_text(f"{json.dumps(book(0))}\r\n{json.dumps(book(5))}", newline="")
        result = import_capture(path)
        assert result.report.steps["book"] == 2
        assert skipped(result) == {}

    @pytest.mark.parametrize("name", ["missing", "."])
    def test_unreadable_file_is_the_users_mistake(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(InputError, match="cannot be read: "):
            import_capture(tmp_path / name)

    @pytest.mark.parametrize(
        ("content", "hint"),
        [
            ("", "one a line$"),
            ("t_ms,bid,ask\n1,2,3\n", r"one a line \(line 1: not a JSON message: "),
            (json.dumps(trades(trade(5))) + "\n", "one a line$"),
        ],
    )
    def test_capture_without_a_book_is_refused(
        self, tmp_path: Path, content: str, hint: str
    ) -> None:
        path = tmp_path / "capture"
        path.write_text(content)
        with pytest.raises(
            InputError, match=f"capture: no book with both sides; expected .*{hint}"
        ):
            import_capture(path)


class TestReport:
    def test_counts_and_times(self, tmp_path: Path) -> None:
        lines = book(0), trades(trade(5, 1), trade(6, 2)), '{"channel":"pong"}', book(2500)
        report = import_capture(capture(tmp_path, *lines)).report
        assert report.messages == {"l2Book": 2, "trades": 1, "pong": 1}
        assert report.steps == {"book": 2, "trade": 2, "cycle": 3}
        assert (report.first_t_ms, report.last_t_ms, report.span_ms) == (T0, T0 + 2500, 2500)


class TestTape:
    def test_is_compact_json_lines(self, tmp_path: Path) -> None:
        tape = tmp_path / "tape.jsonl"
        write_tape(import_capture(capture(tmp_path, book(0))).steps, tape)
        assert tape.read_text() == (
            f'{{"step":"book","t_ms":{T0},"bids":[[105055.0,3.03622],[100000.0,0.5]],'
            '"asks":[[105056.0,6.34472],[110000.0,0.25]]}\n'
            f'{{"step":"cycle","t_ms":{T0}}}\n'
        )

    def test_is_written_whole_or_not_at_all(self, tmp_path: Path) -> None:
        tape = tmp_path / "tape.jsonl"
        tape.write_text("the old one\n")
        unwritable = {"step": "cycle", "t_ms": object()}
        with pytest.raises(TypeError):
            write_tape([{"step": "cycle", "t_ms": T0}, unwritable], tape)
        assert tape.read_text() == "the old one\n"
        assert list(tmp_path.iterdir()) == [tape]

    @pytest.mark.parametrize("place", ["missing/tape.jsonl", "file/tape.jsonl", "folder"])
    def test_unwritable_place_is_the_users_mistake(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        with pytest.raises(InputError, match=f"{place}: cannot be written: "):
            write_tape([], tmp_path / place)
        assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


# --- for any capture at all --------------------------------------------------------------------

times = st.integers(-3000, 3000)
prices = st.sampled_from(["105055.0", "105056.0", "105057.5", "0", "-1", "nan", "x"])
coins = st.sampled_from(["BTC", "BTC", "ETH"])
any_trade = st.builds(trade, times, st.integers(1, 4), px=prices, coin=coins)
any_fill = st.builds(fill, times, tid=st.none() | st.integers(1, 3), px=prices, coin=coins)

# A message with the number of things in it that must be found again.
counted_messages = st.one_of(
    st.tuples(st.builds(book, times, prices, prices, coins), st.just(1)),
    st.lists(any_trade, min_size=1, max_size=4).map(lambda some: (trades(*some), len(some))),
    st.lists(any_fill, min_size=1, max_size=3).flatmap(
        lambda some: st.booleans().map(lambda flag: (fills(*some, snapshot=flag), len(some)))
    ),
    st.tuples(st.builds(context, coins, funding=prices, markPx=prices), st.just(2)),
    st.sampled_from([({"channel": "pong"}, 1), ("torn {", 1), (trades(), 1), ("", 0)]),
)


def as_line(message: Message | str, stamp_ms: int | None) -> Message | str:
    if stamp_ms is None or isinstance(message, str):
        return message
    return received(stamp_ms, message)


@settings(deadline=None)
@given(
    st.lists(counted_messages, max_size=25),
    st.lists(st.integers(0, 5000), min_size=25, max_size=25) | st.none(),
    st.integers(50, 3000),
)
def test_tape_is_in_time_order_and_nothing_is_lost(
    counted: list[tuple[Message | str, int]], stamps: list[int] | None, cycle_ms: int
) -> None:
    stamps_or_none: list[int | None] = [None] * 25 if stamps is None else [*stamps]
    lines = [as_line(book(0), None if stamps is None else 0)]
    lines += [
        as_line(line, stamp) for (line, _), stamp in zip(counted, stamps_or_none, strict=False)
    ]
    with tempfile.TemporaryDirectory() as folder:
        result = import_capture(capture(Path(folder), *lines), "BTC", cycle_ms)

    order = [(step["t_ms"], step["step"] == "cycle") for step in result.steps]
    assert order == sorted(order)

    cycles = [t_ms for t_ms, is_cycle in order if is_cycle]
    begin = next(step["t_ms"] for step in result.steps if step["step"] == "book")
    assert cycles == list(range(begin, order[-1][0] + 1, cycle_ms))

    left_out = sum(entry.count for entry in result.report.skipped.values())
    assert len(events(result)) + left_out == 1 + sum(number for _, number in counted)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans())
def test_arbitrary_bytes_never_stop_an_import(garbage: list[bytes], is_packed: bool) -> None:
    content = b"\n".join([json.dumps(book(0)).encode(), *garbage])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture"
        path.write_bytes(gzip.compress(content) + b"".join(garbage) if is_packed else content)
        result = import_capture(path)
    assert result.report.steps == {"book": 1, "cycle": 1}
