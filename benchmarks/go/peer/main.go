// Command peer is a server of quotes as most people write one with grpc-go, to have beside ours. Run by
// benchmarks/peer.py.
package main

import (
	"net"
	"time"

	"google.golang.org/grpc"

	"github.com/tickmux/tickmux/benchmarks/go/worker"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// request is one line of stdin.
type request struct {
	Do string `json:"do"`
	// Of plan: the instruments, which of them changes at each update, and the time between two bursts.
	Source  string   `json:"source"`
	Symbols []string `json:"symbols"`
	Order   []int    `json:"order"`
	BurstS  float64  `json:"burst_s"`
	// Of run.
	Rate    float64 `json:"rate"`
	Updates int     `json:"updates"`
}

type answers struct {
	hub  *hub
	feed *feed
}

func main() {
	var a answers
	a.hub = &hub{}
	worker.Run(a.answer)
}

func (a *answers) answer(asked request) (any, error) {
	switch asked.Do {
	case "plan":
		burst := time.Duration(asked.BurstS * float64(time.Second))
		a.feed = &feed{source: asked.Source, symbols: asked.Symbols, order: asked.Order, burst: burst, hub: a.hub}
		return struct{}{}, nil
	case "address":
		return a.listen()
	case "run":
		started := time.Now()
		spent := a.feed.run(asked.Rate, asked.Updates)
		return map[string]any{"started_ns": started.UnixNano(), "seconds": spent.Seconds()}, nil
	case "usage":
		spent, err := worker.CPUSeconds()
		return map[string]any{"cpu_s": spent, "streams": a.hub.count()}, err
	default:
		return nil, worker.Unknown(asked.Do)
	}
}

func (a *answers) listen() (any, error) {
	if err := worker.RaiseFileLimit(); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	pb.RegisterMarketDataServiceServer(server, &service{hub: a.hub})
	// It serves until the process ends.
	go func() { _ = server.Serve(listener) }()
	return map[string]string{"address": listener.Addr().String()}, nil
}
