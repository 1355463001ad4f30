package tickmux

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	benchmarkSymbols = 500
	quotesInBatch    = 1000
)

// batches are responses as the server writes them, the first of which opens the stream.
func batches(b *testing.B, count int) [][]byte {
	b.Helper()
	now := timestamppb.New(time.Now())
	revisions := [benchmarkSymbols]uint64{}
	encoded := make([][]byte, count)
	for index := range encoded {
		response := live("token")
		if index == 0 {
			response = opening("token")
		}
		for number := range quotesInBatch {
			symbol := number % benchmarkSymbols
			revisions[symbol]++
			update := scripted.QuoteAt(fmt.Sprintf("S%03dUSDT", symbol), revisions[symbol], 100.5)
			update.Type, update.Exchange = "crypto", "Binance"
			update.AskPrice, update.BidSize, update.AskSize = proto.Float64(100.6), proto.Float64(1.5), proto.Float64(2.5)
			update.ReceivedAt, update.BidAskAgeMs = now, proto.Uint64(0)
			response.Quotes = append(response.Quotes, update)
		}
		data, err := proto.Marshal(response)
		if err != nil {
			b.Fatal(err)
		}
		encoded[index] = data
	}
	return encoded
}

// consume decodes batch after batch and reads a field of each quote, as a user would.
func consume(b *testing.B, read func(*pb.SubscribeResponse) float64) {
	b.Helper()
	encoded := batches(b, b.N)
	b.ReportAllocs()
	sum := 0.0
	b.ResetTimer()
	for _, data := range encoded {
		response := &pb.SubscribeResponse{}
		if err := proto.Unmarshal(data, response); err != nil {
			b.Fatal(err)
		}
		sum += read(response)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*quotesInBatch), "ns/quote")
	if sum == 0 {
		b.Fatal("nothing was read")
	}
}

func BenchmarkRawStubs(b *testing.B) {
	consume(b, func(response *pb.SubscribeResponse) float64 {
		sum := 0.0
		for _, quote := range response.GetQuotes() {
			sum += quote.GetBidPrice()
		}
		return sum
	})
}

func BenchmarkClient(b *testing.B) {
	asked, err := newSubscription(nil)
	if err != nil {
		b.Fatal(err)
	}
	s := newSession(asked, terms{now: time.Now})
	s.open()
	consume(b, func(response *pb.SubscribeResponse) float64 {
		sum := 0.0
		for _, event := range s.receive(response) {
			if quote, isQuote := event.(*Quote); isQuote {
				bid, _ := quote.BidPrice()
				sum += bid
			}
		}
		return sum
	})
}
