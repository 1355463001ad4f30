import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.scripted_server import live, opening, quote, snapshot_of, status

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2, source_pb2
from tickmux_client import CaughtUp, Conflated, Event, Hole, Quote, Reset, SourceChanged, SourceState, Unmatched
from tickmux_client._sequence import Sequencer


def after(*responses: pb.SubscribeResponse, checks_holes: bool = True) -> tuple[Sequencer, list[Event]]:
    """A sequencer that has received these, and what it said to the last."""
    sequencer, events = Sequencer(checks_holes=checks_holes), []
    for response in responses:
        events = sequencer.receive(response)
    return sequencer, events


def summary(events: list[Event]) -> list[object]:
    """Quotes as (symbol, epoch, revision, gap_before), statuses as their state, everything else as it is."""
    out: list[object] = []
    for event in events:
        match event:
            case Quote():
                out.append((event.symbol, event.epoch, event.revision, event.gap_before))
            case SourceChanged(changed):
                out.append(changed.state)
            case _:
                out.append(event)
    return out


def resumed(*quotes: object) -> pb.SubscribeResponse:
    response = pb.SubscribeResponse(continuity=pb.CONTINUITY_RESUMED, source_statuses=[status()])
    response.quotes.extend(quotes)  # type: ignore[arg-type]
    return response


def catch_up(sequencer: Sequencer, *quotes: object) -> list[Event]:
    response = resumed(*quotes)
    response.caught_up = True
    return [*sequencer.receive(response), *sequencer.settle()]


def test_an_opening_yields_statuses_then_state_then_caught_up() -> None:
    _, events = after(opening(quote("A", 7), quote("B", 1)))
    assert summary(events) == [SourceState.LIVE, ("A", 1, 7, False), ("B", 1, 1, False), CaughtUp()]


def test_a_whole_chain_has_no_gap() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("A", 8), quote("A", 9)))
    assert summary(events) == [("A", 1, 8, False), ("A", 1, 9, False)]


def test_a_missing_revision_is_a_hole_and_the_quote_still_comes() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("A", 10)))
    assert summary(events) == [Hole("binance", "A", 1, expected_revision=8, seen_revision=10), ("A", 1, 10, True)]


def test_an_instrument_that_begins_late_misses_its_first_revisions() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("NEW", 1)), live(quote("LATE", 3)))
    assert summary(events) == [Hole("binance", "LATE", 1, expected_revision=1, seen_revision=3), ("LATE", 1, 3, True)]


def test_a_new_epoch_is_a_gap_but_no_hole() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("A", 1, epoch=2), quote("A", 2, epoch=2)))
    assert summary(events) == [("A", 2, 1, True), ("A", 2, 2, False)]


def test_a_new_epoch_without_its_first_revision_is_a_hole() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("A", 2, epoch=2)))
    assert summary(events) == [Hole("binance", "A", 2, expected_revision=1, seen_revision=2), ("A", 2, 2, True)]


def test_counted_conflation_excuses_a_jump() -> None:
    _, events = after(opening(quote("A", 7)), live(quote("A", 10), conflated=2))
    assert summary(events) == [Conflated(2), ("A", 1, 10, True)]


def test_a_walk_in_several_responses_is_excused_by_the_count_on_the_first() -> None:
    sequencer, _ = after(opening(quote("A", 1), quote("B", 1)), live(quote("A", 5), conflated=6))
    assert summary(sequencer.receive(live(quote("B", 5)))) == [("B", 1, 5, True)]


def test_conflation_excuses_no_more_than_it_counted() -> None:
    _, events = after(opening(quote("A", 1)), live(quote("A", 5), conflated=2))
    assert summary(events) == [
        Conflated(2),
        Hole("binance", "A", 1, expected_revision=2, seen_revision=5),
        ("A", 1, 5, True),
    ]


def test_conflation_excuses_each_instrument_once() -> None:
    sequencer, _ = after(opening(quote("A", 1)), live(quote("A", 3), conflated=9))
    assert Hole("binance", "A", 1, 4, 6) in sequencer.receive(live(quote("A", 6)))


def test_all_jumps_together_are_excused_for_what_was_counted() -> None:
    _, events = after(opening(quote("A", 1), quote("B", 1)), live(quote("A", 4), quote("B", 4), conflated=3))
    assert summary(events) == [
        Conflated(3),
        ("A", 1, 4, True),
        Hole("binance", "B", 1, expected_revision=2, seen_revision=4),
        ("B", 1, 4, True),
    ]


def test_an_instrument_that_came_whole_after_a_count_is_not_excused_later() -> None:
    sequencer, _ = after(opening(quote("A", 1), quote("B", 1)), live(quote("A", 2), conflated=9))
    assert Hole("binance", "A", 1, 3, 5) in sequencer.receive(live(quote("A", 5)))


def test_the_opening_state_has_no_holes() -> None:
    half = opening(quote("A", 3))
    half.caught_up = False
    _, events = after(half, pb.SubscribeResponse(quotes=[quote("A", 9)]))
    assert summary(events) == [("A", 1, 9, True)]


def test_latest_passes_over_updates_by_design() -> None:
    _, events = after(opening(quote("A", 1)), live(quote("A", 9)), checks_holes=False)
    assert summary(events) == [("A", 1, 9, True)]


def test_repeats_after_resuming_are_dropped() -> None:
    sequencer, _ = after(opening(quote("A", 7)))
    sequencer.lost()
    events = sequencer.receive(resumed(quote("A", 6), quote("A", 7), quote("A", 8)))
    assert summary(events) == [SourceState.LIVE, ("A", 1, 8, False)]
    assert sequencer.repeats == 2


def test_a_hole_over_a_resume_is_seen() -> None:
    sequencer, _ = after(opening(quote("A", 7)))
    sequencer.lost()
    assert Hole("binance", "A", 1, 8, 9) in sequencer.receive(resumed(quote("A", 9)))


def test_an_older_epoch_is_dropped() -> None:
    sequencer, events = after(opening(quote("A", 1, epoch=5)), live(quote("A", 99, epoch=4)))
    assert events == []
    assert sequencer.repeats == 1


@pytest.mark.parametrize("continuity", [pb.CONTINUITY_RESET, pb.CONTINUITY_SNAPSHOT, pb.CONTINUITY_UNSPECIFIED])
def test_what_was_known_is_forgotten_on_any_continuity_but_resumed(continuity: pb.Continuity.ValueType) -> None:
    sequencer, _ = after(opening(quote("A", 7, epoch=5)))
    sequencer.lost()
    events = sequencer.receive(pb.SubscribeResponse(continuity=continuity, quotes=[quote("A", 3, epoch=2)]))
    assert isinstance(events[0], Reset)
    assert summary(events[1:]) == [("A", 2, 3, True)]


def test_a_reset_in_the_midst_of_a_stream_opens_a_new_phase() -> None:
    reset = pb.SubscribeResponse(continuity=pb.CONTINUITY_RESET, source_statuses=[status()], quotes=[quote("A", 20)])
    sequencer, events = after(opening(quote("A", 7)), live(quote("A", 8)), reset)
    assert isinstance(events[0], Reset)
    assert summary(events[1:]) == [SourceState.LIVE, ("A", 1, 20, True)]
    # Still the state: an instrument may stand anywhere.
    assert summary(sequencer.receive(pb.SubscribeResponse(quotes=[quote("B", 4)], caught_up=True))) == [
        ("B", 1, 4, True),
        CaughtUp(),
    ]
    assert Hole("binance", "C", 1, 1, 2) in sequencer.receive(live(quote("C", 2)))


def test_an_instrument_that_speaks_only_after_a_reset_may_have_been_missed() -> None:
    sequencer, _ = after(opening(quote("A", 7, epoch=5), quote("QUIET", 1, epoch=5)))
    sequencer.lost()
    sequencer.receive(pb.SubscribeResponse(continuity=pb.CONTINUITY_RESET, source_statuses=[status()], caught_up=True))
    assert summary(sequencer.receive(live(quote("QUIET", 1, epoch=6)))) == [("QUIET", 6, 1, True)]
    assert summary(sequencer.receive(live(quote("QUIET", 2, epoch=6)))) == [("QUIET", 6, 2, False)]


def test_who_had_received_nothing_has_nothing_to_forget() -> None:
    begun = pb.SubscribeResponse(continuity=pb.CONTINUITY_SNAPSHOT, source_statuses=[status()])
    sequencer, _ = after(begun)
    sequencer.lost()
    events = sequencer.receive(opening(quote("A", 7)))
    assert summary(events) == [SourceState.LIVE, ("A", 1, 7, False), CaughtUp()]


def test_who_was_told_that_there_is_nothing_is_told_to_forget_that() -> None:
    sequencer, _ = after(opening())
    sequencer.lost()
    assert isinstance(sequencer.receive(opening(quote("A", 7)))[0], Reset)


def test_missed_updates_of_an_epoch_that_has_ended_are_stale_and_those_of_the_new_one_are_not() -> None:
    sequencer, _ = after(opening(quote("A", 7)))
    sequencer.lost()
    back = resumed(quote("A", 8), quote("A", 1, epoch=2))
    back.source_statuses[0].epoch = 2
    back.caught_up = True
    events = sequencer.receive(back)
    assert summary(events) == [SourceState.LIVE, ("A", 1, 8, False), ("A", 2, 1, True)]
    sequencer.settle()
    assert [event.is_stale for event in events if isinstance(event, Quote)] == [True, False]


def test_repeats_of_an_epoch_that_has_ended_are_dropped_after_a_resume() -> None:
    sequencer, _ = after(opening(quote("A", 7)), live(quote("A", 1, epoch=2), quote("A", 2, epoch=2)))
    sequencer.lost()
    events = sequencer.receive(resumed(quote("A", 8), quote("A", 1, epoch=2), quote("A", 3, epoch=2)))
    assert summary(events) == [SourceState.LIVE, ("A", 2, 3, False)]


def test_a_resume_that_conflates_says_what_it_passed_over() -> None:
    back = resumed(quote("A", 11))
    back.conflated = 3
    for checks_holes in (True, False):
        sequencer, _ = after(opening(quote("A", 7)), checks_holes=checks_holes)
        sequencer.lost()
        assert summary(sequencer.receive(back)) == [SourceState.LIVE, Conflated(3), ("A", 1, 11, True)]


def test_latest_goes_on_with_the_newest_of_what_changed() -> None:
    sequencer, _ = after(opening(quote("A", 7), quote("B", 7)), checks_holes=False)
    sequencer.lost()
    assert summary(sequencer.receive(resumed(quote("A", 20)))) == [SourceState.LIVE, ("A", 1, 20, True)]


def test_what_was_conflated_before_a_cut_excuses_no_hole_after_it() -> None:
    sequencer, _ = after(opening(quote("A", 1), quote("B", 1)), live(quote("A", 3), conflated=9))
    sequencer.lost()
    assert Hole("binance", "B", 1, 2, 4) in sequencer.receive(resumed(quote("B", 4)))


def after_snapshot(*quotes: quote_pb2.Quote) -> Sequencer:
    return Sequencer(checks_holes=True, continues=True, after=snapshot_of(*quotes, token="t"))


def test_after_a_snapshot_nothing_is_repeated_and_nothing_is_missed() -> None:
    # B stands on a later page, which was served when B had gone on; the token stands at the first.
    sequencer = after_snapshot(quote("A", 7), quote("B", 9))
    events = sequencer.receive(resumed(quote("B", 8), quote("A", 8), quote("B", 9), quote("B", 10), quote("NEW", 1)))
    assert summary(events) == [
        SourceState.LIVE, ("A", 1, 8, False), ("B", 1, 10, False), ("NEW", 1, 1, False),
    ]  # fmt: skip
    assert sequencer.repeats == 2


def test_quotes_of_a_snapshot_follow_the_stream_that_goes_on_after_it() -> None:
    flagged = quote("B", 9)
    flagged.flags.append(quote_pb2.QUOTE_FLAG_STALE)
    taken = snapshot_of(quote("A", 7), flagged, token="t")
    sequencer = Sequencer(checks_holes=True, continues=True, after=taken)
    assert [held.is_stale for held in taken.quotes] == [False, True]
    catch_up(sequencer)
    assert [held.is_stale for held in taken.quotes] == [False, False]
    sequencer.receive(pb.SubscribeResponse(source_statuses=[status(source_pb2.SOURCE_STATE_DOWN)]))
    assert [held.is_stale for held in taken.quotes] == [True, True]
    sequencer.lost()
    catch_up(sequencer)
    assert [held.is_stale for held in taken.quotes] == [False, False]
    sequencer.receive(pb.SubscribeResponse(continuity=pb.CONTINUITY_RESET, source_statuses=[status()]))
    assert [held.is_stale for held in taken.quotes] == [True, True]


def test_a_hole_between_a_snapshot_and_its_stream_is_seen() -> None:
    events = after_snapshot(quote("A", 7)).receive(resumed(quote("A", 9), quote("NEW", 2)))
    assert [event for event in events if isinstance(event, Hole)] == [
        Hole("binance", "A", 1, 8, 9),
        Hole("binance", "NEW", 1, 1, 2),
    ]


@pytest.mark.parametrize("continuity", [pb.CONTINUITY_RESET, pb.CONTINUITY_SNAPSHOT])
def test_a_snapshot_that_cannot_be_gone_on_from_is_forgotten(continuity: pb.Continuity.ValueType) -> None:
    anew = opening(quote("A", 3))
    anew.continuity = continuity
    reset, *events = after_snapshot(quote("A", 7, epoch=5)).receive(anew)
    assert isinstance(reset, Reset)
    assert summary(events) == [SourceState.LIVE, ("A", 1, 3, True), CaughtUp()]


def test_a_token_from_elsewhere_that_is_not_honoured_is_a_reset() -> None:
    sequencer = Sequencer(checks_holes=True, continues=True)
    assert isinstance(sequencer.receive(opening(quote("A", 7)))[0], Reset)


def test_a_token_from_elsewhere_may_go_on_anywhere() -> None:
    sequencer = Sequencer(checks_holes=True, continues=True)
    first = sequencer.receive(resumed(quote("A", 7)))
    assert summary(first) == [SourceState.LIVE, ("A", 1, 7, False)]
    sequencer.receive(pb.SubscribeResponse(caught_up=True))
    assert summary(sequencer.receive(live(quote("B", 4)))) == [("B", 1, 4, False)]
    assert Hole("binance", "A", 1, 8, 9) in sequencer.receive(live(quote("A", 9)))


def test_the_same_symbol_of_two_sources_is_two_instruments() -> None:
    kraken = quote("A", 1, source="kraken")
    _, events = after(opening(quote("A", 7), kraken), live(quote("A", 8), quote("A", 2, source="kraken")))
    assert summary(events) == [("A", 1, 8, False), ("A", 1, 2, False)]


def test_a_status_is_news_only_if_more_than_counters_changed() -> None:
    sequencer, _ = after(opening())
    assert sequencer.receive(pb.SubscribeResponse(source_statuses=[status(messages=5)])) == []
    down = status(source_pb2.SOURCE_STATE_DOWN)
    assert summary(sequencer.receive(pb.SubscribeResponse(source_statuses=[down]))) == [SourceState.DOWN]
    down.last_error = "refused"
    assert summary(sequencer.receive(pb.SubscribeResponse(source_statuses=[down]))) == [SourceState.DOWN]


def test_unmatched_symbols_are_told_once() -> None:
    first = pb.SubscribeResponse(continuity=pb.CONTINUITY_SNAPSHOT, unmatched=["NOPE"], caught_up=True)
    sequencer, events = after(first)
    assert events == [Unmatched(("NOPE",)), CaughtUp()]
    sequencer.lost()
    again = sequencer.receive(pb.SubscribeResponse(continuity=pb.CONTINUITY_SNAPSHOT, unmatched=["NOPE"]))
    assert [type(event) for event in again] == [Reset]


def only_quote(events: list[Event]) -> Quote:
    (found,) = [event for event in events if isinstance(event, Quote)]
    return found


def test_a_quote_turns_stale_when_its_source_does_and_fresh_again() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    held = only_quote(events)
    assert not held.is_stale
    for state, stale in (
        (source_pb2.SOURCE_STATE_STALE, True),
        (source_pb2.SOURCE_STATE_LIVE, False),
        (source_pb2.SOURCE_STATE_DOWN, True),
        (source_pb2.SOURCE_STATE_THROTTLED, False),
        (source_pb2.SOURCE_STATE_UNKNOWN, True),
    ):
        sequencer.receive(pb.SubscribeResponse(source_statuses=[status(state)]))
        assert held.is_stale is stale, state


def test_the_quote_of_a_quiet_symbol_is_stale_once_its_channel_begins_a_new_epoch() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.receive(pb.SubscribeResponse(source_statuses=[status(epoch=2)]))
    assert only_quote(events).is_stale


def test_another_channel_or_source_says_nothing_about_a_quote() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.receive(
        pb.SubscribeResponse(
            source_statuses=[
                status(source_pb2.SOURCE_STATE_DOWN, channel="1"),
                status(source_pb2.SOURCE_STATE_DOWN, source="kraken"),
            ]
        )
    )
    assert not only_quote(events).is_stale


def test_a_quote_without_a_status_is_stale() -> None:
    _, events = after(opening(quote("A", 7, source="unheard")))
    assert only_quote(events).is_stale


def test_a_cut_makes_every_quote_stale_until_the_missed_updates_have_come() -> None:
    sequencer, events = after(opening(quote("A", 7), quote("B", 1)))
    kept = [event for event in events if isinstance(event, Quote)]
    sequencer.lost()
    assert [held.is_stale for held in kept] == [True, True]
    for response in (resumed(quote("A", 8)), live(quote("A", 9))):
        kept.append(only_quote(sequencer.receive(response)))
        assert all(held.is_stale for held in kept)
        assert not sequencer.is_settling
    last = live(quote("B", 2))
    last.caught_up = True
    kept.append(only_quote(sequencer.receive(last)))
    # Its events are yet to be given away.
    assert sequencer.is_settling
    assert all(held.is_stale for held in kept)
    assert sequencer.settle() == [CaughtUp()]
    assert not any(held.is_stale for held in kept)
    assert not only_quote(sequencer.receive(live(quote("A", 10)))).is_stale


def test_news_of_a_source_counts_while_missed_updates_come_in() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.lost()
    sequencer.receive(resumed())
    down = pb.SubscribeResponse(source_statuses=[status(source_pb2.SOURCE_STATE_DOWN)], caught_up=True)
    assert summary(sequencer.receive(down)) == [SourceState.DOWN]
    assert sequencer.settle() == [CaughtUp()]
    assert only_quote(events).is_stale


@pytest.mark.parametrize("is_complete", [False, True])
def test_a_cut_among_missed_updates_leaves_every_quote_stale(*, is_complete: bool) -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.lost()
    response = resumed(quote("A", 8))
    response.caught_up = is_complete
    events += sequencer.receive(response)
    sequencer.lost()
    assert not sequencer.is_settling
    events += sequencer.receive(opening(quote("A", 20)))
    assert [event.is_stale for event in events if isinstance(event, Quote)] == [True, True, False]


def test_a_reset_among_missed_updates_begins_anew() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.lost()
    sequencer.receive(resumed())
    reset = opening(quote("A", 9))
    reset.continuity = pb.CONTINUITY_RESET
    events += sequencer.receive(reset)
    assert isinstance(events[-1], CaughtUp)
    assert [event.is_stale for event in events if isinstance(event, Quote)] == [True, False]


def test_a_quote_from_before_a_new_phase_stays_stale() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    sequencer.lost()
    fresh = only_quote(sequencer.receive(opening(quote("A", 9))))
    assert only_quote(events).is_stale
    assert not fresh.is_stale


def test_a_quote_from_before_a_reset_stays_stale_though_its_source_is_live() -> None:
    sequencer, events = after(opening(quote("A", 7)))
    reset = opening(quote("A", 9))
    reset.continuity = pb.CONTINUITY_RESET
    assert not only_quote(sequencer.receive(reset)).is_stale
    assert only_quote(events).is_stale


# A naive model: the list of everything that was published, and what of it the stream delivered.

Entry = tuple[str, int, int]
"""Symbol, epoch, revision."""


class Market:
    """Publishes revisions of three instruments, and delivers, repeats, conflates or loses them."""

    def __init__(self) -> None:
        self.published: list[Entry] = []
        self.heads: dict[str, Entry] = {}

    def publish(self, symbol: str, *, new_epoch: bool = False) -> Entry:
        _, epoch, revision = self.heads.get(symbol, (symbol, 1, 0))
        entry = (symbol, epoch + 1, 1) if new_epoch else (symbol, epoch, revision + 1)
        self.heads[symbol] = entry
        self.published.append(entry)
        return entry

    def play(
        self, fate: str, entries: list[Entry], seen: list[Entry]
    ) -> tuple[list[Entry], list[pb.SubscribeResponse]]:
        """What the stream makes of new entries: those that it delivers for the first time, and its responses."""
        if fate == "deliver":
            return entries, [live(*quotes(entries))]
        if fate == "resume":
            return entries, [resumed(*quotes(seen), *quotes(entries))]
        if fate == "lose":
            return [], []
        if fate == "conflate":
            # The count comes first, then a response for each chunk of the walk.
            latest = [entry for entry in entries if entry == self.heads[entry[0]]]
            count = live(conflated=len(entries) - len(latest))
            return latest, [count, *(live(*quotes([entry])) for entry in latest)]
        state = list(self.heads.values())
        response = opening(*quotes(state))
        response.continuity = pb.CONTINUITY_RESET
        return state, [response]

    def missed(self, before: Entry | None, entry: Entry) -> bool:
        """Whether anything of the instrument was published between the two."""
        chain = [published for published in self.published if published[0] == entry[0]]
        return chain.index(entry) != (0 if before is None else chain.index(before) + 1)


def quotes(entries: list[Entry]) -> list[quote_pb2.Quote]:
    return [quote(symbol, revision, epoch=epoch) for symbol, epoch, revision in entries]


UPDATES = st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.booleans()), max_size=6)
STEPS = st.lists(st.tuples(UPDATES, st.sampled_from(["deliver", "lose", "conflate", "resume", "reset"])), max_size=12)


@given(STEPS)
def test_no_loss_goes_untold_and_none_is_invented(steps: list[tuple[list[tuple[str, bool]], str]]) -> None:
    market = Market()
    sequencer = Sequencer(checks_holes=True)
    seen = {symbol: market.publish(symbol) for symbol in ("A", "B")}
    sequencer.receive(opening(*quotes(list(seen.values()))))
    was_reset = False
    lossless = True
    conflated = False

    for updates, fate in steps:
        entries = [market.publish(symbol, new_epoch=new_epoch) for symbol, new_epoch in updates]
        delivered, responses = market.play(fate, entries, list(seen.values()))
        if fate == "resume":
            sequencer.lost()
        events = [event for response in responses for event in sequencer.receive(response)]
        lossless = lossless and fate != "lose"
        conflated = (conflated or fate == "conflate") and fate != "reset"
        if fate == "reset":
            seen = {}
            lossless = was_reset = True

        yielded = [event for event in events if isinstance(event, Quote)]
        assert [(event.symbol, event.epoch, event.revision) for event in yielded] == delivered
        holes = {(hole.symbol, hole.epoch, hole.seen_revision) for hole in events if isinstance(hole, Hole)}
        if lossless:
            assert not holes
        for event, entry in zip(yielded, delivered, strict=True):
            before = seen.get(event.symbol)
            seen[event.symbol] = entry
            same_epoch = before is not None and before[1] == event.epoch
            expected = before[2] + 1 if before is not None and same_epoch else 1
            if fate == "reset":
                assert event.gap_before
            elif before is None:
                # Of epochs that ended before the first quote nothing can be known.
                assert event.gap_before is (event.revision > 1 or was_reset)
            else:
                assert event.gap_before is (not same_epoch or market.missed(before, entry))
            if fate != "reset" and not conflated:
                assert (entry in holes) is (event.revision != expected)
