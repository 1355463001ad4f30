package tickmux

import (
	"math/rand/v2"
	"slices"
	"testing"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// chance turns the bytes of a fuzzer into choices; when they are used up it chooses 0.
type chance struct{ left []byte }

func (c *chance) below(limit int) int {
	if len(c.left) == 0 {
		return 0
	}
	chosen := int(c.left[0]) % limit
	c.left = c.left[1:]
	return chosen
}

var (
	instruments = []instrumentKey{{"binance", "A"}, {"binance", "B"}, {"kraken", "A"}}
	states      = []pb.SourceState{isLive, isLive, isStale, isThrottled, isDown, 99}
	unmatched   = [][]string{{"NOPE"}, {"NOPE", "NEITHER"}}
	continuity  = []pb.Continuity{
		0, 0, 0, 0, 0, pb.Continuity_CONTINUITY_RESUMED, pb.Continuity_CONTINUITY_RESUMED,
		pb.Continuity_CONTINUITY_SNAPSHOT, pb.Continuity_CONTINUITY_RESET,
	}
	// Mostly the next revision; else the same, one before, one or two missing, a new epoch, or the one before.
	steps = []struct{ epoch, revision int }{
		{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 0}, {0, -1}, {0, 2}, {0, 3}, {1, 0}, {1, 1}, {-1, 3},
	}
)

// server makes responses up; what it says need not make sense.
type server struct {
	*chance
	stands map[instrumentKey]*pb.Quote
}

func (s *server) response() *pb.SubscribeResponse {
	response := &pb.SubscribeResponse{
		Continuity: continuity[s.below(len(continuity))],
		CaughtUp:   s.below(4) == 1,
		Conflated:  uint64(max(0, s.below(8)-4)),
	}
	if s.below(8) == 1 {
		response.Unmatched = unmatched[s.below(len(unmatched))]
	}
	for range s.below(3) {
		status := &pb.SourceStatus{Source: "binance", Channel: "0", State: states[s.below(len(states))]}
		if s.below(2) == 1 {
			status.Source = "kraken"
		}
		status.Epoch = uint64(4 + s.below(4))
		response.SourceStatuses = append(response.SourceStatuses, status)
	}
	for range s.below(5) {
		response.Quotes = append(response.Quotes, s.quote())
	}
	return response
}

func (s *server) quote() *pb.Quote {
	key := instruments[s.below(len(instruments))]
	at := s.stands[key]
	if at == nil {
		at = &pb.Quote{Source: key.source, Symbol: key.symbol, Channel: "0", Epoch: 5}
	}
	step := steps[s.below(len(steps))]
	next := &pb.Quote{Source: key.source, Symbol: key.symbol, Channel: "0", Epoch: at.GetEpoch(), Revision: 1}
	next.Epoch = uint64(max(1, int(at.GetEpoch())+step.epoch))
	if step.epoch == 0 {
		next.Revision = uint64(max(1, int(at.GetRevision())+step.revision))
	} else {
		next.Revision = uint64(1 + step.revision)
	}
	s.stands[key] = next
	return next
}

func FuzzSequencer(f *testing.F) {
	const seeds, choices = 300, 400
	for seed := range uint64(seeds) {
		drawn := rand.New(rand.NewPCG(seed, 0))
		bytes := make([]byte, choices)
		for index := range bytes {
			bytes[index] = byte(drawn.Uint32())
		}
		f.Add(seed%4 > 0, bytes)
	}
	f.Fuzz(func(t *testing.T, checksHoles bool, bytes []byte) {
		subject := newSequencer(checksHoles, false, nil)
		expected := &naive{checksHoles: checksHoles, excused: map[int]uint64{}}
		said := &server{&chance{bytes}, map[instrumentKey]*pb.Quote{}}
		for len(said.left) > 0 {
			if len(expected.told) > 0 && said.below(10) == 1 {
				subject.lost()
				expected.cut()
				expected.check(t, nil)
				continue
			}
			response := said.response()
			events := subject.receive(response, nil)
			want := expected.receive(response)
			expected.check(t, events)
			if subject.isSettling {
				events = append(events, subject.settle())
			}
			if got := summary(events); !slices.Equal(got, want) {
				t.Fatalf("got  %q\nwant %q\nafter %v", got, want, expected.told)
			}
			expected.isSettled = true
			expected.check(t, nil)
		}
	})
}
