// Command conformance prints what a user of the Go client sees, one JSON object a line, for the validator of
// tests/conformance, whose README says what each line holds.
//
//	conformance TARGET OPTIONS
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tickmux/tickmux/clients/go/tickmux"
)

// options is the second argument; what is missing is the library's default.
type options struct {
	Call               string   `json:"call"`
	Symbols            []string `json:"symbols"`
	Sources            []string `json:"sources"`
	Delivery           string   `json:"delivery"`
	HeartbeatIntervalS float64  `json:"heartbeat_interval_s"`
	BackoffCapS        float64  `json:"backoff_cap_s"`
	ReconnectsMax      *int     `json:"reconnects_max"`
	ResumeToken        string   `json:"resume_token"`
	Token              string   `json:"token"`
}

var deliveries = map[string]tickmux.Delivery{
	"": tickmux.DeliverAll, "ALL": tickmux.DeliverAll, "LATEST": tickmux.DeliverLatest, "ALL_OR_END": tickmux.DeliverAllOrEnd,
}

func main() {
	go func() {
		// Whoever started this program wants it to end, even while a line waits to be read.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run makes the calls that were asked for. What the library returns is printed; the error is one of the program itself.
func run(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("expected TARGET OPTIONS, got %d arguments", len(arguments))
	}
	var asked options
	if err := json.Unmarshal([]byte(arguments[1]), &asked); err != nil {
		return fmt.Errorf("OPTIONS must be one JSON object: %w", err)
	}
	if _, known := deliveries[asked.Delivery]; !known {
		return fmt.Errorf("no such delivery: %q", asked.Delivery)
	}
	user := newUser(os.Stdout)
	client, err := tickmux.Connect(arguments[0], asked.connecting()...)
	if err != nil {
		return user.print(failed(err))
	}
	defer client.Close()
	switch asked.Call {
	case "", "subscribe":
		return user.subscribe(client, asked.subscribing())
	case "snapshot":
		_, err := user.snapshot(client, asked.selecting())
		return err
	case "snapshot-then-subscribe":
		snapshot, err := user.snapshot(client, asked.selecting())
		if snapshot == nil {
			return err
		}
		return user.subscribe(client, append(asked.subscribing(), tickmux.After(snapshot)))
	default:
		return fmt.Errorf("no such call: %q", asked.Call)
	}
}

func (o options) connecting() []tickmux.ConnectOption {
	var chosen []tickmux.ConnectOption
	if o.BackoffCapS != 0 {
		chosen = append(chosen, tickmux.WithBackoffCap(seconds(o.BackoffCapS)))
	}
	if o.ReconnectsMax != nil {
		chosen = append(chosen, tickmux.WithReconnectsMax(*o.ReconnectsMax))
	}
	if o.Token != "" {
		chosen = append(chosen, tickmux.WithToken(o.Token))
	}
	return chosen
}

func (o options) selecting() []tickmux.ListOption {
	return []tickmux.ListOption{tickmux.Symbols(o.Symbols...), tickmux.Sources(o.Sources...)}
}

func (o options) subscribing() []tickmux.SubscribeOption {
	chosen := []tickmux.SubscribeOption{
		tickmux.Symbols(o.Symbols...), tickmux.Sources(o.Sources...), deliveries[o.Delivery],
	}
	if o.HeartbeatIntervalS != 0 {
		chosen = append(chosen, tickmux.HeartbeatInterval(seconds(o.HeartbeatIntervalS)))
	}
	if o.ResumeToken != "" {
		chosen = append(chosen, tickmux.ResumeToken(o.ResumeToken))
	}
	return chosen
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }

// user sees what the library gives, prints it, and keeps the latest quote of each instrument.
type user struct {
	lines *json.Encoder
	kept  map[string]*tickmux.Quote
}

func newUser(out io.Writer) *user {
	// Each line is one write, so none waits in a buffer.
	return &user{lines: json.NewEncoder(out), kept: map[string]*tickmux.Quote{}}
}

// snapshot returns nil if there is none.
func (u *user) snapshot(client *tickmux.Client, chosen []tickmux.ListOption) (*tickmux.Snapshot, error) {
	snapshot, err := client.Snapshot(context.Background(), chosen...)
	if err != nil {
		return nil, u.print(failed(err))
	}
	if err := u.print(taken(snapshot)); err != nil {
		return nil, err
	}
	for _, quote := range snapshot.Quotes {
		if err := u.keep(quote); err != nil {
			return nil, err
		}
	}
	return snapshot, nil
}

func (u *user) subscribe(client *tickmux.Client, chosen []tickmux.SubscribeOption) error {
	for event, err := range client.Subscribe(context.Background(), chosen...) {
		if err != nil {
			return u.print(failed(err))
		}
		if quote, isQuote := event.(*tickmux.Quote); isQuote {
			err = u.keep(quote)
		} else {
			err = u.print(happened(event))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keep prints a quote, too.
func (u *user) keep(quote *tickmux.Quote) error {
	u.kept[quote.Source()+"/"+quote.Symbol()] = quote
	return u.lines.Encode(quoted(quote))
}

// print adds which of the kept quotes are stale now.
func (u *user) print(seen line) error {
	seen["stale"] = u.stale()
	return u.lines.Encode(seen)
}
