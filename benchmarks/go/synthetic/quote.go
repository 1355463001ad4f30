// Package synthetic makes the quotes of the benchmarks' servers, as benchmarks/feed.py has them made by ours.
package synthetic

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	// Channel that all instruments live on.
	Channel = "0"
	// Epoch of all quotes.
	Epoch = 1_790_000_000_000
	// prices is how many different ones follow each other.
	prices = 997
)

// Quote is received now, and has the fields that a quote of our own server has. Its price goes by its number.
func Quote(source, symbol string, revision uint64, number int) *pb.Quote {
	bid := 30_000 + float64(number%prices)/100
	return &pb.Quote{
		Symbol:      symbol,
		Type:        "crypto",
		Exchange:    "Synthetic",
		BidPrice:    proto.Float64(bid),
		AskPrice:    proto.Float64(bid + 0.01),
		BidSize:     proto.Float64(1.5),
		AskSize:     proto.Float64(2.5),
		Source:      source,
		Epoch:       Epoch,
		Revision:    revision,
		ReceivedAt:  timestamppb.Now(),
		Channel:     Channel,
		BidAskAgeMs: proto.Uint64(0),
	}
}
