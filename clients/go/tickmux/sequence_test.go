package tickmux

import (
	"testing"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

var (
	quote     = scripted.Quote
	quoteOf   = scripted.QuoteOf
	opening   = scripted.Opening
	live      = scripted.Live
	resumed   = scripted.Resumed
	conflated = scripted.Conflated
)

const (
	isLive      = pb.SourceState_SOURCE_STATE_LIVE
	isDown      = pb.SourceState_SOURCE_STATE_DOWN
	isStale     = pb.SourceState_SOURCE_STATE_STALE
	isThrottled = pb.SourceState_SOURCE_STATE_THROTTLED
	isUnknown   = pb.SourceState_SOURCE_STATE_UNKNOWN
)

// cut stands for a cut between two responses.
var cut *pb.SubscribeResponse

// play feeds a sequencer, and hands all out; it returns what that said to the last response.
func play(subject *sequencer, responses ...*pb.SubscribeResponse) []Event {
	var events []Event
	for _, response := range responses {
		if response == cut {
			subject.lost()
		} else {
			events = subject.receive(response, nil)
			if subject.isSettling {
				events = append(events, subject.settle())
			}
		}
	}
	return events
}

func fresh() *sequencer { return newSequencer(true, false, nil) }

func with(response *pb.SubscribeResponse, change func(*pb.SubscribeResponse)) *pb.SubscribeResponse {
	change(response)
	return response
}

func reset(quotes ...*pb.Quote) *pb.SubscribeResponse {
	return with(scripted.Reset("", quotes...), func(r *pb.SubscribeResponse) { r.CaughtUp = false })
}

func notComplete(response *pb.SubscribeResponse) *pb.SubscribeResponse {
	return with(response, func(r *pb.SubscribeResponse) { r.CaughtUp = false })
}

func TestSequence(t *testing.T) {
	type responses = []*pb.SubscribeResponse
	for name, c := range map[string]struct {
		play responses
		last []string
	}{
		"an opening yields statuses, then the state, then caught up": {
			responses{opening("", quote("A", 7), quote("B", 1))}, []string{"LIVE", "A 1/7", "B 1/1", "caught up"},
		},
		"a whole chain has no gap": {
			responses{opening("", quote("A", 7)), live("", quote("A", 8), quote("A", 9))}, []string{"A 1/8", "A 1/9"},
		},
		"a missing revision is a hole and the quote still comes": {
			responses{opening("", quote("A", 7)), live("", quote("A", 10))}, []string{"hole A 1/10, not 8", "gap, A 1/10"},
		},
		"an instrument that begins late misses its first revisions": {
			responses{opening("", quote("A", 7)), live("", quote("NEW", 1), quote("LATE", 3))},
			[]string{"NEW 1/1", "hole LATE 1/3, not 1", "gap, LATE 1/3"},
		},
		"a new epoch is a gap but no hole": {
			responses{opening("", quote("A", 7)), live("", quoteOf("A", 2, 1), quoteOf("A", 2, 2))},
			[]string{"gap, A 2/1", "A 2/2"},
		},
		"a new epoch without its first revision is a hole": {
			responses{opening("", quote("A", 7)), live("", quoteOf("A", 2, 2))},
			[]string{"hole A 2/2, not 1", "gap, A 2/2"},
		},
		"counted conflation excuses a jump": {
			responses{opening("", quote("A", 7)), conflated(2, quote("A", 10))}, []string{"conflated 2", "gap, A 1/10"},
		},
		"a walk in several responses is excused by the count on the first": {
			responses{opening("", quote("A", 1), quote("B", 1)), conflated(6, quote("A", 5)), live("", quote("B", 5))},
			[]string{"gap, B 1/5"},
		},
		"conflation excuses no more than it counted": {
			responses{opening("", quote("A", 1)), conflated(2, quote("A", 5))},
			[]string{"conflated 2", "hole A 1/5, not 2", "gap, A 1/5"},
		},
		"conflation excuses each instrument once": {
			responses{opening("", quote("A", 1)), conflated(9, quote("A", 3)), live("", quote("A", 6))},
			[]string{"hole A 1/6, not 4", "gap, A 1/6"},
		},
		"all jumps together are excused for what was counted": {
			responses{opening("", quote("A", 1), quote("B", 1)), conflated(3, quote("A", 4), quote("B", 4))},
			[]string{"conflated 3", "gap, A 1/4", "hole B 1/4, not 2", "gap, B 1/4"},
		},
		"an instrument that came whole after a count is not excused later": {
			responses{opening("", quote("A", 1)), conflated(9, quote("A", 2)), live("", quote("A", 5))},
			[]string{"hole A 1/5, not 3", "gap, A 1/5"},
		},
		"the opening state has no holes": {
			responses{notComplete(opening("", quote("A", 3))), live("", quote("A", 9))}, []string{"gap, A 1/9"},
		},
		"repeats after resuming are dropped": {
			responses{opening("", quote("A", 7)), cut, resumed("", quote("A", 6), quote("A", 7), quote("A", 8))},
			[]string{"LIVE", "A 1/8", "caught up"},
		},
		"a hole over a resume is seen": {
			responses{opening("", quote("A", 7)), cut, resumed("", quote("A", 9))},
			[]string{"LIVE", "hole A 1/9, not 8", "gap, A 1/9", "caught up"},
		},
		"an older epoch is dropped": {
			responses{opening("", quoteOf("A", 5, 1)), live("", quoteOf("A", 4, 99))}, []string{},
		},
		"what was known is forgotten on a reset": {
			responses{opening("", quoteOf("A", 5, 7)), cut, reset(quoteOf("A", 2, 3))},
			[]string{"reset", "LIVE", "gap, A 2/3"},
		},
		"what was known is forgotten on a new state": {
			responses{opening("", quoteOf("A", 5, 7)), cut, opening("", quoteOf("A", 2, 3))},
			[]string{"reset", "LIVE", "gap, A 2/3", "caught up"},
		},
		"what was known is forgotten by a stream that does not say how it joins": {
			responses{opening("", quoteOf("A", 5, 7)), cut, live("", quoteOf("A", 2, 3))},
			[]string{"reset", "gap, A 2/3"},
		},
		"a reset in the midst of a stream opens a new phase": {
			responses{opening("", quote("A", 7)), live("", quote("A", 8)), reset(quote("A", 20))},
			[]string{"reset", "LIVE", "gap, A 1/20"},
		},
		"in the state of a reset an instrument may stand anywhere": {
			responses{
				opening("", quote("A", 7)), reset(quote("A", 20)),
				{Quotes: []*pb.Quote{quote("B", 4)}, CaughtUp: true},
			},
			[]string{"gap, B 1/4", "caught up"},
		},
		"after the state of a reset it may not": {
			responses{
				opening("", quote("A", 7)), reset(quote("A", 20)), {CaughtUp: true}, live("", quote("C", 2)),
			},
			[]string{"hole C 1/2, not 1", "gap, C 1/2"},
		},
		"an instrument that speaks only after a reset may have been missed": {
			responses{
				opening("", quoteOf("A", 5, 7), quoteOf("QUIET", 5, 1)), cut, scripted.Reset(""),
				live("", quoteOf("QUIET", 6, 1), quoteOf("QUIET", 6, 2)),
			},
			[]string{"gap, QUIET 6/1", "QUIET 6/2"},
		},
		"who had received nothing has nothing to forget": {
			responses{notComplete(opening("")), cut, opening("", quote("A", 7))}, []string{"LIVE", "A 1/7", "caught up"},
		},
		"who was told that there is nothing is told to forget that": {
			responses{opening(""), cut, opening("", quote("A", 7))}, []string{"reset", "LIVE", "gap, A 1/7", "caught up"},
		},
		"repeats of an epoch that has ended are dropped after a resume": {
			responses{
				opening("", quote("A", 7)), live("", quoteOf("A", 2, 1), quoteOf("A", 2, 2)), cut,
				resumed("", quote("A", 8), quoteOf("A", 2, 1), quoteOf("A", 2, 3)),
			},
			[]string{"LIVE", "A 2/3", "caught up"},
		},
		"a resume that conflates says what it passed over": {
			responses{
				opening("", quote("A", 7)), cut,
				with(resumed("", quote("A", 11)), func(r *pb.SubscribeResponse) { r.Conflated = 3 }),
			},
			[]string{"LIVE", "conflated 3", "gap, A 1/11", "caught up"},
		},
		"what was conflated before a cut excuses no hole after it": {
			responses{
				opening("", quote("A", 1), quote("B", 1)), conflated(9, quote("A", 3)), cut, resumed("", quote("B", 4)),
			},
			[]string{"LIVE", "hole B 1/4, not 2", "gap, B 1/4", "caught up"},
		},
		"a status is no news if only counters changed": {
			responses{
				opening(""),
				scripted.Statuses(&pb.SourceStatus{
					Source: scripted.Source, Channel: scripted.Channel, State: isLive, Epoch: 1, Messages: 5,
				}),
			},
			[]string{},
		},
		"a status is news if its state changed": {
			responses{opening(""), scripted.Statuses(scripted.Status(isDown))}, []string{"DOWN"},
		},
		"a state of a newer server is not known": {
			responses{opening(""), scripted.Statuses(scripted.Status(99))}, []string{"UNKNOWN"},
		},
		"unmatched symbols are told": {
			responses{{Continuity: pb.Continuity_CONTINUITY_SNAPSHOT, Unmatched: []string{"NOPE"}, CaughtUp: true}},
			[]string{"unmatched [NOPE]", "caught up"},
		},
		"unmatched symbols are told once": {
			responses{
				{Continuity: pb.Continuity_CONTINUITY_SNAPSHOT, Unmatched: []string{"NOPE"}, CaughtUp: true}, cut,
				{Continuity: pb.Continuity_CONTINUITY_RESUMED, Unmatched: []string{"NOPE"}},
			},
			[]string{},
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, play(fresh(), c.play...), c.last...) })
	}
}

func TestTheSameSymbolOfTwoSourcesIsTwoInstruments(t *testing.T) {
	kraken := quote("A", 1)
	kraken.Source = "kraken"
	next := quote("A", 2)
	next.Source = "kraken"
	subject := fresh()
	play(subject, opening("", quote("A", 7), kraken))
	expect(t, play(subject, live("", quote("A", 8), next)), "A 1/8", "A 1/2")
}

func TestLatestPassesOverUpdatesByDesign(t *testing.T) {
	subject := newSequencer(false, false, nil)
	play(subject, opening("", quote("A", 1)))
	expect(t, play(subject, live("", quote("A", 9))), "gap, A 1/9")
	expect(t, play(subject, cut, resumed("", quote("A", 20))), "LIVE", "gap, A 1/20", "caught up")
}

func snapshotOf(token string, quotes ...*pb.Quote) *Snapshot {
	return newSnapshot([]*pb.GetSnapshotResponse{{
		Quotes: quotes, SourceStatuses: []*pb.SourceStatus{scripted.Status(isLive)}, ResumeToken: token,
	}})
}

func afterSnapshot(quotes ...*pb.Quote) *sequencer {
	return newSequencer(true, true, snapshotOf("t", quotes...))
}

func TestAfterASnapshotNothingIsRepeatedAndNothingIsMissed(t *testing.T) {
	// B stands on a later page, which was served when B had gone on; the token stands at the first.
	subject := afterSnapshot(quote("A", 7), quote("B", 9))
	events := play(subject, resumed("", quote("B", 8), quote("A", 8), quote("B", 9), quote("B", 10), quote("NEW", 1)))
	expect(t, events, "LIVE", "A 1/8", "B 1/10", "NEW 1/1", "caught up")
	equal(t, "repeats", subject.repeats, 2)
}

func TestAHoleBetweenASnapshotAndItsStreamIsSeen(t *testing.T) {
	events := play(afterSnapshot(quote("A", 7)), resumed("", quote("A", 9), quote("NEW", 2)))
	expect(t, events, "LIVE", "hole A 1/9, not 8", "gap, A 1/9", "hole NEW 1/2, not 1", "gap, NEW 1/2", "caught up")
}

func TestASnapshotThatCannotBeGoneOnFromIsForgotten(t *testing.T) {
	for _, anew := range []*pb.SubscribeResponse{opening("", quote("A", 3)), scripted.Reset("", quote("A", 3))} {
		expect(t, play(afterSnapshot(quoteOf("A", 5, 7)), anew), "reset", "LIVE", "gap, A 1/3", "caught up")
	}
}

func TestATokenFromElsewhereThatIsNotHonouredIsAReset(t *testing.T) {
	expect(t, play(newSequencer(true, true, nil), opening("", quote("A", 7))),
		"reset", "LIVE", "gap, A 1/7", "caught up")
}

func TestATokenFromElsewhereMayGoOnAnywhere(t *testing.T) {
	subject := newSequencer(true, true, nil)
	expect(t, play(subject, notComplete(resumed("", quote("A", 7)))), "LIVE", "A 1/7")
	expect(t, play(subject, &pb.SubscribeResponse{CaughtUp: true}, live("", quote("B", 4))), "B 1/4")
	expect(t, play(subject, live("", quote("A", 9))), "hole A 1/9, not 8", "gap, A 1/9")
}

func TestAQuoteTurnsStaleWhenItsSourceDoesAndFreshAgain(t *testing.T) {
	subject := fresh()
	kept := quotesOf(play(subject, opening("", quote("A", 7))))[0]
	equal(t, "stale at first", kept.IsStale(), false)
	for state, stale := range map[pb.SourceState]bool{
		isStale: true, isLive: false, isDown: true, isThrottled: false, isUnknown: true,
	} {
		play(subject, scripted.Statuses(scripted.Status(state)))
		equal(t, state.String(), kept.IsStale(), stale)
	}
}

func TestTheQuoteOfAQuietSymbolIsStaleOnceItsChannelBeginsANewEpoch(t *testing.T) {
	subject := fresh()
	kept := quotesOf(play(subject, opening("", quote("A", 7))))[0]
	play(subject, scripted.Statuses(scripted.StatusOf(isLive, 2)))
	equal(t, "stale", kept.IsStale(), true)
}

func TestAnotherChannelOrSourceSaysNothingAboutAQuote(t *testing.T) {
	subject := fresh()
	kept := quotesOf(play(subject, opening("", quote("A", 7))))[0]
	channel, source := scripted.Status(isDown), scripted.Status(isDown)
	channel.Channel, source.Source = "1", "kraken"
	play(subject, scripted.Statuses(channel, source))
	equal(t, "stale", kept.IsStale(), false)
}

func TestAQuoteWithoutAStatusIsStale(t *testing.T) {
	unheard := quote("A", 7)
	unheard.Source = "unheard"
	equal(t, "stale", quotesOf(play(fresh(), opening("", unheard)))[0].IsStale(), true)
}

func TestACutMakesEveryQuoteStaleUntilTheMissedUpdatesHaveCome(t *testing.T) {
	subject := fresh()
	kept := quotesOf(play(subject, opening("", quote("A", 7), quote("B", 1))))
	areStale := func(when string, want bool) {
		t.Helper()
		for _, quote := range kept {
			equal(t, when+", "+line(quote), quote.IsStale(), want)
		}
	}
	areStale("at first", false)
	play(subject, cut)
	areStale("while cut", true)
	for _, missed := range []*pb.SubscribeResponse{
		notComplete(resumed("", quote("A", 8))), live("", quote("A", 9)),
		{Quotes: []*pb.Quote{quote("B", 2)}, CaughtUp: true},
	} {
		kept = append(kept, quotesOf(subject.receive(missed, nil))...)
		areStale("while it catches up", true)
		equal(t, "its last", subject.isSettling, missed.GetCaughtUp())
	}
	equal(t, "caught up", subject.settle(), Event(CaughtUp{}))
	areStale("caught up", false)
	equal(t, "a live one", quotesOf(play(subject, live("", quote("A", 10))))[0].IsStale(), false)
}

func TestNewsOfASourceCountsWhileMissedUpdatesComeIn(t *testing.T) {
	subject := fresh()
	kept := quotesOf(play(subject, opening("", quote("A", 7))))[0]
	play(subject, cut, notComplete(resumed("")))
	isOver := with(scripted.Statuses(scripted.Status(isDown)), func(r *pb.SubscribeResponse) { r.CaughtUp = true })
	expect(t, play(subject, isOver), "DOWN", "caught up")
	equal(t, "stale", kept.IsStale(), true)
}

func TestACutOrAResetAmongMissedUpdatesLeavesThemStale(t *testing.T) {
	for name, responses := range map[string][]*pb.SubscribeResponse{
		"a cut": {cut, opening("", quote("A", 20))}, "a reset": {scripted.Reset("", quote("A", 20))},
	} {
		for _, back := range []*pb.SubscribeResponse{resumed("", quote("A", 8)), notComplete(resumed("", quote("A", 8)))} {
			if back.GetCaughtUp() && responses[0] != cut {
				continue
			}
			subject := fresh()
			kept := quotesOf(play(subject, opening("", quote("A", 7)), cut))
			kept = append(kept, quotesOf(subject.receive(back, nil))...)
			anew := play(subject, responses...)
			equal(t, name+": missed", kept[0].IsStale(), true)
			expect(t, anew[len(anew)-1:], "caught up")
			equal(t, name+": new", quotesOf(anew)[0].IsStale(), false)
		}
	}
}

func TestAQuoteFromBeforeANewPhaseStaysStale(t *testing.T) {
	for _, responses := range [][]*pb.SubscribeResponse{
		{cut, opening("", quote("A", 9))}, {scripted.Reset("", quote("A", 9))},
	} {
		subject := fresh()
		kept := quotesOf(play(subject, opening("", quote("A", 7))))[0]
		anew := quotesOf(play(subject, responses...))[0]
		equal(t, "old one stale", kept.IsStale(), true)
		equal(t, "new one stale", anew.IsStale(), false)
	}
}

func TestMissedUpdatesOfAnEpochThatHasEndedAreStaleAndThoseOfTheNewOneAreNot(t *testing.T) {
	subject := fresh()
	back := resumed("", quote("A", 8), quoteOf("A", 2, 1))
	back.SourceStatuses[0].Epoch = 2
	events := play(subject, opening("", quote("A", 7)), cut, back)
	expect(t, events, "LIVE", "A 1/8", "gap, A 2/1", "caught up")
	equal(t, "old epoch stale", quotesOf(events)[0].IsStale(), true)
	equal(t, "new epoch stale", quotesOf(events)[1].IsStale(), false)
}

func TestQuotesOfASnapshotFollowTheStreamThatGoesOnAfterIt(t *testing.T) {
	flagged := quote("B", 9)
	flagged.Flags = []pb.QuoteFlag{pb.QuoteFlag_QUOTE_FLAG_STALE}
	taken := snapshotOf("t", quote("A", 7), flagged)
	subject := newSequencer(true, true, taken)
	check := func(when string, first, second bool) {
		t.Helper()
		equal(t, when, [2]bool{taken.Quotes[0].IsStale(), taken.Quotes[1].IsStale()}, [2]bool{first, second})
	}
	check("as served", false, true)
	play(subject, resumed(""))
	check("joined", false, false)
	play(subject, scripted.Statuses(scripted.Status(isDown)))
	check("source down", true, true)
	play(subject, cut, resumed(""))
	check("resumed", false, false)
	play(subject, reset())
	check("reset", true, true)
}
