package tickmux

import (
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

var resetReasons = map[pb.Continuity]string{
	pb.Continuity_CONTINUITY_RESET:       "the server could not go on where the stream stood, or found a hole",
	pb.Continuity_CONTINUITY_SNAPSHOT:    "the new stream starts from the present state",
	pb.Continuity_CONTINUITY_UNSPECIFIED: "the new stream does not say how it joins the old one",
}

type instrumentKey struct{ source, symbol string }

// chain is where the chain of one instrument stands.
type chain struct {
	epoch, revision uint64
	conflations     int
}

func (c *chain) isAtOrAfter(epoch, revision uint64) bool {
	return epoch < c.epoch || (epoch == c.epoch && revision <= c.revision)
}

// sequencer turns responses into events: it checks that each instrument's revisions are whole, drops repeats, and joins
// quotes with their sources' health. No I/O, no clock.
//
// Within a phase revisions rise by exactly 1 in an epoch, and an epoch begins with revision 1; anything else is a Hole,
// unless the server counted it in conflated. A conflated walk may span several responses with the count on an early
// one, so each instrument may jump once after a count, and all jumps together by no more than was counted.
//
// While a stream that was resumed catches up, every quote is stale, the missed ones that come included.
type sequencer struct {
	checksHoles bool
	chains      map[instrumentKey]*chain
	health      *health
	after       *Snapshot
	inState     bool
	// knowsAll: an instrument without a chain is known to have had no quote.
	knowsAll bool
	// begun: the consumer has something that can have become wrong.
	begun            bool
	phaseLostHistory bool
	conflations      int
	conflatedLeft    uint64
	unmatched        []string
	opening          bool
	isCatchingUp     bool
	// isSettling: the latest response was the last of the missed updates; settle once its events are handed out.
	isSettling bool
	// repeats counts the quotes dropped because they were not newer than what had been yielded.
	repeats int
}

// newSequencer begins. With continues, what was received elsewhere goes on here, so that failing to is a loss. What was
// received there is after, if that is known; its later pages may be newer than its token, so that the stream repeats
// some of it.
func newSequencer(checksHoles, continues bool, after *Snapshot) *sequencer {
	s := &sequencer{
		checksHoles: checksHoles,
		chains:      map[instrumentKey]*chain{},
		health:      newHealth(),
		after:       after,
		knowsAll:    after != nil,
		begun:       continues,
		opening:     true,
	}
	if after != nil {
		for _, quote := range after.Quotes {
			key := instrumentKey{quote.Source(), quote.Symbol()}
			s.chains[key] = &chain{epoch: quote.Epoch(), revision: quote.Revision()}
		}
	}
	return s
}

// lost says that the stream is cut: nothing is known of the sources, so every quote is stale. The next response opens
// anew.
func (s *sequencer) lost() {
	s.health.clear()
	s.isCatchingUp, s.isSettling = false, false
	s.opening = true
}

// receive turns one response into events, in an order in which they can be acted on one by one.
func (s *sequencer) receive(response *pb.SubscribeResponse, events []Event) []Event {
	if s.opening || response.GetContinuity() != pb.Continuity_CONTINUITY_UNSPECIFIED {
		events = s.openPhase(response.GetContinuity(), events)
	}
	if unmatched := response.GetUnmatched(); len(unmatched) > 0 {
		if !slices.Equal(unmatched, s.unmatched) {
			events = append(events, Unmatched{unmatched})
		}
		s.unmatched = unmatched
	}
	for _, status := range response.GetSourceStatuses() {
		if known := s.health.note(status); known == nil || isNews(known, status) {
			events = append(events, SourceChanged{SourceStatus{status}})
		}
	}
	if response.GetConflated() > 0 {
		s.conflations++
		s.conflatedLeft += response.GetConflated()
		events = append(events, Conflated{response.GetConflated()})
	}
	events = s.noteQuotes(response.GetQuotes(), events)
	s.begun = s.begun || len(response.GetQuotes()) > 0 || response.GetCaughtUp()
	if response.GetCaughtUp() {
		s.knowsAll = s.knowsAll || s.inState
		s.inState = false
		if s.isCatchingUp {
			s.isSettling = true
		} else {
			events = append(events, CaughtUp{})
		}
	}
	return events
}

// settle ends the catching up: what was handed out is the present now, as far as the sources are healthy.
func (s *sequencer) settle() Event {
	s.health.catchUp(false)
	s.isCatchingUp, s.isSettling = false, false
	return CaughtUp{}
}

func (s *sequencer) openPhase(continuity pb.Continuity, events []Event) []Event {
	isNewStream := s.opening
	s.opening = false
	if s.after != nil {
		for _, table := range s.after.health {
			table.join(s.health)
		}
		s.after = nil
	}
	if continuity == pb.Continuity_CONTINUITY_RESUMED {
		if isNewStream {
			s.health.catchUp(true)
			s.isCatchingUp = true
		}
		s.begun = true
		// What a count excused came with it, or comes again with a count of its own.
		s.conflatedLeft = 0
		return events
	}
	if s.begun || continuity == pb.Continuity_CONTINUITY_RESET {
		reason, known := resetReasons[continuity]
		if !known {
			reason = "the server says so"
		}
		events = append(events, Reset{reason})
	}
	// Quotes already handed out stay joined with the old table, which will not become healthy again.
	s.health.clear()
	s.health = newHealth()
	s.isCatchingUp = false
	s.chains = map[instrumentKey]*chain{}
	s.conflatedLeft = 0
	s.inState = true
	s.knowsAll = false
	s.phaseLostHistory = s.begun
	return events
}

func (s *sequencer) noteQuotes(messages []*pb.Quote, events []Event) []Event {
	for _, message := range messages {
		key := instrumentKey{message.GetSource(), message.GetSymbol()}
		at := s.chains[key]
		// The usual case first: this loop is the client's cost per update.
		if at != nil && message.GetRevision() == at.revision+1 && message.GetEpoch() == at.epoch {
			at.revision++
			at.conflations = s.conflations
			events = append(events, &Quote{message, s.health, false})
		} else {
			events = s.noteJump(key, message, at, events)
		}
	}
	return events
}

func (s *sequencer) noteJump(key instrumentKey, message *pb.Quote, at *chain, events []Event) []Event {
	epoch, revision := message.GetEpoch(), message.GetRevision()
	var missing uint64
	var isExcusable, gapBefore bool
	switch {
	case at == nil:
		s.chains[key] = &chain{epoch, revision, s.conflations}
		if s.knowsAll && revision > 0 {
			missing = revision - 1
		}
		isExcusable = true
		// After a loss it may have had quotes that were missed, however long it takes to speak again.
		gapBefore = s.phaseLostHistory || missing > 0
	case at.isAtOrAfter(epoch, revision):
		s.repeats++
		return events
	default:
		// A new epoch is empty before its revision 1; that the old one ended is told by gapBefore.
		var before uint64
		if epoch == at.epoch {
			before = at.revision
		}
		if revision > before {
			missing = revision - before - 1
		}
		isExcusable = at.conflations < s.conflations
		gapBefore = true
		*at = chain{epoch, revision, s.conflations}
	}
	if missing > 0 && s.checksHoles && !s.inState {
		if isExcusable && missing <= s.conflatedLeft {
			s.conflatedLeft -= missing
		} else {
			events = append(events, Hole{key.source, key.symbol, epoch, revision - missing, revision})
		}
	}
	return append(events, &Quote{message, s.health, gapBefore})
}

// isNews tells whether a status differs in more than counters and lag.
func isNews(known, status *pb.SourceStatus) bool {
	return known.GetState() != status.GetState() || known.GetEpoch() != status.GetEpoch() ||
		known.GetLastError() != status.GetLastError() || !isSameTime(known.GetSince(), status.GetSince())
}

func isSameTime(one, other *timestamppb.Timestamp) bool {
	return one.GetSeconds() == other.GetSeconds() && one.GetNanos() == other.GetNanos()
}
