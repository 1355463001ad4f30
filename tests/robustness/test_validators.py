"""Each validator on records written by hand: what is as promised passes, and counts; what is not is named."""

from collections.abc import Callable

import pytest
from tests.robustness.crowd import CROWD, FREEZABLE
from tests.robustness.kinds import EVERYTHING, Kind
from tests.robustness.records import (
    Answered,
    Asked,
    FaultFired,
    Health,
    LibraryEvent,
    LibraryQuote,
    Memory,
    Paused,
    ServerEnded,
    SnapshotTaken,
    Stated,
    StoodStill,
    ToldQuote,
)
from tests.robustness.script import EPOCH, NS_PER_S, Script
from tests.robustness.validators import VALIDATORS
from tests.robustness.validators.tally import Tally

LATEST = Asked(delivery="LATEST")


def started(*kinds: Kind, asked: Asked = EVERYTHING) -> Script:
    """A client that has caught up with BTC at 2 and ETH at 1."""
    script = Script(*kinds)
    script.life()
    script.publish("BTC", 1, 2)
    script.publish("ETH", 1)
    script.call(asked=asked)
    script.snapshot({"BTC": 2, "ETH": 1}, token="start")
    return script


def answered(got: str) -> Answered:
    """What came of garbage, well after the server had begun."""
    return Answered(3 * NS_PER_S, 3 * NS_PER_S, "garbage", ("INVALID_ARGUMENT",), got)


def clean() -> Script:
    """A whole life of a client: state, live, conflation, resumption in time and too late, the end of the server."""
    script = started(Kind(name="client", is_prompt=False))
    script.publish("BTC", 3)
    script.told([("BTC", 3)], token="at 3")
    script.publish("BTC", 4, 5, 6)
    script.told([("BTC", 6)], conflated=2, token="at 6")
    script.told(state="LIVE", token="at 6")
    script.end()
    script.publish("ETH", 2)
    script.call(token="at 6")
    script.told([("ETH", 2)], continuity="RESUMED", caught_up=True, token="eth 2")
    script.end()
    script.publish("BTC", 7)
    script.wait(2.0)
    script.call(token="eth 2")
    script.told([("BTC", 7), ("ETH", 2)], continuity="RESET", caught_up=True, token="end")
    told_ns = script.now_ns
    script.told(going_away=True, token="end")
    script.end("UNAVAILABLE", reason="GOING_AWAY", retry_s=1.0)
    script.lines += [
        ServerEnded(script.now_ns, told_ns, "SIGTERM", 0),
        Health(script.now_ns, "before", 1.0, ()),
        Memory(script.now_ns, 1, 50 << 20),
        answered("INVALID_ARGUMENT"),
        LibraryEvent(NS_PER_S, "library", "Reset", ""),
    ]
    return script


def test_a_run_as_promised_has_no_violation_and_something_to_check_for_nearly_everyone() -> None:
    history = clean().history()
    tallies = {name: check(history) for name, check in VALIDATORS.items()}
    assert [str(violation) for tally in tallies.values() for violation in tally.violations] == []
    assert [name for name, tally in tallies.items() if not tally.checks] == [
        "silence",
        "stalls",
        "deliveries",
        "log",
    ]


def lacks_an_instrument(script: Script) -> None:
    script.end()
    script.call()
    script.snapshot({"ETH": 1})


def begins_late_behind_the_state(script: Script) -> None:
    script.publish("BTC", 3, 4)
    script.told([("BTC", 4)])


def goes_back(script: Script) -> None:
    script.publish("BTC", 3)
    script.told([("BTC", 3)])
    script.told([("BTC", 2)])


def loses_one(script: Script) -> None:
    script.publish("BTC", 3, 4, 5)
    script.told([("BTC", 3)])
    script.told([("BTC", 5)])


def loses_the_last_of_all(script: Script) -> None:
    script.publish("BTC", 3)
    script.wait(2.0)
    script.told(state="LIVE")


def loses_more_than_it_says(script: Script) -> None:
    script.publish("BTC", 3, 4, 5, 6)
    script.told([("BTC", 3)])
    script.told([("BTC", 6)], conflated=1)


def resumes_one_too_far(script: Script) -> None:
    script.end()
    script.publish("BTC", 3, 4)
    script.call(token="start")
    script.told([("BTC", 4)], continuity="RESUMED", caught_up=True)


def resumes_and_leaves_out_the_end(script: Script) -> None:
    script.end()
    script.publish("BTC", 3)
    script.publish("ETH", 2)
    script.call(token="start")
    script.told([("BTC", 3)], continuity="RESUMED", caught_up=True)


def resumes_with_the_token_of_another_life(script: Script) -> None:
    script.end()
    script.life("another")
    script.publish("BTC", 1, epoch=EPOCH + 1)
    script.call(token="start")
    script.told([("BTC", 1)], epoch=EPOCH + 1, continuity="RESUMED", caught_up=True)


def resumes_with_the_token_of_another_selection(script: Script) -> None:
    script.end()
    script.publish("BTC", 3)
    script.call(asked=Asked(symbols=("BTC",)), token="start")
    script.told([("BTC", 3)], continuity="RESUMED", caught_up=True)


def resets_though_all_was_kept(script: Script) -> None:
    script.end()
    script.publish("BTC", 3)
    script.call(token="start")
    script.told([("BTC", 3), ("ETH", 1)], continuity="RESET", caught_up=True)


def conflates_one_that_reads(script: Script) -> None:
    script.publish("BTC", 3, 4)
    script.told([("BTC", 4)], conflated=1)


def grows_without_end(script: Script) -> None:
    script.lines += [Memory(script.now_ns, 1, 50 << 20), Memory(script.now_ns, 1, 500 << 20)]


def serves_a_dead_slot_as_fresh(script: Script) -> None:
    script.end()
    script.call()
    script.snapshot({"BTC": 2, "ETH": 1}, state="DOWN")


def serves_a_live_slot_as_stale(script: Script) -> None:
    script.end()
    script.call()
    script.snapshot({"BTC": 2, "ETH": 1}, is_stale=True)


def tells_an_old_epoch_live(script: Script) -> None:
    script.publish("BTC", 3, epoch=EPOCH - 1)
    script.told([("BTC", 3)], epoch=EPOCH - 1)


def says_nothing_of_a_silent_venue(script: Script) -> None:
    began_ns = script.now_ns
    for _ in range(5):
        script.wait(1.0)
        script.told(state="LIVE")
    script.lines.append(FaultFired(began_ns, script.now_ns, "venue-freeze", "binance"))


def does_not_come_back(script: Script) -> None:
    script.lines.append(Health(script.now_ns, "after", 20.0, ("fast is not caught up",)))


def is_still_in_the_epoch_of_before_the_cut(script: Script) -> None:
    script.lines.append(FaultFired(script.now_ns, script.now_ns, "venue-cut", "binance"))
    script.append(Stated("binance", "0", "LIVE", EPOCH, 2))


def lives_for_ever(script: Script) -> None:
    script.wait(1_000.0)
    script.told(state="LIVE")


def does_not_end_who_stalls(script: Script) -> None:
    began_ns = script.now_ns
    for revision in range(3, 3_000):
        script.publish("BTC", revision)
    script.wait(5.0)
    script.lines.append(Paused(began_ns, script.now_ns, "client", 0))
    script.end()


def falls_silent(script: Script) -> None:
    script.wait(4.0)
    script.told(state="LIVE")


def fails_on_sigterm(script: Script) -> None:
    script.lines.append(ServerEnded(script.now_ns, script.now_ns, "SIGTERM", 1))


def conflates_by_one_too_many(script: Script) -> None:
    script.publish("BTC", 3, 4)
    script.told([("BTC", 4)], conflated=2)
    script.told(state="LIVE")


def conflates_by_one_too_few(script: Script) -> None:
    script.publish("BTC", 3, 4, 5)
    script.told([("BTC", 5)], conflated=1)


def has_caught_up_too_early(script: Script) -> None:
    script.end()
    script.call()
    script.snapshot({"BTC": 2})
    script.told([("ETH", 1)])


def has_caught_up_twice(script: Script) -> None:
    script.told(caught_up=True)


def gives_a_token_too_early(script: Script) -> None:
    script.end()
    script.call()
    script.told([("BTC", 2)], continuity="SNAPSHOT", token="early")
    script.told([("ETH", 1)], caught_up=True)


def gives_no_token(script: Script) -> None:
    script.told(token="")


def opens_without_a_phase(script: Script) -> None:
    script.end()
    script.call()
    script.told()


def opens_without_statuses(script: Script) -> None:
    script.append(Stated("kraken", "0", "DOWN", 0, 1), Stated("consolidated", "0", "LIVE", EPOCH, 1))
    script.end()
    script.call()
    script.snapshot({"BTC": 2, "ETH": 1})


def invents_a_quote(script: Script) -> None:
    script.told([("BTC", 99)])


def tells_what_was_not_asked_for(script: Script) -> None:
    script.end()
    script.call(asked=Asked(symbols=("ETH",)))
    script.snapshot({"BTC": 2, "ETH": 1})


def goes_on_after_going_away(script: Script) -> None:
    script.told(going_away=True)
    script.told()


def goes_away_without_a_reason(script: Script) -> None:
    script.told(going_away=True)
    script.end("UNAVAILABLE")


def ends_without_a_word(script: Script) -> None:
    script.wait(1.0)
    script.lines.append(ServerEnded(script.now_ns + NS_PER_S, script.now_ns, "SIGTERM", 0))
    script.wait(0.1)
    script.end("UNAVAILABLE")


def accepts_garbage(script: Script) -> None:
    script.lines.append(answered("served"))


def sees_a_hole(script: Script) -> None:
    script.lines.append(LibraryEvent(NS_PER_S, "library", "Hole", "Hole(…)"))


def yields(script: Script, *revisions: int, gap_before: bool = False) -> None:
    for revision in revisions:
        script.lines.append(LibraryQuote(NS_PER_S, "library", "binance", "BTC", EPOCH, revision, gap_before))


def yields_one_twice(script: Script) -> None:
    yields(script, 1, 2, 2)


def yields_too_little_and_does_not_say_so(script: Script) -> None:
    yields(script, 1, 2, 4)


BROKEN: dict[Callable[[Script], None], str] = {
    lacks_an_instrument: "snapshot",
    begins_late_behind_the_state: "snapshot",
    goes_back: "order",
    loses_one: "loss",
    loses_the_last_of_all: "loss",
    loses_more_than_it_says: "loss",
    resumes_one_too_far: "resume",
    resumes_and_leaves_out_the_end: "resume",
    resumes_with_the_token_of_another_life: "resume",
    resumes_with_the_token_of_another_selection: "resume",
    resets_though_all_was_kept: "resume",
    conflates_one_that_reads: "isolation",
    grows_without_end: "isolation",
    serves_a_dead_slot_as_fresh: "freshness",
    serves_a_live_slot_as_stale: "freshness",
    tells_an_old_epoch_live: "freshness",
    says_nothing_of_a_silent_venue: "silence",
    does_not_come_back: "recovery",
    is_still_in_the_epoch_of_before_the_cut: "recovery",
    lives_for_ever: "bounds",
    falls_silent: "bounds",
    fails_on_sigterm: "bounds",
    conflates_by_one_too_many: "conflated",
    conflates_by_one_too_few: "conflated",
    has_caught_up_too_early: "caught-up",
    has_caught_up_twice: "caught-up",
    gives_a_token_too_early: "tokens",
    gives_no_token: "tokens",
    opens_without_a_phase: "tokens",
    opens_without_statuses: "tokens",
    invents_a_quote: "content",
    tells_what_was_not_asked_for: "content",
    goes_on_after_going_away: "drain",
    goes_away_without_a_reason: "drain",
    ends_without_a_word: "drain",
    accepts_garbage: "codes",
    sees_a_hole: "library",
    yields_one_twice: "library",
    yields_too_little_and_does_not_say_so: "library",
}


@pytest.mark.parametrize("happens", BROKEN, ids=lambda happens: happens.__name__)
def test_what_is_not_as_promised_is_named(happens: Callable[[Script], None]) -> None:
    script = started()
    happens(script)
    assert VALIDATORS[BROKEN[happens]](script.history()).violations


def test_who_stalls_past_the_write_deadline_must_be_ended() -> None:
    script = started(Kind(name="client", is_prompt=False, stall_after_s=(0.0, 0.0)))
    does_not_end_who_stalls(script)
    assert VALIDATORS["stalls"](script.history()).violations


def test_latest_may_skip_but_repeats_nothing_in_one_response() -> None:
    script = started(asked=LATEST)
    script.publish("BTC", 3, 4, 5)
    script.told([("BTC", 5)], conflated=2)
    assert not VALIDATORS["loss"](script.history()).violations
    script.told([("ETH", 1), ("ETH", 1)])
    assert VALIDATORS["deliveries"](script.history()).violations


def test_the_library_may_miss_what_it_says_it_missed_and_begin_anew_after_a_reset() -> None:
    script = started()
    yields(script, 1, 2)
    yields(script, 5, gap_before=True)
    script.lines.append(LibraryEvent(NS_PER_S, "library", "Reset", "Reset(…)"))
    yields(script, 5, 6)
    tally = VALIDATORS["library"](script.history())
    assert (tally.checks, tally.violations) == (4, [])


def after_a_snapshot(*first: tuple[str, int]) -> Script:
    """A call that goes on from a snapshot of two pages, with BTC at 2 on the first and ETH at 2 on the second."""
    script = started()
    script.end()
    began_ns = script.now_ns
    script.publish("ETH", 2)
    quotes = tuple(ToldQuote("binance", name, "0", EPOCH, 2, f"{name}{EPOCH}/2", False) for name in ("BTC", "ETH"))
    script.lines.append(SnapshotTaken(began_ns, "client", EVERYTHING, "of a snapshot", quotes))
    script.publish("BTC", 3)
    script.publish("ETH", 3)
    script.call(token="of a snapshot")
    script.told(first, continuity="RESUMED", caught_up=True)
    return script


@pytest.mark.parametrize(
    ("first", "is_clean"),
    [
        # Between the pages ETH got on: it stands for the moment of the first.
        ([("ETH", 2), ("BTC", 3), ("ETH", 3)], True),
        ([("BTC", 3), ("ETH", 3)], True),
        ([("BTC", 3)], False),
    ],
)
def test_a_stream_goes_on_from_a_snapshot(first: list[tuple[str, int]], *, is_clean: bool) -> None:
    history = after_a_snapshot(*first).history()
    assert (not VALIDATORS["resume"](history).violations) is is_clean
    assert not VALIDATORS["content"](history).violations


def test_a_traceback_in_the_log_is_named() -> None:
    script = started()
    script.server_log = ["INFO listening", "ERROR it failed | Traceback (most recent call last): | …"]
    tally = VALIDATORS["log"](script.history())
    assert (tally.checks, len(tally.violations)) == (2, 1)


def test_all_or_end_passes_nothing_over() -> None:
    script = started(asked=Asked(delivery="ALL_OR_END"))
    conflates_one_that_reads(script)
    assert VALIDATORS["deliveries"](script.history()).violations


@pytest.mark.parametrize(("apart_s", "is_clean"), [(0.5, True), (0.1, False)])
def test_a_pace_is_kept(apart_s: float, *, is_clean: bool) -> None:
    script = started(asked=Asked(min_interval_s=0.4))
    script.publish("BTC", 3, 4)
    script.told([("BTC", 3)])
    script.wait(apart_s)
    script.told([("BTC", 4)])
    tally = VALIDATORS["deliveries"](script.history())
    assert tally.checks == 1
    assert (not tally.violations) is is_clean


def test_nobody_is_blamed_for_what_a_process_without_a_processor_did_not_read() -> None:
    script = started()
    conflates_one_that_reads(script)
    script.lines.append(StoodStill(0, script.now_ns, FREEZABLE))
    assert VALIDATORS["isolation"](script.history()).violations
    script.lines.append(StoodStill(0, script.now_ns, CROWD))
    assert VALIDATORS["isolation"](script.history()) == Tally()


def test_a_token_that_stands_on_several_responses_stands_for_the_first() -> None:
    script = started(asked=LATEST)
    script.publish("BTC", 3)
    script.publish("ETH", 2)
    # A walk that passes updates over is cut in two: what it sends first may come again.
    script.told([("BTC", 3)], token="start")
    script.end()
    script.publish("BTC", 4)
    script.call(asked=LATEST, token="start")
    script.told([("ETH", 2), ("BTC", 4)], continuity="RESUMED", caught_up=True, conflated=1)
    history = script.history()
    assert not VALIDATORS["resume"](history).violations
    assert not VALIDATORS["conflated"](history).violations
