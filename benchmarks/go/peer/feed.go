package main

import (
	"time"

	"github.com/tickmux/tickmux/benchmarks/go/synthetic"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// feed is instruments that change at a set rate, as benchmarks/feed.py has them.
type feed struct {
	source  string
	symbols []string
	// order is the instrument that changes at each update, by its number.
	order []int
	burst time.Duration
	hub   *hub

	revisions []uint64
}

// run publishes updates, as many as are due at the end of each burst's time.
func (f *feed) run(rate float64, updates int) time.Duration {
	f.revisions = make([]uint64, len(f.symbols))
	started := time.Now()
	published := 0
	for burst := 1; published < updates; burst++ {
		time.Sleep(time.Until(started.Add(time.Duration(burst) * f.burst)))
		due := min(updates, int(time.Since(started).Seconds()*rate))
		for ; published < due; published++ {
			f.hub.publish(f.quote(published))
		}
	}
	return time.Since(started)
}

func (f *feed) quote(number int) *pb.Quote {
	chosen := f.order[number]
	f.revisions[chosen]++
	return synthetic.Quote(f.source, f.symbols[chosen], f.revisions[chosen], number)
}
