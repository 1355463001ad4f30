package tickmux

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// entry is one published quote; index is its place in the chain of its symbol.
type entry struct {
	symbol          string
	epoch, revision uint64
	index           int
}

func (e entry) message() *pb.Quote { return quoteOf(e.symbol, e.epoch, e.revision) }

func messages(entries []entry) []*pb.Quote {
	var quotes []*pb.Quote
	for _, published := range entries {
		quotes = append(quotes, published.message())
	}
	return quotes
}

// market publishes revisions of a few symbols: the naive model that the sequencer is held against.
type market struct{ heads map[string]entry }

func (m market) publish(symbol string, isNewEpoch bool) entry {
	head, isKnown := m.heads[symbol]
	next := entry{symbol, head.epoch, head.revision + 1, head.index + 1}
	if isNewEpoch || !isKnown {
		next.epoch, next.revision = head.epoch+1, 1
	}
	m.heads[symbol] = next
	return next
}

func (m market) state() []entry {
	return inOrder(m.heads)
}

// inOrder makes runs of one seed alike.
func inOrder(entries map[string]entry) []entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b entry) int { return strings.Compare(a.symbol, b.symbol) })
}

// deliver plays one fate of new entries; it returns what the stream delivered for the first time, and what was said.
func (m market) deliver(s *sequencer, fate string, entries, seen []entry) ([]entry, []Event) {
	switch fate {
	case "whole":
		return entries, play(s, live("", messages(entries)...))
	case "resumed":
		return entries, play(s, cut, resumed("", messages(append(slices.Clone(seen), entries...))...))
	case "lost":
		return nil, nil
	case "conflated":
		latest := slices.DeleteFunc(slices.Clone(entries), func(e entry) bool { return e != m.heads[e.symbol] })
		response := live("", messages(latest)...)
		response.Conflated = uint64(len(entries) - len(latest))
		return latest, play(s, response)
	default:
		state := m.state()
		events := s.receive(reset(messages(state)...), nil)
		return state, s.receive(&pb.SubscribeResponse{CaughtUp: true}, events)
	}
}

// follows tells whether one entry is the next of another in its epoch, and whether something between the two is missing
// from the epoch. The other is the zero entry if there was none.
func (e entry) follows(other entry) (isNext, hasHole bool) {
	if e.epoch != other.epoch {
		return other == entry{} && e.revision == 1, e.revision != 1
	}
	return e.index == other.index+1, e.revision != other.revision+1
}

func holesOf(events []Event) map[entry]bool {
	holes := map[entry]bool{}
	for _, event := range events {
		if hole, isHole := event.(Hole); isHole {
			holes[entry{symbol: hole.Symbol, epoch: hole.Epoch, revision: hole.SeenRevision}] = true
		}
	}
	return holes
}

func TestNoLossGoesUntoldAndNoneIsInvented(t *testing.T) {
	fates := []string{"whole", "resumed", "lost", "conflated", "reset"}
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		published, subject := market{map[string]entry{}}, fresh()
		seen := map[string]entry{"A": published.publish("A", false), "B": published.publish("B", false)}
		play(subject, opening("", messages(published.state())...))
		isLossless, wasConflated, wasReset := true, false, false
		for range 12 {
			var entries []entry
			for range random.IntN(7) {
				entries = append(entries, published.publish(string("ABC"[random.IntN(3)]), random.IntN(4) == 0))
			}
			fate := fates[random.IntN(len(fates))]
			delivered, events := published.deliver(subject, fate, entries, inOrder(seen))
			isReset := fate == "reset"
			wasReset = wasReset || isReset
			isLossless = isReset || isLossless && fate != "lost"
			wasConflated = !isReset && (wasConflated || fate == "conflated")
			holes, yielded := holesOf(events), quotesOf(events)
			if isLossless && len(holes) > 0 || len(yielded) != len(delivered) {
				t.Fatalf("seed %d: %s of %v: %v", seed, fate, delivered, summary(events))
			}
			for index, want := range delivered {
				last, isKnown := seen[want.symbol]
				isNext, hasHole := want.follows(last)
				// After a loss an instrument that speaks for the first time may have been missed.
				hasGap := isReset || !isNext || (wasReset && !isKnown)
				seen[want.symbol] = want
				got := yielded[index]
				told := holes[entry{want.symbol, want.epoch, want.revision, 0}]
				if !proto.Equal(got.Message(), want.message()) || got.GapBefore() != hasGap ||
					(!isReset && !wasConflated && told != hasHole) {
					t.Fatalf("seed %d: %s of %v: %v", seed, fate, delivered, summary(events))
				}
			}
		}
	}
}
