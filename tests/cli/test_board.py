"""What the table shows, without a terminal and with clocks that only the test moves."""

import pytest
from tests.cli.scripted_server import RECEIVED_AT, quote, status

from tickmux.v1 import quote_pb2, source_pb2
from tickmux_server.cli.board import QuoteBoard, RateMeter, Row
from tickmux_server.cli.figures import decimal_text, duration_text, lag_text, price_text, rate_text, volume_text
from tickmux_server.cli.layout import Column, cut_at_words
from tickmux_server.cli.row_states import SHORT_WIDTH, short_state
from tickmux_server.cli.table import STALE_MARK, Cell, PictureMemory, frame, plain_text, quote_table, table

RECEIVED_S = RECEIVED_AT.ToNanoseconds() / 1e9


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_s(self) -> float:
        return RECEIVED_S + self.now_s - 1000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> QuoteBoard:
    board = QuoteBoard(clock.monotonic_s, clock.wall_s)
    board.connected()
    board.status(status())
    return board


def only(board: QuoteBoard) -> Row:
    (row,) = board.rows()
    return row


def test_row_joins_a_quote_with_its_sources_health(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=63297.7, ask_price=63297.75))
    clock.now_s += 0.3
    row = only(board)
    assert (row.symbol, row.exchange, row.age) == ("BTCUSDT", "Binance", "0.3 s")
    assert (row.state, row.is_stale) == ("live sim", False)
    assert (row.bid.text, row.ask.text, row.last.text, row.volume) == ("63297.70", "63297.75", "-", "-")


def test_each_price_is_as_old_as_its_own_message(board: QuoteBoard, clock: Clock) -> None:
    merged = quote(bid_price=1.0, ask_price=2.0, last_price=1.5)
    merged.bid_ask_age_ms, merged.last_age_ms = 4000, 0
    board.quote(merged)
    clock.now_s += 1
    assert (only(board).age, only(board).last_age) == ("5.0 s", "1.0 s")


def test_age_of_a_source_without_bid_and_ask_is_that_of_its_last_price(board: QuoteBoard) -> None:
    polled = quote(last_price=1.5)
    polled.ClearField("bid_ask_age_ms")
    polled.last_age_ms = 2000
    board.quote(polled)
    assert (only(board).age, only(board).last_age) == ("2.0 s", "2.0 s")


@pytest.mark.parametrize(
    "state",
    [
        source_pb2.SOURCE_STATE_STALE,
        source_pb2.SOURCE_STATE_DOWN,
        source_pb2.SOURCE_STATE_CONNECTING,
        source_pb2.SOURCE_STATE_REJECTED,
        source_pb2.SOURCE_STATE_UNKNOWN,
    ],
)
def test_row_is_stale_when_its_source_is_not_in_order(
    board: QuoteBoard, state: source_pb2.SourceState.ValueType
) -> None:
    board.quote(quote(bid_price=1.0))
    assert not only(board).is_stale
    board.status(status(state=state, last_error="frozen"))
    assert only(board).is_stale
    assert board.source_lines()[0].last_error == "frozen"
    assert not board.source_lines()[0].is_healthy


def test_row_of_an_ended_epoch_is_old_until_it_is_quoted_again(board: QuoteBoard) -> None:
    board.quote(quote(bid_price=1.0))
    board.status(status(epoch=8))
    assert (only(board).state, only(board).is_stale) == ("old sim", True)
    fresh = quote(bid_price=1.5)
    fresh.epoch = 8
    board.quote(fresh)
    assert (only(board).state, only(board).is_stale) == ("live sim", False)


def test_row_of_an_unknown_source_is_not_taken_for_the_present(board: QuoteBoard) -> None:
    board.quote(quote(source="kraken", bid_price=1.0))
    assert (only(board).state, only(board).is_stale) == ("unknown", True)


def test_nothing_is_the_present_while_the_stream_is_lost_and_all_is_again_once_it_goes_on(board: QuoteBoard) -> None:
    board.quote(quote(bid_price=1.0))
    board.link.lost("refused")
    assert (only(board).state, only(board).is_stale) == ("unknown", True)
    assert board.source_lines()[0].state == "unknown"
    board.connected()
    assert (only(board).state, only(board).is_stale) == ("live sim", False)
    assert board.source_lines()[0].state == "live"


def test_a_cut_that_heals_within_a_moment_is_not_seen(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    before = lines_of(board, clock)
    board.link.cut("refused")
    clock.now_s += 0.01
    assert lines_of(board, clock) == before
    board.connected()
    assert lines_of(board, clock) == before


def test_a_cut_is_told_once_it_lasts_or_the_way_back_fails(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    board.link.cut("refused")
    clock.now_s += 10
    assert (only(board).is_stale, board.link.word, board.link.problem) == (True, "reconnecting", "refused")
    board.connected()
    board.link.cut("refused")
    assert not only(board).is_stale
    board.link.lost("refused again")
    assert (only(board).is_stale, board.link.problem) == (True, "refused again")
    board.link.cut("once more")
    assert only(board).is_stale, "what was lost is not believed again because it is lost another time"


def test_what_was_never_connected_is_not_believed_for_a_moment(clock: Clock) -> None:
    board = QuoteBoard(clock.monotonic_s, clock.wall_s)
    board.link.cut("refused")
    assert (board.link.is_up, board.link.word) == (False, "connecting")


def test_nothing_moves_when_the_stream_is_lost(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    before = lines_of(board, clock)
    board.link.lost("refused")
    after = lines_of(board, clock)
    assert len(after) == len(before)
    for upper, lower in zip(before, after, strict=True):
        if "BTCUSDT" in upper or "SYMBOL" in upper:
            assert upper.removeprefix(" ").rpartition(" live")[0] == lower[1:].rpartition(" UNKNOWN")[0]
    assert after[2] == "refused"


def test_a_row_that_comes_anew_after_a_reset_stays_in_its_place(board: QuoteBoard) -> None:
    board.quote(quote(bid_price=1.0))
    board.quote(quote("ETHUSDT", bid_price=1.0))
    board.reset()
    assert [(row.symbol, row.state, row.is_stale) for row in board.rows()] == [
        ("BTCUSDT", "old sim", True),
        ("ETHUSDT", "old sim", True),
    ]
    board.status(status())
    board.quote(quote(bid_price=2.0))
    board.caught_up()
    assert [(row.symbol, row.bid.text, row.is_stale) for row in board.rows()] == [
        ("BTCUSDT", "2", False),
        ("ETHUSDT", "1", True),
    ]


def reset_without(board: QuoteBoard, *statuses: source_pb2.SourceStatus) -> None:
    """A row, and then a new state in which it is not."""
    board.quote(quote(bid_price=1.0))
    board.reset()
    for told in statuses:
        board.status(told)
    board.caught_up()


def test_a_row_that_a_healthy_source_does_not_quote_again_leaves(board: QuoteBoard, clock: Clock) -> None:
    reset_without(board, status())
    assert only(board).is_stale
    clock.now_s += 4.9
    assert only(board).is_stale
    clock.now_s += 0.2
    assert board.rows() == []
    assert len(board) == 0


def test_a_row_waits_for_its_source_to_come_back_with_a_restarted_server(board: QuoteBoard, clock: Clock) -> None:
    reset_without(board, status(state=source_pb2.SOURCE_STATE_CONNECTING))
    clock.now_s += 60
    assert (only(board).state, only(board).is_stale) == ("old sim", True)
    board.status(status())
    clock.now_s += 4.9
    assert only(board).is_stale
    board.quote(quote(bid_price=2.0))
    clock.now_s += 60
    assert not only(board).is_stale


@pytest.mark.parametrize("other_is_live", [True, False])
def test_a_row_whose_slot_is_not_told_of_goes_by_the_others_of_its_source(
    board: QuoteBoard, clock: Clock, *, other_is_live: bool
) -> None:
    other = status() if other_is_live else status(state=source_pb2.SOURCE_STATE_DOWN)
    other.channel = "1"
    reset_without(board, other)
    assert only(board).is_stale
    clock.now_s += 60
    assert bool(board.rows()) is not other_is_live


def test_a_row_of_a_source_that_is_gone_leaves_with_the_new_state(board: QuoteBoard) -> None:
    reset_without(board, status("kraken"))
    assert board.rows() == []
    assert [line.name for line in board.source_lines()] == ["kraken/0"]


def test_no_picture_is_taken_of_half_a_state(board: QuoteBoard, clock: Clock) -> None:
    board.caught_up()
    assert not board.is_changing
    board.reset()
    board.quote(quote(bid_price=1.0))
    assert board.is_changing
    board.caught_up()
    assert not board.is_changing
    board.reset()
    clock.now_s += 1.1
    assert not board.is_changing, "a state that takes long is shown as it comes"
    board.reset()
    board.link.lost("refused")
    assert not board.is_changing, "that there is no stream is shown at once"


def test_halted_instrument_says_so(board: QuoteBoard) -> None:
    halted = quote(bid_price=1.0)
    halted.flags.append(quote_pb2.QUOTE_FLAG_HALTED)
    board.quote(halted)
    assert only(board).state == "live halted sim"


def consolidated(bid_at: str, ask_at: str) -> quote_pb2.Quote:
    merged = quote(source="consolidated", ask_price=63297.75)
    merged.exchange = ""
    merged.bid_exchange, merged.ask_exchange = bid_at, ask_at
    return merged


def test_a_consolidated_row_says_where_bid_and_ask_are(board: QuoteBoard, clock: Clock) -> None:
    merged = consolidated("Kraken", "Binance")
    merged.bid_price = 63297.7
    board.quote(merged)
    board.status(status("consolidated"))
    heading, row = lines_of(board, clock, width=80)[3:5]
    assert "VOLUME" not in heading
    assert "EXCHANGE" not in heading
    assert row.split()[2:6] == ["63297.70", "Kraken", "63297.75", "Binance"]
    board.quote(quote(bid_price=63297.7))
    heading, own, row = lines_of(board, clock)[3:6]
    assert all(title in heading for title in ("EXCHANGE", "BID AT", "ASK AT", "VOLUME"))
    assert "Binance" in own
    assert "Kraken" in row


def test_a_consolidated_row_without_a_side_names_nobody_for_it(board: QuoteBoard, clock: Clock) -> None:
    board.quote(consolidated("", "Kraken"))
    assert (only(board).bid.text, only(board).bid_at, only(board).ask_at) == ("-", "-", "Kraken")


def test_flags_are_told_in_one_order_the_gravest_first(board: QuoteBoard) -> None:
    late = quote(last_price=1.0)
    late.flags.extend([quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED])
    board.quote(late)
    assert only(board).state == "live delayed indicative sim"


def test_head_counts_what_is_simulated(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    real = quote("ETHUSDT", bid_price=1.0)
    del real.flags[:]
    board.quote(real)
    assert "2 instruments (1 simulated)" in lines_of(board, clock)[0]
    assert [row.state for row in board.rows()] == ["live sim", "live"]


def test_prices_carry_the_direction_of_their_latest_change_for_a_moment(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=2.0, ask_price=3.0, last_price=2.5))
    board.quote(quote(revision=2, bid_price=2.1, ask_price=2.9, last_price=2.5))
    row = only(board)
    assert (row.bid.direction, row.ask.direction, row.last.direction) == (1, -1, 0)
    clock.now_s += 2.5
    assert only(board).bid.direction == 0


def test_a_withdrawn_price_is_unknown_and_moves_nowhere(board: QuoteBoard) -> None:
    board.quote(quote(bid_price=2.0))
    board.quote(quote(revision=2))
    assert only(board).bid == ("-", 0)


def test_updates_a_second_count_revisions_rather_than_deliveries(board: QuoteBoard, clock: Clock) -> None:
    for second in range(4):
        board.quote(quote(revision=1 + 100 * second, bid_price=1.0))
        clock.now_s += 1
    assert only(board).updates_per_s == pytest.approx(75)
    clock.now_s += 60
    assert only(board).updates_per_s == 0


def test_mute_source_says_for_how_long(board: QuoteBoard, clock: Clock) -> None:
    mute = status()
    mute.last_message_at.CopyFrom(RECEIVED_AT)
    board.status(mute)
    clock.now_s += 2
    assert board.source_lines()[0].mute_for == "-", "statuses are published once a second: less cannot be told"
    clock.now_s += 5
    assert board.source_lines()[0].mute_for == "7.0 s"


def test_budget_says_what_is_left_and_when_it_goes_on(board: QuoteBoard, clock: Clock) -> None:
    assert board.source_lines()[0].budget == "-", "a stream has none"
    told = status()
    for window_s, limit, left in ((60, 5, 4), (86_400, 25, 20)):
        budget = told.budgets.add(limit=limit, left=left)
        budget.window.FromSeconds(window_s)
        budget.next_request_at.FromNanoseconds(int((clock.wall_s() + 3420) * 1e9))
    board.status(told)
    (line,) = board.source_lines()
    assert (line.budget, line.last_error) == ("20 of 25 a day, next in 57 min", "")
    told.budgets[0].reason = "all 5 requests of a minute are made"
    told.budgets[0].left = 0
    told.budgets[0].ClearField("next_request_at")
    board.status(told)
    (line,) = board.source_lines()
    assert (line.budget, line.last_error) == ("0 of 5 a minute", "all 5 requests of a minute are made")


def test_counters_of_an_overtaken_answer_do_not_undo_what_the_stream_said(board: QuoteBoard) -> None:
    board.status(status(state=source_pb2.SOURCE_STATE_DOWN, epoch=8))
    board.counters(status(messages=99))
    (line,) = board.source_lines()
    assert (line.state, line.messages) == ("down", 10)
    board.counters(status(state=source_pb2.SOURCE_STATE_DOWN, epoch=8, messages=99))
    assert board.source_lines()[0].messages == 99


def test_rate_meter_starts_anew_when_its_counter_does() -> None:
    meter = RateMeter()
    meter.read(1000, 0.0)
    meter.read(2000, 1.0)
    meter.read(5, 2.0)
    meter.read(15, 3.0)
    assert meter.per_second(3.0) == pytest.approx(10)


def test_rate_meter_keeps_a_bounded_number_of_readings() -> None:
    meter = RateMeter()
    for i in range(100_000):
        meter.read(i, i / 1000)
    assert len(meter._readings) <= 22
    assert meter.per_second(100.0) == pytest.approx(1000, rel=0.01)


def lines_of(
    board: QuoteBoard,
    clock: Clock,
    memory: PictureMemory | None = None,
    *,
    width: int = 200,
    height: int | None = None,
    title: str = "Tickmux",
) -> list[str]:
    kept = memory or PictureMemory()
    lines = frame(board, kept, title=title, notes=["a note"], wall_s=clock.wall_s(), width=width, height=height)
    return plain_text(lines).splitlines()


def test_frame_fits_the_terminal_and_says_how_much_it_leaves_out(board: QuoteBoard, clock: Clock) -> None:
    for i in range(40):
        board.quote(quote(f"S{i:02}USDT", bid_price=1.0 + i))
    lines = lines_of(board, clock, width=80, height=24)
    assert len(lines) == 24
    assert all(len(line) <= 80 for line in lines)
    shown = sum("USDT" in line for line in lines)
    assert f"{40 - shown} more" in "".join(lines)
    assert any(line.strip().startswith("binance/0") for line in lines)
    assert "a note" in lines


@pytest.mark.parametrize("height", range(1, 12))
def test_frame_never_exceeds_a_small_terminal(board: QuoteBoard, clock: Clock, height: int) -> None:
    for i in range(5):
        board.quote(quote(f"S{i}USDT", bid_price=1.0))
    assert len(lines_of(board, clock, width=20, height=height)) <= height


def test_narrow_terminal_drops_columns_and_never_cuts_a_price(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=63297.123456, ask_price=63298.123456, last_price=63297.5, volume=1234.0))
    text = "\n".join(lines_of(board, clock, width=60))
    assert "63297.123456 63298.123456" in text
    assert "VOLUME" not in text
    assert "live" in text
    assert "6329" not in "\n".join(lines_of(board, clock, width=40)), "rather nothing than a part of a price"


def test_eighty_characters_hold_every_column_of_an_ordinary_pair(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote("DOGEUSDT", bid_price=0.1360391, ask_price=0.1360613, last_price=0.1360444, volume=827e6))
    heading = lines_of(board, clock, width=80)[3].split()
    assert heading == ["SYMBOL", "SOURCE", "BID", "ASK", "LAST", "VOLUME", "AGE", "UPD/S", "STATE"]


def test_eighty_characters_tell_every_price_and_its_source_though_flags_are_many(
    board: QuoteBoard, clock: Clock
) -> None:
    board.status(status("alphavantage"))
    late = quote("AAPL", "alphavantage", last_price=274.3726, volume=32.42e6)
    late.flags.extend([quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED])
    board.quote(late)
    board.quote(quote("BTCUSD", "alphavantage", bid_price=82419.75924696, ask_price=82420.58344867))
    lines = lines_of(board, clock, width=80)
    assert lines[3].split()[:5] == ["SYMBOL", "SOURCE", "BID", "ASK", "LAST"]
    assert "274.3726" in lines[4]
    assert lines[4].endswith(" live DI sim")
    assert max(len(line) for line in lines) <= 80


@pytest.mark.parametrize("width", range(66, 140))
def test_no_flag_is_lost_at_any_width_that_shows_prices(board: QuoteBoard, clock: Clock, width: int) -> None:
    late = quote("AAPL", "alphavantage", bid_price=274.3726, ask_price=274.3, last_price=274.3726, volume=32.42e6)
    late.flags.extend([quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED])
    board.status(status("alphavantage"))
    board.quote(late)
    row = lines_of(board, clock, width=width)[4]
    assert row.endswith((" live DI sim", " live delayed indicative sim"))
    assert len(row) <= width
    board.reset()
    row = lines_of(board, clock, width=width)[4]
    assert row.endswith((" OLD DI SIM", " OLD DELAYED INDICATIVE SIM"))
    snapshot = plain_text(quote_table(board.rows(), width, with_rates=False)).splitlines()
    assert max(len(line) for line in snapshot) <= width, "a snapshot fits its terminal as well"


@pytest.mark.parametrize(
    ("state", "short"),
    [
        ("live delayed indicative sim", "live DI sim"),
        ("live halted sim", "live H sim"),
        ("throttled delayed", "thr D"),
        ("connecting delayed indicative sim", "conn DI sim"),
        ("rejected halted delayed sim", "rej HD sim"),
        ("stale delayed indicative sim", "stale DI sim"),
        ("unknown", "unknown"),
        ("live", "live"),
    ],
)
def test_a_state_has_a_short_form(state: str, short: str) -> None:
    assert short_state(state) == short
    assert len(short) <= SHORT_WIDTH


def test_a_text_is_cut_between_words() -> None:
    text = "failed to connect"
    assert [cut_at_words(text, width) for width in (17, 16, 9, 8, 6, 3, 0)] == [
        *("failed to connect", "failed to", "failed to", "failed", "failed", "fai", ""),
    ]


def heading_of(lines: list[str]) -> str:
    return next(line for line in lines if "SYMBOL" in line)


@pytest.mark.parametrize("width", [70, 80, 90, 100, 110, 130])
def test_columns_stay_where_they_are_while_the_server_is_away(board: QuoteBoard, clock: Clock, width: int) -> None:
    memory = PictureMemory()

    def headings() -> list[str]:
        return [line for line in lines_of(board, clock, memory, width=width) if "STATE" in line]

    late = quote("AAPL", bid_price=274.3, ask_price=274.31, last_price=274.3726, volume=32.42e6)
    late.flags.extend([quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED])
    real = quote("MSFT", bid_price=99.0, last_price=99.5)
    del real.flags[:]
    for one in (late, real):
        board.quote(one)
    board.caught_up()
    before = headings()
    assert len(before) == 2
    board.link.lost("refused")
    for away_s in (1, 10, 100):
        clock.now_s += away_s
        assert headings() == before
    board.connected()
    board.reset()
    for told in (status(state=source_pb2.SOURCE_STATE_CONNECTING), status()):
        board.status(told)
        assert headings() == before
    for one in (real, late):
        board.quote(one)
        assert headings() == before
    board.caught_up()
    clock.now_s += 0.3
    assert headings() == before


def test_a_column_grows_and_shrinks_only_with_the_window_or_when_a_row_leaves(board: QuoteBoard, clock: Clock) -> None:
    memory = PictureMemory()
    board.quote(quote(bid_price=1.0))
    narrow = heading_of(lines_of(board, clock, memory))
    board.quote(quote(revision=2, bid_price=123456789.0))
    wide = heading_of(lines_of(board, clock, memory))
    assert len(wide) > len(narrow)
    board.quote(quote(revision=3, bid_price=1.0))
    assert heading_of(lines_of(board, clock, memory)) == wide
    assert heading_of(lines_of(board, clock, memory, width=150)) == narrow, "the window has another size"
    board.quote(quote("ETHUSDT", bid_price=123456789.0))
    assert heading_of(lines_of(board, clock, memory, width=150)) == wide
    reset_without(board, status())
    board.quote(quote(bid_price=1.0))
    clock.now_s += 6
    assert heading_of(lines_of(board, clock, memory, width=150)) == narrow, "the wide row has left"


@pytest.mark.parametrize("width", range(37, 110))
def test_the_head_is_never_cut_in_a_word(board: QuoteBoard, clock: Clock, width: int) -> None:
    for number in range(40):
        board.quote(quote(f"S{number}", bid_price=1.0))
    words = "Tickmux 127.0.0.1:50051 connected 40 instruments quotes (40 sim) simulated) UTC 2025-10-09 08:53:20"
    up = lines_of(board, clock, width=width, title="Tickmux 127.0.0.1:50051")[0]
    assert set(up.split()) <= set(words.split())
    board.link.lost("refused")
    down = lines_of(board, clock, width=width, title="Tickmux 127.0.0.1:50051")[0]
    assert down == up.replace("connected", "reconnecting"), "and holds the same while there is no stream"
    assert len(down) <= width


def test_the_reason_is_cut_between_words(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    words = "no stream, trying again: several"
    board.link.lost(words + " words several" * 9)
    reason = lines_of(board, clock, width=80)[2]
    assert len(reason) > 70
    assert set(reason.split()) == {*words.split(), "words"}


def test_narrow_terminal_shows_a_source_in_trouble_with_its_error(board: QuoteBoard, clock: Clock) -> None:
    board.status(
        status(state=source_pb2.SOURCE_STATE_DOWN, last_error="cannot connect: connection refused " + "x" * 99)
    )
    line = lines_of(board, clock, width=80)[-1]
    assert len(line) == 80
    assert "DOWN" in line
    assert "cannot connect: connection refused" in line


def test_stale_row_is_marked_in_plain_text(board: QuoteBoard, clock: Clock) -> None:
    board.quote(quote(bid_price=1.0))
    board.link.lost("refused")
    (row,) = [line for line in lines_of(board, clock) if "BTCUSDT" in line]
    assert row.startswith(STALE_MARK)
    assert row.endswith("UNKNOWN")


def test_unmatched_symbols_are_missing_until_they_appear(board: QuoteBoard) -> None:
    board.unmatched = ("btc/usdt", "ETH*", "ZZZ")
    assert board.missing() == ["btc/usdt", "ETH*", "ZZZ"]
    board.quote(quote("BTCUSDT", bid_price=1.0))
    board.quote(quote("ETHUSDT", bid_price=1.0))
    assert board.missing() == ["ZZZ"]


def test_control_characters_take_no_part_in_the_table() -> None:
    (_, line) = table([Column("A")], [[Cell("x\x1b[2J")]], 80)
    assert plain_text([line]) == "x?[2J"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (63297.7, "63297.7"),
        (63250.0, "63250"),
        (0.00001234, "0.00001234"),
        (1e-8, "0.00000001"),
        (1e22, "10000000000000000000000"),
        (0.1 + 0.2, "0.30000000000000004"),
    ],
)
def test_prices_are_the_shortest_exact_decimal(value: float, text: str) -> None:
    assert decimal_text(value) == text
    assert float(text) == value


def test_figures_read_as_a_person_writes_them() -> None:
    assert price_text(63250.0, 2) == "63250.00"
    assert [volume_text(v) for v in (None, 0.5, 4182.59, 471703.5, 12_345_678.0, 3e9)] == [
        *("-", "0.50", "4.18k", "471.7k", "12.35M", "3.00B"),
    ]
    assert [duration_text(s) for s in (9.94, 9.96)] == ["9.9 s", "10 s"], "never wider than 9.9 s"
    assert [duration_text(s) for s in (None, 0.31, 42.4, 300, 11520, 200_000)] == [
        *("-", "0.3 s", "42 s", "5 min", "3.2 h", "2.3 d"),
    ]
    assert [lag_text(s) for s in (None, 0.0124, -0.003, 2.5)] == ["-", "12 ms", "-3 ms", "2.5 s"]
    assert [rate_text(r) for r in (0.42, 12.4, 1234)] == ["0.4", "12", "1.2k"]
