package tickmux

import (
	"fmt"
	"strings"
	"time"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// SourceState is whether what a source last said can be taken for the present.
type SourceState int

// The states of a source. A state of a newer server is SourceUnknown: not known to be healthy.
const (
	SourceUnspecified SourceState = 0
	// SourceConnecting: the first connection is being made, or its first message is awaited.
	SourceConnecting SourceState = 1
	// SourceLive: messages arrive within the venue's deadline.
	SourceLive SourceState = 2
	// SourceStale: connected, but mute past its deadline.
	SourceStale SourceState = 3
	// SourceDown: not connected.
	SourceDown SourceState = 4
	// SourceThrottled: healthy, but its request budget is spent.
	SourceThrottled SourceState = 5
	// SourceRejected: the venue refuses the server.
	SourceRejected SourceState = 6
	// SourceUnknown: its publisher is itself silent.
	SourceUnknown SourceState = 7
)

// String is the name that the contract gives the state, such as LIVE.
func (s SourceState) String() string {
	return strings.TrimPrefix(pb.SourceState(s).String(), "SOURCE_STATE_")
}

// SourceStatus is the health of one upstream slot of a source, as the server last told.
type SourceStatus struct{ message *pb.SourceStatus }

// Message is the protobuf message as it came, with all counters and budgets; it must not be changed.
func (s SourceStatus) Message() *pb.SourceStatus { return s.message }

// Source is the name of the source.
func (s SourceStatus) Source() string { return s.message.GetSource() }

// Channel is the name of the slot within the source.
func (s SourceStatus) Channel() string { return s.message.GetChannel() }

// State is whether the feed can be believed now.
func (s SourceStatus) State() SourceState {
	if _, known := pb.SourceState_name[int32(s.message.GetState())]; !known {
		return SourceUnknown
	}
	return SourceState(s.message.GetState())
}

// IsHealthy tells whether the state is SourceLive or SourceThrottled.
func (s SourceStatus) IsHealthy() bool { return isHealthy(s.message.GetState()) }

// Epoch is the slot's current chain of quotes; 0 = none has begun.
func (s SourceStatus) Epoch() uint64 { return s.message.GetEpoch() }

// Since is when the state was entered, UTC; zero when that is not told.
func (s SourceStatus) Since() time.Time { return instant(s.message.GetSince()) }

// LastMessageAt is when anything was last read from the venue, UTC; zero when nothing was.
func (s SourceStatus) LastMessageAt() time.Time { return instant(s.message.GetLastMessageAt()) }

// LastError is what last went wrong, in one line; empty when nothing has.
func (s SourceStatus) LastError() string { return s.message.GetLastError() }

// Lag is the server's receipt minus the venue's time of its latest timed message; it may be negative.
func (s SourceStatus) Lag() (lag time.Duration, known bool) {
	return s.message.GetLag().AsDuration(), s.message.GetLag() != nil
}

// String is one line: source, channel, state and what last went wrong.
func (s SourceStatus) String() string {
	line := fmt.Sprintf("%s/%s %s", s.Source(), s.Channel(), s.State())
	if s.LastError() != "" {
		line += ": " + s.LastError()
	}
	return line
}

// InstrumentState is whether a venue trades an instrument.
type InstrumentState int

// The states of an instrument. A state of a newer server is InstrumentUnspecified: not known to trade.
const (
	InstrumentUnspecified InstrumentState = 0
	InstrumentTrading     InstrumentState = 1
	InstrumentHalted      InstrumentState = 2
	InstrumentRestricted  InstrumentState = 3
	InstrumentDelisted    InstrumentState = 4
)

// String is the name that the contract gives the state, such as TRADING.
func (s InstrumentState) String() string {
	return strings.TrimPrefix(pb.InstrumentState(s).String(), "INSTRUMENT_STATE_")
}

// Instrument is one instrument at one source.
type Instrument struct{ message *pb.Instrument }

// Message is the protobuf message as it came; it must not be changed.
func (i Instrument) Message() *pb.Instrument { return i.message }

// Source is the name of the source.
func (i Instrument) Source() string { return i.message.GetSource() }

// Symbol is the canonical name.
func (i Instrument) Symbol() string { return i.message.GetSymbol() }

// Type is the asset class: crypto, stock or fx.
func (i Instrument) Type() string { return i.message.GetType() }

// Exchange is the listing exchange; empty where none is known.
func (i Instrument) Exchange() string { return i.message.GetExchange() }

// VenueSymbol is the venue's own name for it.
func (i Instrument) VenueSymbol() string { return i.message.GetVenueSymbol() }

// Base is what is traded.
func (i Instrument) Base() string { return i.message.GetBase() }

// Quote is the currency that prices are in.
func (i Instrument) Quote() string { return i.message.GetQuote() }

// State is whether the venue trades it.
func (i Instrument) State() InstrumentState {
	if _, known := pb.InstrumentState_name[int32(i.message.GetState())]; !known {
		return InstrumentUnspecified
	}
	return InstrumentState(i.message.GetState())
}

// PriceIncrement is the smallest price step, in the quote currency, if the venue tells.
func (i Instrument) PriceIncrement() (step float64, known bool) {
	return value(i.message.PriceIncrement)
}

// SizeIncrement is the smallest size step, in the base currency (shares for stocks), if the venue tells.
func (i Instrument) SizeIncrement() (step float64, known bool) { return value(i.message.SizeIncrement) }

// Snapshot is the present state of a selection.
type Snapshot struct {
	// Quotes are the latest of each selected instrument that has one, by source and symbol.
	Quotes []*Quote
	// SourceStatuses are the health of the selected sources, when the first page was served.
	SourceStatuses []SourceStatus
	// Unmatched are the selected symbols that match no instrument now.
	Unmatched []string
	// ResumeToken says where a subscription to the same selection can go on; empty if the server does not offer it.
	ResumeToken string

	health []*health
}

// Instruments are the instruments of a selection.
type Instruments struct {
	// Instruments are ordered by source and symbol.
	Instruments []Instrument
	// Unmatched are the selected symbols that match no instrument now.
	Unmatched []string
}
