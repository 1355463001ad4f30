// Command reader is one consumer of quotes, with our client or with the generated code alone. Run by
// benchmarks/clients.py.
package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tickmux/tickmux/benchmarks/go/worker"
	"github.com/tickmux/tickmux/clients/go/tickmux"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// request is one line of stdin.
type request struct {
	// Do is consume, or latency.
	Do string `json:"do"`
	// Way is client, or stubs.
	Way     string  `json:"way"`
	Address string  `json:"address"`
	WarmUpS float64 `json:"warm_up_s"`
	Seconds float64 `json:"seconds"`
}

func main() { worker.Run(answer) }

func answer(asked request) (any, error) {
	switch asked.Do + " " + asked.Way {
	case "consume client":
		return consumeWithClient(asked)
	case "consume stubs":
		return consumeWithStubs(asked)
	case "latency client":
		return latencyWithClient(asked)
	case "latency stubs":
		return latencyWithStubs(asked)
	default:
		return nil, worker.Unknown(asked.Do + " " + asked.Way)
	}
}

// user is what is done with each quote: enough to know of what it is, and its bid.
type user struct {
	bids   float64
	letter int
}

func (u *user) take(symbol string, bid float64) {
	u.letter += len(symbol)
	u.bids += bid
}

func (u *user) check() error {
	if u.bids == 0 || u.letter == 0 {
		return fmt.Errorf("nothing was read")
	}
	return nil
}

func consumeWithClient(asked request) (any, error) {
	client, err := tickmux.Connect(asked.Address)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var u user
	span := newMeter(asked.WarmUpS, asked.Seconds)
	for quote, err := range client.Quotes(context.Background()) {
		if err != nil {
			return nil, err
		}
		bid, _ := quote.BidPrice()
		u.take(quote.Symbol(), bid)
		if span.isOver() {
			break
		}
	}
	return &span.result, firstOf(span.failure, u.check())
}

func consumeWithStubs(asked request) (any, error) {
	var u user
	span := newMeter(asked.WarmUpS, asked.Seconds)
	err := subscribe(asked.Address, func(response *pb.SubscribeResponse) bool {
		for _, quote := range response.GetQuotes() {
			u.take(quote.GetSymbol(), quote.GetBidPrice())
			if span.isOver() {
				return false
			}
		}
		return true
	})
	return &span.result, firstOf(err, span.failure, u.check())
}

func latencyWithClient(asked request) (any, error) {
	client, err := tickmux.Connect(asked.Address)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	watch := newStopwatch(asked.WarmUpS, asked.Seconds)
	for quote, err := range client.Quotes(context.Background()) {
		if err != nil {
			return nil, err
		}
		if watch.isOver(quote.ReceivedAt()) {
			break
		}
	}
	return map[string][]int64{"latencies_ns": watch.latenciesNS}, nil
}

func latencyWithStubs(asked request) (any, error) {
	watch := newStopwatch(asked.WarmUpS, asked.Seconds)
	err := subscribe(asked.Address, func(response *pb.SubscribeResponse) bool {
		for _, quote := range response.GetQuotes() {
			if watch.isOver(quote.GetReceivedAt().AsTime()) {
				return false
			}
		}
		return true
	})
	return map[string][]int64{"latencies_ns": watch.latenciesNS}, err
}

// subscribe is what a program does that has no client but the generated code.
func subscribe(address string, take func(*pb.SubscribeResponse) bool) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := pb.NewMarketDataServiceClient(connection).Subscribe(ctx, &pb.SubscribeRequest{})
	if err != nil {
		return err
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		if !take(response) {
			return nil
		}
	}
}

func firstOf(failures ...error) error {
	for _, failure := range failures {
		if failure != nil {
			return failure
		}
	}
	return nil
}
