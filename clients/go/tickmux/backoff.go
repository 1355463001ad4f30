package tickmux

import "time"

const (
	backoffFirst  = 100 * time.Millisecond
	retryAfterMax = 5 * time.Minute
	doublingsMax  = 32
)

// backoff says how long to wait before the next try: each wait is drawn evenly between 0 and a doubling limit, so that
// clients which one event has cut off together do not return together.
type backoff struct {
	first, limit time.Duration
	// uniform draws from [0, 1).
	uniform   func() float64
	doublings int
}

func newBackoff(first, limit time.Duration, uniform func() float64) *backoff {
	return &backoff{first: min(first, limit), limit: limit, uniform: uniform}
}

// next is how long to wait now. What the server asked for is the least, spread upwards, and bounded to 5 minutes.
func (b *backoff) next(retryAfter time.Duration) time.Duration {
	limit := b.limit
	// In float64, where 32 doublings of any duration fit.
	if doubled := float64(b.first) * float64(uint64(1)<<b.doublings); doubled < float64(limit) {
		limit = time.Duration(doubled)
	}
	b.doublings = min(b.doublings+1, doublingsMax)
	return min(max(retryAfter, 0), retryAfterMax) + time.Duration(b.uniform()*float64(limit))
}

// reset begins anew: the connection has proved stable.
func (b *backoff) reset() { b.doublings = 0 }
