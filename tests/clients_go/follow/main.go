// Command follow prints what a user of the Go client sees, one JSON object a line, until it is told to end.
//
//	follow TARGET
//
// The environment may hold FOLLOW_CA, a PEM file, and FOLLOW_TOKEN.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/tickmux/tickmux/clients/go/tickmux"
)

type line struct {
	Event    string `json:"event"`
	Source   string `json:"source,omitempty"`
	Symbol   string `json:"symbol,omitempty"`
	Epoch    uint64 `json:"epoch,omitempty"`
	Revision uint64 `json:"revision,omitempty"`
	Gap      bool   `json:"gap,omitempty"`
	Resumed  bool   `json:"resumed,omitempty"`
	Text     string `json:"text,omitempty"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := follow(ctx, os.Args[1]); !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "ended by", err)
		os.Exit(1)
	}
}

func follow(ctx context.Context, target string) error {
	var options []tickmux.ConnectOption
	if file := os.Getenv("FOLLOW_CA"); file != "" {
		options = append(options, tickmux.WithCA(file))
	}
	if token := os.Getenv("FOLLOW_TOKEN"); token != "" {
		options = append(options, tickmux.WithToken(token))
	}
	client, err := tickmux.Connect(target, options...)
	if err != nil {
		return err
	}
	defer client.Close()
	out := bufio.NewWriter(os.Stdout)
	lines := json.NewEncoder(out)
	for event, err := range client.Subscribe(ctx) {
		if err != nil {
			return err
		}
		if err := errors.Join(lines.Encode(seen(event)), out.Flush()); err != nil {
			return err
		}
	}
	return nil
}

func seen(event tickmux.Event) line {
	name := strings.TrimPrefix(fmt.Sprintf("%T", event), "tickmux.")
	switch event := event.(type) {
	case *tickmux.Quote:
		return line{
			Event: "Quote", Source: event.Source(), Symbol: event.Symbol(),
			Epoch: event.Epoch(), Revision: event.Revision(), Gap: event.GapBefore(),
		}
	case tickmux.Hole:
		return line{Event: name, Source: event.Source, Symbol: event.Symbol, Epoch: event.Epoch, Revision: event.SeenRevision}
	case tickmux.Reconnected:
		return line{Event: name, Resumed: event.Resumed}
	case tickmux.SourceChanged:
		return line{Event: name, Text: event.Status.String()}
	default:
		return line{Event: name, Text: fmt.Sprintf("%+v", event)}
	}
}
