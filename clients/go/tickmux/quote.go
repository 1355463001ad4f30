package tickmux

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// QuoteFlag is a property of a quote to weigh before acting on it.
type QuoteFlag int

// What a quote may be flagged with.
const (
	// FlagDelayed: the source publishes with a delay by contract, such as 15 minutes.
	FlagDelayed QuoteFlag = 1
	// FlagIndicative: a reference only, as the source has no tradable bid and ask.
	FlagIndicative QuoteFlag = 2
	// FlagHalted: trading is halted at the venue.
	FlagHalted QuoteFlag = 3
	// FlagSimulated: the source is a simulation, not the venue.
	FlagSimulated QuoteFlag = 4
	// FlagStale: served as state while its feed was not alive. Ask IsStale for how things stand now.
	FlagStale QuoteFlag = 5
)

// String is the name that the contract gives the flag, such as HALTED; the number of a flag of a newer server.
func (f QuoteFlag) String() string {
	return strings.TrimPrefix(pb.QuoteFlag(f).String(), "QUOTE_FLAG_")
}

// Quote is one revision of what is known of one instrument at one source. It is read-only, and may be kept and read
// from any goroutine.
//
// Prices are in the quote currency, sizes in the base currency (shares for stocks). A price, size or age that is not
// known is (0, false), never a bare zero; a time that is not known is the zero Time.
type Quote struct {
	message   *pb.Quote
	health    *health
	gapBefore bool
}

// Message is the protobuf message as it came; it must not be changed.
func (q *Quote) Message() *pb.Quote { return q.message }

// Symbol is the canonical name, such as BTCUSDT.
func (q *Quote) Symbol() string { return q.message.GetSymbol() }

// Type is the asset class: crypto, stock or fx.
func (q *Quote) Type() string { return q.message.GetType() }

// Exchange is the listing exchange; empty where none is known.
func (q *Quote) Exchange() string { return q.message.GetExchange() }

// Source is the name of the server's source that the quote comes from.
func (q *Quote) Source() string { return q.message.GetSource() }

// Channel is the source's upstream slot that carries the instrument.
func (q *Quote) Channel() string { return q.message.GetChannel() }

// BidExchange is the exchange of the leg whose bid this is, in a quote of the source consolidated; empty in others.
func (q *Quote) BidExchange() string { return q.message.GetBidExchange() }

// AskExchange is the exchange of the leg whose ask this is, in a quote of the source consolidated; empty in others.
func (q *Quote) AskExchange() string { return q.message.GetAskExchange() }

// LastExchange is the exchange of the leg whose last price this is, in a quote of the source consolidated; empty in
// others.
func (q *Quote) LastExchange() string { return q.message.GetLastExchange() }

// BidPrice is the best bid.
func (q *Quote) BidPrice() (price float64, known bool) { return value(q.message.BidPrice) }

// BidSize is the size at the best bid.
func (q *Quote) BidSize() (size float64, known bool) { return value(q.message.BidSize) }

// AskPrice is the best ask.
func (q *Quote) AskPrice() (price float64, known bool) { return value(q.message.AskPrice) }

// AskSize is the size at the best ask.
func (q *Quote) AskSize() (size float64, known bool) { return value(q.message.AskSize) }

// LastPrice is the price of the latest trade.
func (q *Quote) LastPrice() (price float64, known bool) { return value(q.message.LastPrice) }

// Volume is as the source counts it: rolling 24 h in base units for crypto, the session's shares for stocks.
func (q *Quote) Volume() (volume float64, known bool) { return value(q.message.Volume) }

// Timestamp is the venue's own time of this revision, UTC; zero when the venue gave none.
func (q *Quote) Timestamp() time.Time { return instant(q.message.GetTimestamp()) }

// ReceivedAt is when the server read it from the venue, UTC.
func (q *Quote) ReceivedAt() time.Time { return instant(q.message.GetReceivedAt()) }

// Epoch is the number of the unbroken chain of quotes that it belongs to.
func (q *Quote) Epoch() uint64 { return q.message.GetEpoch() }

// Revision is the position in the epoch, from 1, without holes.
func (q *Quote) Revision() uint64 { return q.message.GetRevision() }

// BidAskAge is how much older than ReceivedAt bid and ask are, to the millisecond; not known = never seen in this epoch.
func (q *Quote) BidAskAge() (age time.Duration, known bool) {
	return milliseconds(q.message.BidAskAgeMs)
}

// LastAge is how much older than ReceivedAt the last price is, to the millisecond; not known = never seen in this epoch.
func (q *Quote) LastAge() (age time.Duration, known bool) { return milliseconds(q.message.LastAgeMs) }

// Flags is what to weigh before acting on the quote. Flags of a newer server are among them, with its numbers.
func (q *Quote) Flags() []QuoteFlag {
	flags := make([]QuoteFlag, len(q.message.GetFlags()))
	for index, flag := range q.message.GetFlags() {
		flags[index] = QuoteFlag(flag)
	}
	return flags
}

// Has tells whether the quote is flagged so.
func (q *Quote) Has(flag QuoteFlag) bool {
	for _, given := range q.message.GetFlags() {
		if QuoteFlag(given) == flag {
			return true
		}
	}
	return false
}

// GapBefore tells whether updates of this instrument since the previous quote were, or may have been, missed.
func (q *Quote) GapBefore() bool { return q.gapBefore }

// IsStale tells whether the quote cannot be taken for the present, as far as is known at the moment of asking.
//
// True when its source's channel is not LIVE or THROTTLED or has begun a later epoch, and when nothing is known of the
// channel, as while the stream is cut and after it was left. Also while a stream that goes on catches up, until
// CaughtUp: what comes next may supersede it. A quote that is kept therefore turns stale when its source
// does, and back when the source recovers without a hole; FlagStale only tells how it was served. A quiet instrument of
// a live source is not stale. In a snapshot the answer is that of the moment at which it was served; from when a stream
// goes on after the snapshot, it is the stream's.
func (q *Quote) IsStale() bool { return q.health.isStale(q.message) }

// String is one line: source, symbol, the prices that are known, when it was received, and whether it is stale.
func (q *Quote) String() string {
	var line strings.Builder
	fmt.Fprintf(&line, "%s %s", q.Source(), q.Symbol())
	for _, price := range []struct {
		name  string
		value *float64
	}{{"bid", q.message.BidPrice}, {"ask", q.message.AskPrice}, {"last", q.message.LastPrice}} {
		if price.value != nil {
			fmt.Fprintf(&line, " %s=%s", price.name, strconv.FormatFloat(*price.value, 'f', -1, 64))
		}
	}
	if received := q.ReceivedAt(); !received.IsZero() {
		fmt.Fprintf(&line, " received=%s", received.Format(time.RFC3339Nano))
	}
	if q.IsStale() {
		line.WriteString(" stale")
	} else {
		line.WriteString(" live")
	}
	return line.String()
}

func value(field *float64) (float64, bool) {
	if field == nil {
		return 0, false
	}
	return *field, true
}

func milliseconds(field *uint64) (time.Duration, bool) {
	if field == nil {
		return 0, false
	}
	return time.Duration(*field) * time.Millisecond, true
}

func instant(timestamp *timestamppb.Timestamp) time.Time {
	if timestamp == nil {
		return time.Time{}
	}
	return timestamp.AsTime()
}
