// Command replay answers Subscribe with prepared bytes, as fast as flow control allows, so that a client is what is
// measured. Run by benchmarks/clients.py.
//
// It has no gRPC of its own: messages are framed beforehand, and written over HTTP/2 many at a time.
package main

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/tickmux/tickmux/benchmarks/go/worker"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// request is one line of stdin.
type request struct {
	Do string `json:"do"`
	// Of prepare: how many instruments there are, and how many quotes each response is to hold.
	Instruments int `json:"instruments"`
	Quotes      int `json:"quotes"`
}

type plan struct{ instruments, quotesEach int }

type answers struct{ plan atomic.Pointer[plan] }

func main() { worker.Run((&answers{}).answer) }

func (a *answers) answer(asked request) (any, error) {
	switch asked.Do {
	case "address":
		return a.listen()
	case "prepare":
		// It would fail later, unseen.
		if _, err := newLap(asked.Instruments, asked.Quotes); err != nil {
			return nil, err
		}
		a.plan.Store(&plan{asked.Instruments, asked.Quotes})
		return struct{}{}, nil
	case "usage":
		spent, err := worker.CPUSeconds()
		return map[string]any{"cpu_s": spent}, err
	default:
		return nil, worker.Unknown(asked.Do)
	}
}

func (a *answers) listen() (any, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(pb.MarketDataService_Subscribe_FullMethodName, a.subscribe)
	server := &http.Server{Handler: mux, Protocols: &http.Protocols{}}
	server.Protocols.SetUnencryptedHTTP2(true)
	// It serves until the process ends.
	go func() { _ = server.Serve(listener) }()
	return map[string]string{"address": listener.Addr().String()}, nil
}

// subscribe writes until the client is gone.
func (a *answers) subscribe(to http.ResponseWriter, _ *http.Request) {
	if err := replay(to, *a.plan.Load()); err != nil {
		panic(fmt.Sprintf("nothing can be replayed: %v", err))
	}
}

func replay(to http.ResponseWriter, of plan) error {
	laps, err := newLap(of.instruments, of.quotesEach)
	if err != nil {
		return err
	}
	first, err := opening(of.instruments)
	if err != nil {
		return err
	}
	to.Header().Set("Content-Type", "application/grpc")
	for data := first; ; {
		if _, err := to.Write(data); err != nil {
			// The client has gone, as it does once it has read enough.
			return nil
		}
		if data, err = laps.next(); err != nil {
			return err
		}
	}
}
