package scripted

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// Source and Channel that all messages are about, unless a test changes them.
const (
	Source  = "binance"
	Channel = "0"
)

// Quote of the first epoch.
func Quote(symbol string, revision uint64) *pb.Quote { return QuoteOf(symbol, 1, revision) }

// QuoteOf an epoch.
func QuoteOf(symbol string, epoch, revision uint64) *pb.Quote {
	return &pb.Quote{Symbol: symbol, Source: Source, Channel: Channel, Epoch: epoch, Revision: revision}
}

// QuoteAt has a bid.
func QuoteAt(symbol string, revision uint64, bid float64) *pb.Quote {
	quote := Quote(symbol, revision)
	quote.BidPrice = proto.Float64(bid)
	return quote
}

// Status of the first epoch.
func Status(state pb.SourceState) *pb.SourceStatus { return StatusOf(state, 1) }

// StatusOf an epoch.
func StatusOf(state pb.SourceState, epoch uint64) *pb.SourceStatus {
	return &pb.SourceStatus{Source: Source, Channel: Channel, State: state, Epoch: epoch}
}

// Statuses that come without quotes.
func Statuses(statuses ...*pb.SourceStatus) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{SourceStatuses: statuses}
}

// Opening is one response that opens a phase, holds its whole state, and completes it.
func Opening(token string, quotes ...*pb.Quote) *pb.SubscribeResponse {
	return phase(pb.Continuity_CONTINUITY_SNAPSHOT, token, quotes)
}

// Reset is Opening after a loss.
func Reset(token string, quotes ...*pb.Quote) *pb.SubscribeResponse {
	return phase(pb.Continuity_CONTINUITY_RESET, token, quotes)
}

// Resumed is one response that goes on, and holds all that was missed.
func Resumed(token string, quotes ...*pb.Quote) *pb.SubscribeResponse {
	return phase(pb.Continuity_CONTINUITY_RESUMED, token, quotes)
}

// Live is what follows.
func Live(token string, quotes ...*pb.Quote) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{Quotes: quotes, ResumeToken: token}
}

// Conflated is Live after so many updates were passed over.
func Conflated(count uint64, quotes ...*pb.Quote) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{Quotes: quotes, Conflated: count}
}

// Farewell announces the end of a stream.
func Farewell(token string) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{GoingAway: true, ResumeToken: token}
}

func phase(continuity pb.Continuity, token string, quotes []*pb.Quote) *pb.SubscribeResponse {
	return &pb.SubscribeResponse{
		Continuity:     continuity,
		SourceStatuses: []*pb.SourceStatus{Status(pb.SourceState_SOURCE_STATE_LIVE)},
		Quotes:         quotes,
		CaughtUp:       true,
		ResumeToken:    token,
	}
}
