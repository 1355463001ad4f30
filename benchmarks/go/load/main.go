// Command load is the clients of the fan-out, each with a connection of its own. Run by benchmarks/fan_out.py.
//
// It decodes one response of so many, and counts the quotes of the others by their bytes, so that the server is what is
// measured.
package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tickmux/tickmux/benchmarks/go/worker"
)

// request is one line of stdin.
type request struct {
	Do string `json:"do"`
	// Of open: Selections has the symbols of each client, none of which stands for all.
	Address     string     `json:"address"`
	Selections  [][]string `json:"selections"`
	SampleEvery int        `json:"sample_every"`
	// Of collect: how many quotes each client is owed, and how long it may wait for them.
	Owed   []uint64 `json:"owed"`
	LimitS float64  `json:"limit_s"`
}

// collected is what all clients of this process received.
type collected struct {
	CPUS        float64 `json:"cpu_s"`
	Quotes      uint64  `json:"quotes"`
	Conflated   uint64  `json:"conflated"`
	LastNS      int64   `json:"last_ns"`
	Responses   int     `json:"responses"`
	LatenciesNS []int64 `json:"latencies_ns"`
}

type answers struct{ clients []*client }

func main() { worker.Run((&answers{}).answer) }

func (a *answers) answer(asked request) (any, error) {
	switch asked.Do {
	case "open":
		return struct{}{}, a.open(asked)
	case "collect":
		return a.collect(asked)
	default:
		return nil, worker.Unknown(asked.Do)
	}
}

func (a *answers) open(asked request) error {
	if err := worker.RaiseFileLimit(); err != nil {
		return err
	}
	agreed := &sampling{every: asked.SampleEvery}
	a.clients = make([]*client, len(asked.Selections))
	return together(len(a.clients), func(number int) (err error) {
		a.clients[number], err = open(asked.Address, asked.Selections[number], number, agreed)
		return err
	})
}

func (a *answers) collect(asked request) (*collected, error) {
	before, err := worker.CPUSeconds()
	if err != nil {
		return nil, err
	}
	// What has come by then is the answer.
	limit := time.AfterFunc(time.Duration(asked.LimitS*float64(time.Second)), func() {
		for _, client := range a.clients {
			client.cancel()
		}
	})
	err = together(len(a.clients), func(number int) error {
		err := a.clients[number].collect(asked.Owed[number])
		if status.Code(err) == codes.Canceled || errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	limit.Stop()
	if err != nil {
		return nil, err
	}
	after, err := worker.CPUSeconds()
	if err != nil {
		return nil, err
	}
	sum := &collected{CPUS: after - before, LatenciesNS: []int64{}}
	for _, client := range a.clients {
		sum.Quotes += client.quotes
		sum.Conflated += client.conflated
		sum.Responses += client.responses
		sum.LastNS = max(sum.LastNS, client.lastNS)
		sum.LatenciesNS = append(sum.LatenciesNS, client.latenciesNS...)
	}
	return sum, together(len(a.clients), func(number int) error { return a.clients[number].close() })
}

// together does something for each number below count at the same time, and returns what went wrong.
func together(count int, do func(number int) error) error {
	failures := make([]error, count)
	var all sync.WaitGroup
	for number := range count {
		all.Go(func() { failures[number] = do(number) })
	}
	all.Wait()
	return errors.Join(failures...)
}
