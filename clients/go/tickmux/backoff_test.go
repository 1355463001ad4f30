package tickmux

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// upper draws the longest wait.
func upper() float64 { return 1 }

func TestLimitsDoubleUpToTheCapAndBeginAnewAfterAReset(t *testing.T) {
	subject := newBackoff(100*time.Millisecond, 500*time.Millisecond, upper)
	for _, want := range []time.Duration{100, 200, 400, 500, 500} {
		equal(t, "wait", subject.next(0), want*time.Millisecond)
	}
	subject.reset()
	equal(t, "wait", subject.next(0), 100*time.Millisecond)
}

func TestASmallCapBoundsTheFirstWaitToo(t *testing.T) {
	equal(t, "wait", newBackoff(backoffFirst, time.Millisecond, upper).next(0), time.Millisecond)
}

func TestWaitsAreBoundedAndNeverShorterThanAsked(t *testing.T) {
	const limit = 5 * time.Second
	random := rand.New(rand.NewPCG(1, 2))
	for _, asked := range []time.Duration{math.MinInt64, -1, 0, 1, time.Second, time.Hour, math.MaxInt64} {
		subject := newBackoff(backoffFirst, limit, random.Float64)
		for range 2000 {
			least := min(max(asked, 0), retryAfterMax)
			if wait := subject.next(asked); wait < least || wait > least+limit {
				t.Fatalf("asked for %v, waits %v", asked, wait)
			}
		}
	}
}
