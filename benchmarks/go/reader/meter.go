package main

import (
	"time"

	"github.com/tickmux/tickmux/benchmarks/go/worker"
)

// lookEvery: the clock is looked at once in so many quotes, so that it costs next to nothing.
const lookEvery = 1024

// meter counts the quotes of a span of time that begins once a reader is warm.
type meter struct {
	warmAt, endAt time.Time

	seen, counted int
	begun         time.Time
	begunCPUS     float64
	result        consumed
	failure       error
}

// consumed is what was read within the span.
type consumed struct {
	Quotes  int     `json:"quotes"`
	Seconds float64 `json:"seconds"`
	CPUS    float64 `json:"cpu_s"`
}

func newMeter(warmUpS, seconds float64) *meter {
	warmAt := time.Now().Add(time.Duration(warmUpS * float64(time.Second)))
	return &meter{warmAt: warmAt, endAt: warmAt.Add(time.Duration(seconds * float64(time.Second)))}
}

// isOver counts one quote, and tells whether the span has ended.
func (m *meter) isOver() bool {
	m.seen++
	return m.seen%lookEvery == 0 && m.look()
}

func (m *meter) look() bool {
	now := time.Now()
	switch {
	case m.begun.IsZero() && !now.Before(m.warmAt):
		m.begun, m.counted = now, m.seen
		m.begunCPUS, m.failure = worker.CPUSeconds()
		return m.failure != nil
	case m.begun.IsZero() || now.Before(m.endAt):
		return false
	}
	var spentS float64
	spentS, m.failure = worker.CPUSeconds()
	m.result = consumed{Quotes: m.seen - m.counted, Seconds: now.Sub(m.begun).Seconds(), CPUS: spentS - m.begunCPUS}
	return true
}

// stopwatch keeps how old quotes are as they reach user code, once the reader is warm and until the time is over.
type stopwatch struct {
	warmAt, endAt time.Time
	latenciesNS   []int64
}

func newStopwatch(warmUpS, seconds float64) *stopwatch {
	m := newMeter(warmUpS, seconds)
	return &stopwatch{warmAt: m.warmAt, endAt: m.endAt, latenciesNS: []int64{}}
}

// isOver takes one quote, and tells whether the time is over.
func (s *stopwatch) isOver(receivedAt time.Time) bool {
	now := time.Now()
	if now.After(s.warmAt) {
		s.latenciesNS = append(s.latenciesNS, now.Sub(receivedAt).Nanoseconds())
	}
	return now.After(s.endAt)
}
