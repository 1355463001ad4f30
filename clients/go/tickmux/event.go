package tickmux

import "time"

// Event is what a subscription yields: a *Quote, or a CaughtUp, Conflated, Disconnected, GoingAway, Hole, Reconnected,
// Reset, SourceChanged or Unmatched.
type Event interface{ isEvent() }

// CaughtUp says that the opening state is complete, or the missed updates are: what follows is live.
type CaughtUp struct{}

// Conflated says that updates were passed over: reading was too slow for the kept history, or the delivery is
// DeliverLatest.
type Conflated struct {
	// Count is how many updates of the selection, since the previous message of the server.
	Count uint64
}

// Disconnected says that the stream is gone, or that a try to get it back failed. Every quote is stale. The client tries
// again by itself.
type Disconnected struct {
	// Problem is what went wrong, in one line.
	Problem string
	// Reason is machine-readable, such as HEARTBEATS_MISSED; empty if none was given.
	Reason string
	// RetryIn is the time until the next try.
	RetryIn time.Duration
	// Attempts is how many tries in a row have failed since the stream was cut; 0 = it has just been cut.
	Attempts int
}

// GoingAway says that the server ends the stream in an orderly way, as it does when it stops and when a stream has lived
// for long.
//
// The client connects anew at the time that the server gave it, within seconds. Every quote is stale from the end of the
// stream on; Reconnected says that it is back, and Disconnected comes only if the first try fails.
type GoingAway struct{}

// Hole says that updates of one instrument are missing and nothing announced it: a fault of the server. Its quote
// follows.
type Hole struct {
	Source, Symbol string
	Epoch          uint64
	// ExpectedRevision is the first one that is missing.
	ExpectedRevision uint64
	// SeenRevision is the one that came instead.
	SeenRevision uint64
}

// Reconnected says that the stream is back.
type Reconnected struct {
	// Attempts is how many tries it took.
	Attempts int
	// Outage is the time without a stream.
	Outage time.Duration
	// Resumed: every missed update follows. Else a Reset follows, unless nothing had been received before.
	Resumed bool
}

// Reset says that the chain is broken: updates were, or may have been, lost. The full state follows, up to CaughtUp.
type Reset struct {
	// Reason is why, in one line.
	Reason string
}

// SourceChanged says that a source's health is news: another state, epoch, or error.
type SourceChanged struct{ Status SourceStatus }

// Unmatched are selected symbols that match no instrument yet; they are streamed when they appear.
type Unmatched struct{ Symbols []string }

func (*Quote) isEvent()        {}
func (CaughtUp) isEvent()      {}
func (Conflated) isEvent()     {}
func (Disconnected) isEvent()  {}
func (GoingAway) isEvent()     {}
func (Hole) isEvent()          {}
func (Reconnected) isEvent()   {}
func (Reset) isEvent()         {}
func (SourceChanged) isEvent() {}
func (Unmatched) isEvent()     {}
