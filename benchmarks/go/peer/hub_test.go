package main

import (
	"testing"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

func TestAClientGetsWhatItSelectsAndTheRestIsCountedOnceItsChannelIsFull(t *testing.T) {
	everything, some := newSubscriber(nil), newSubscriber([]string{"A"})
	var h hub
	h.add(everything)
	h.add(some)

	for range waitingMax {
		h.publish(&pb.Quote{Symbol: "A"})
	}
	h.publish(&pb.Quote{Symbol: "B"})

	if got := len(some.quotes); got != waitingMax || some.dropped.Load() != 0 {
		t.Errorf("the client of A has %d quotes and %d dropped", got, some.dropped.Load())
	}
	if got := len(everything.quotes); got != waitingMax || everything.dropped.Load() != 1 {
		t.Errorf("the client of everything has %d quotes and %d dropped", got, everything.dropped.Load())
	}

	h.remove(everything)
	h.publish(&pb.Quote{Symbol: "B"})

	if everything.dropped.Load() != 1 || h.count() != 1 {
		t.Errorf("%d dropped of a client that is gone, %d are left", everything.dropped.Load(), h.count())
	}
}
