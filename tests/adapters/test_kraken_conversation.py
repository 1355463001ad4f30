import pytest
from tests.adapters.kraken_talk import QUIET_PROBE_S, SNAPSHOT_TIMEOUT_S, Talk

from tickmux_adapters.errors import VenueError
from tickmux_adapters.model import UNCHANGED

BTC, ETH, XRP = "BTC/USD", "ETH/USD", "XRP/USD"


@pytest.fixture
def talk() -> Talk:
    talk = Talk(BTC, ETH)
    talk.open()
    return talk


def probe(talk: Talk) -> None:
    assert talk.wait(QUIET_PROBE_S) == [("unsubscribe", [BTC]), ("subscribe", [BTC])]
    talk.clock.forward(0.1)


def test_a_probe_whose_subscription_is_lost_is_repeated_while_others_tick(talk: Talk) -> None:
    probe(talk)
    talk.answer([BTC], method="unsubscribe")
    talk.hear('{"Error":"Exceeded msg rate"}')
    talk.quote(ETH, 11.0, 31)
    assert talk.wait(SNAPSHOT_TIMEOUT_S) == [("subscribe", [BTC])]
    talk.answer([BTC])
    talk.quote(BTC, 12.0, 36, kind="snapshot")
    talk.quote(ETH, 13.0, 37)
    assert talk.wait(2 * SNAPSHOT_TIMEOUT_S) == []
    assert talk.bids(BTC) == [10.0, 12.0]


def test_a_probe_that_is_never_answered_breaks_the_chain_while_others_tick(talk: Talk) -> None:
    probe(talk)
    talk.quote(ETH, 11.0, 31)
    assert talk.wait(SNAPSHOT_TIMEOUT_S) == [("subscribe", [BTC])]
    talk.quote(ETH, 12.0, 36)
    assert talk.wait(SNAPSHOT_TIMEOUT_S - 1) == []
    with pytest.raises(VenueError, match="BTC/USD is subscribed but silent"):
        talk.wait(1)


def test_what_was_on_its_way_before_the_subscription_ended_does_not_answer_a_probe(talk: Talk) -> None:
    probe(talk)
    talk.quote(BTC, 11.0, 31)
    talk.answer([BTC], method="unsubscribe")
    assert talk.wait(SNAPSHOT_TIMEOUT_S) == [("subscribe", [BTC])]


def test_a_snapshot_that_repeats_answers_a_probe(talk: Talk) -> None:
    probe(talk)
    talk.answer([BTC], method="unsubscribe")
    talk.answer([BTC])
    talk.quote(BTC, 10.0, 0, kind="snapshot")
    assert talk.wait(3 * SNAPSHOT_TIMEOUT_S) == []
    assert talk.bids(BTC) == [10.0]


def test_a_quoted_instrument_that_is_refused_is_withdrawn_and_asked_for_again_later(talk: Talk) -> None:
    probe(talk)
    talk.answer([BTC], method="unsubscribe")
    talk.refuse(BTC, "Internal error")
    gone = talk.sink.of("BTCUSD")[-1]
    fields = (gone.bid_price, gone.bid_size, gone.ask_price, gone.ask_size, gone.last_price, gone.volume)
    assert fields == (None,) * 6
    assert gone.halted is UNCHANGED
    assert "BTC/USD is refused: Internal error" in talk.health.status().last_error
    for second in range(40, 90, 10):
        talk.quote(ETH, 11.0, second)
        assert talk.wait(10) == []
    talk.quote(ETH, 11.0, 90)
    assert talk.wait(10) == [("subscribe", [BTC])]
    talk.answer([BTC])
    talk.quote(BTC, 12.0, 91)
    assert talk.bids(BTC) == [10.0, None, 12.0]
    assert talk.health.status().last_error == ""


def test_an_instrument_that_was_never_quoted_is_refused_without_an_update() -> None:
    talk = Talk(BTC, ETH)
    talk.listing()
    talk.refuse(BTC)
    assert talk.sink.quotes == []


def test_one_refusal_without_a_symbol_is_that_of_the_one_that_was_asked_for(talk: Talk) -> None:
    probe(talk)
    request = talk.said[-1]["req_id"]
    talk.hear_message(method="subscribe", success=False, error="Unavailable", req_id=request)
    assert talk.wait() == []
    assert talk.bids(BTC) == [10.0, None]


def test_a_rate_complaint_before_everything_was_answered_is_a_pause() -> None:
    talk = Talk(BTC, ETH)
    talk.listing()
    talk.answer([BTC])
    talk.hear('{"Error":"Exceeded msg rate"}')
    with pytest.raises(VenueError, match="Exceeded msg rate") as raised:
        talk.wait()
    assert raised.value.retry_after_s == 10.0


def test_all_that_are_silent_cost_one_connection_and_are_asked_for_together() -> None:
    names = [f"S{number:02d}/USD" for number in range(60)]
    talk = Talk(BTC, *names)
    talk.listing()
    talk.wait()
    talk.answer([BTC])
    talk.quote(BTC, 10.0, 0)
    for name in names:
        talk.clock.forward(0.001)
        talk.answer([name])
    asked = talk.wait(SNAPSHOT_TIMEOUT_S)
    assert [(method, len(symbols)) for method, symbols in asked] == [
        ("unsubscribe", 50),
        ("subscribe", 50),
        ("unsubscribe", 10),
        ("subscribe", 10),
    ]
    with pytest.raises(VenueError, match="S00/USD and 59 more are subscribed but silent"):
        talk.wait(SNAPSHOT_TIMEOUT_S)
    talk.connect()
    talk.listing()
    talk.answer(talk.names)
    talk.quote(BTC, 10.0, 0)
    for second in range(1, 60):
        talk.quote(BTC, 10.0, second)
        assert talk.wait(1) == []
    assert len(talk.wait(1)) == 4


def test_a_clock_that_was_set_back_is_found_out_by_asking(talk: Talk) -> None:
    talk.quote(BTC, 11.0, 600)
    talk.quote(ETH, 11.0, 600)
    talk.clock.forward(60)
    talk.quote(BTC, 12.0, 60)
    talk.quote(ETH, 12.0, 660)
    assert talk.wait(1.9) == []
    assert talk.wait(0.1) == [("unsubscribe", [BTC]), ("subscribe", [BTC])]
    talk.quote(BTC, 13.0, 61)
    talk.answer([BTC], method="unsubscribe")
    talk.answer([BTC])
    talk.quote(BTC, 14.0, 62, kind="snapshot")
    talk.quote(BTC, 15.0, 63)
    assert talk.wait(1) == []
    assert talk.bids(BTC) == [10.0, 11.0, 14.0, 15.0]
    assert talk.health.status().duplicates == 2


def test_a_message_that_was_overtaken_is_skipped_without_a_question(talk: Talk) -> None:
    talk.quote(BTC, 11.0, 20)
    talk.quote(BTC, 10.5, 19)
    talk.clock.forward(1)
    talk.quote(BTC, 12.0, 21)
    assert talk.wait(10) == []
    assert talk.bids(BTC) == [10.0, 11.0, 12.0]


def test_a_doubt_that_nobody_answers_breaks_the_chain(talk: Talk) -> None:
    talk.quote(BTC, 11.0, 600)
    talk.quote(BTC, 12.0, 60)
    talk.wait(2)
    talk.quote(ETH, 12.0, 660)
    assert talk.wait(SNAPSHOT_TIMEOUT_S) == [("subscribe", [BTC])]
    with pytest.raises(VenueError, match="BTC/USD is subscribed but silent"):
        talk.wait(SNAPSHOT_TIMEOUT_S)


def test_a_pair_that_is_listed_again_is_subscribed_anew_and_nothing_old_stands(talk: Talk) -> None:
    talk.listing({BTC: "delisted"}, kind="update")
    assert talk.sink.of("BTCUSD")[-1].halted is True
    talk.quote(ETH, 11.0, 20)
    assert talk.wait(20) == []
    talk.listing({BTC: "online"}, kind="update")
    assert talk.wait() == [("subscribe", [BTC])]
    assert talk.bids(BTC) == [10.0, None]
    assert talk.sink.of("BTCUSD")[-1].halted is False
    talk.answer([BTC])
    talk.quote(BTC, 12.0, 40, kind="snapshot")
    assert talk.bids(BTC) == [10.0, None, 12.0]


def test_a_whole_listing_that_comes_again_tells_of_delisted_and_relisted_pairs(talk: Talk) -> None:
    talk.listing({ETH: "online"})
    assert talk.wait() == []
    talk.listing({BTC: "online", ETH: "online"})
    assert talk.wait() == [("subscribe", [BTC])]
    assert talk.bids(BTC) == [10.0, None]


def test_nothing_is_expected_of_a_pair_that_is_delisted_before_it_spoke() -> None:
    talk = Talk(BTC, ETH)
    talk.listing()
    talk.wait()
    talk.answer([BTC, ETH])
    talk.quote(ETH, 11.0, 20)
    talk.listing({BTC: "delisted"}, kind="update")
    assert talk.wait(QUIET_PROBE_S - 1) == []


def test_a_pair_that_is_listed_as_delisted_is_not_subscribed() -> None:
    talk = Talk(BTC, ETH)
    talk.listing({BTC: "delisted", ETH: "online"})
    assert talk.wait() == [("subscribe", [ETH])]


def successor_of(talk: Talk) -> Talk:
    """The conversation of a second connection beside the first, which the test takes over."""
    talk.conversation = talk.feed.converse()
    talk.conversation.opening()
    talk.conversation.hold()
    talk.listing()
    talk.answer([ETH])
    talk.quote(ETH, 11.0, 40, kind="snapshot")
    return talk


def test_what_a_successor_is_refused_is_withdrawn_when_it_takes_over(talk: Talk) -> None:
    successor = successor_of(talk)
    successor.refuse(BTC)
    assert talk.bids(BTC) == [10.0]
    successor.conversation.release()
    assert talk.bids(BTC) == [10.0, None]
    assert talk.bids(ETH) == [10.0, 11.0]


def test_what_a_successor_never_brings_breaks_the_chain(talk: Talk) -> None:
    successor = successor_of(talk)
    successor.conversation.release()
    assert successor.wait(SNAPSHOT_TIMEOUT_S) == [("subscribe", [BTC])]
    with pytest.raises(VenueError, match="BTC/USD is subscribed but silent"):
        successor.wait(SNAPSHOT_TIMEOUT_S)


def test_a_defect_of_the_sink_is_no_malformed_message(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(BTC)

    def fail(_: object) -> None:
        raise ValueError("no place for it")

    monkeypatch.setattr(talk.sink, "instrument", fail)
    with pytest.raises(ValueError, match="no place for it"):
        talk.listing()
    assert talk.health.malformed == 0


def test_control_messages_that_cannot_be_understood_are_counted(talk: Talk) -> None:
    talk.hear('{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":1}]}}')
    talk.hear('{"channel":"status","type":"update","data":{"system":"online"}}')
    talk.hear('{"channel":"book","type":"update","data":[]}')
    assert talk.health.malformed == 3
