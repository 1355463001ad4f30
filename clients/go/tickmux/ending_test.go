package tickmux

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
)

func TestLeavingTheLoopEndsTheCallWhileTheClientLivesOn(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("", quote("A", 1))), scripted.Hang())}}
	client := serve(t, server)
	for _, err := range client.Subscribe(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	for range client.Quotes(t.Context()) {
		break
	}
	for range client.Responses(t.Context()) {
		break
	}
	if !server.WaitClosed(testLimit) {
		t.Error("a call is still open")
	}
	if _, err := client.Sources(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEachLoopIsASubscriptionOfItsOwn(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("t", quote("A", 1))), scripted.Hang())}}
	quotes := serve(t, server).Quotes(t.Context())
	for range 2 {
		for quote, err := range quotes {
			if err != nil || quote.GapBefore() {
				t.Fatal(quote, err)
			}
			break
		}
	}
	tokens(t, server, "", "")
}

func TestTheEndOfTheContextIsAnError(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("", quote("A", 1))), scripted.Hang())}}
	client := serve(t, server)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var last error
	for event, err := range client.Subscribe(ctx) {
		last = err
		if _, isCaughtUp := event.(CaughtUp); isCaughtUp {
			cancel(reason)
		}
	}
	if !errors.Is(last, context.Canceled) || !errors.Is(last, reason) {
		t.Errorf("got %v", last)
	}
	if _, err := client.Sources(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTheEndOfTheContextEndsAPause(t *testing.T) {
	later := scripted.Error(codes.Unavailable, "later", &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	server := &scripted.Server{Calls: [][]scripted.Step{{scripted.Fail(later)}}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for event, err := range serve(t, server).Subscribe(ctx) {
		last = err
		if _, isDisconnected := event.(Disconnected); isDisconnected {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
}

func TestClosingTheClientEndsItsLoopsWithoutAnError(t *testing.T) {
	later := scripted.Error(codes.Unavailable, "later", &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Hour)})
	for name, call := range map[string][]scripted.Step{
		"while it reads":  then(send(opening("", quote("A", 1))), scripted.Hang()),
		"while it pauses": {scripted.Fail(later)},
	} {
		t.Run(name, func(t *testing.T) {
			client := serve(t, &scripted.Server{Calls: [][]scripted.Step{call}})
			for _, err := range client.Subscribe(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				go client.Close()
			}
			for _, err := range client.Quotes(t.Context()) {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("got %v", err)
				}
			}
			if _, err := client.Snapshot(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNothingIsSentWhileTheClientCloses(t *testing.T) {
	// This server would break at a call.
	client := serve(t, &scripted.Server{})
	closing, finish := context.WithCancel(t.Context())
	client.closing = closing
	finish()
	if _, err := client.Snapshot(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	for _, err := range client.Subscribe(t.Context()) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAKeptQuoteIsAskedFromAnyGoroutine(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t", quote("A", 1))), scripted.Cut()),
		then(send(resumed("", quote("A", 2)), scripted.Reset("", quote("A", 9))), scripted.Hang()),
	}}
	client := serve(t, server)
	left := make(chan struct{})
	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(left)
	for quote, err := range client.Quotes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		asking.Go(func() {
			for {
				select {
				case <-left:
					return
				default:
					quote.IsStale()
				}
			}
		})
		if quote.Revision() == 9 {
			break
		}
	}
}
