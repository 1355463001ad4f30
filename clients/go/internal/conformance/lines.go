package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/tickmux/tickmux/clients/go/tickmux"
)

// line is what is printed of one thing that a user sees.
type line map[string]any

var flags = []tickmux.QuoteFlag{
	tickmux.FlagDelayed, tickmux.FlagIndicative, tickmux.FlagHalted, tickmux.FlagSimulated, tickmux.FlagStale,
}

// kinds of errors, in the names of the protocol.
var kinds = map[error]string{
	tickmux.ErrInvalidRequest: "INVALID_REQUEST",
	tickmux.ErrAccessDenied:   "ACCESS_DENIED",
	tickmux.ErrUnimplemented:  "UNIMPLEMENTED",
	tickmux.ErrUnavailable:    "UNAVAILABLE",
}

func quoted(quote *tickmux.Quote) line {
	return line{
		"line": "Quote", "source": quote.Source(), "symbol": quote.Symbol(), "type": quote.Type(),
		"exchange": quote.Exchange(), "channel": quote.Channel(),
		"epoch": quote.Epoch(), "revision": quote.Revision(),
		"bid_price": orNull(quote.BidPrice()), "bid_size": orNull(quote.BidSize()),
		"ask_price": orNull(quote.AskPrice()), "ask_size": orNull(quote.AskSize()),
		"last_price": orNull(quote.LastPrice()), "volume": orNull(quote.Volume()),
		"bid_ask_age_ms": milliseconds(quote.BidAskAge()), "last_age_ms": milliseconds(quote.LastAge()),
		"timestamp_ns": nanoseconds(quote.Timestamp()), "received_at_ns": nanoseconds(quote.ReceivedAt()),
		"flags": flagged(quote), "gap_before": quote.GapBefore(), "is_stale": quote.IsStale(),
	}
}

// happened is the line of an event that is no quote.
func happened(event tickmux.Event) line {
	switch event := event.(type) {
	case tickmux.CaughtUp:
		return line{"line": "CaughtUp"}
	case tickmux.Conflated:
		return line{"line": "Conflated", "count": event.Count}
	case tickmux.Disconnected:
		return line{
			"line": "Disconnected", "reason": event.Reason, "attempts": event.Attempts,
			"retry_in_s": event.RetryIn.Seconds(),
		}
	case tickmux.GoingAway:
		return line{"line": "GoingAway"}
	case tickmux.Hole:
		return line{
			"line": "Hole", "source": event.Source, "symbol": event.Symbol, "epoch": event.Epoch,
			"expected_revision": event.ExpectedRevision, "seen_revision": event.SeenRevision,
		}
	case tickmux.Reconnected:
		return line{"line": "Reconnected", "attempts": event.Attempts, "resumed": event.Resumed}
	case tickmux.Reset:
		return line{"line": "Reset"}
	case tickmux.SourceChanged:
		changed := status(event.Status)
		changed["line"] = "SourceChanged"
		return changed
	case tickmux.Unmatched:
		return line{"line": "Unmatched", "symbols": orEmpty(event.Symbols)}
	default:
		return line{"line": "an event that this program does not know"}
	}
}

func taken(snapshot *tickmux.Snapshot) line {
	statuses := []line{}
	for _, told := range snapshot.SourceStatuses {
		statuses = append(statuses, status(told))
	}
	return line{
		"line": "Snapshot", "resume_token": snapshot.ResumeToken, "unmatched": orEmpty(snapshot.Unmatched),
		"source_statuses": statuses,
	}
}

func status(told tickmux.SourceStatus) line {
	return line{
		"source": told.Source(), "channel": told.Channel(), "state": told.State().String(), "epoch": told.Epoch(),
		"is_healthy": told.IsHealthy(),
	}
}

func failed(err error) line {
	kind := "OTHER"
	for known, name := range kinds {
		if errors.Is(err, known) {
			kind = name
		}
	}
	failure := &tickmux.Error{}
	errors.As(err, &failure)
	var retryAfter any
	if failure.RetryAfter > 0 {
		retryAfter = failure.RetryAfter.Seconds()
	}
	return line{
		"line": "Error", "kind": kind, "code": code.Code(failure.Code).String(), "reason": failure.Reason,
		"resume_token": failure.ResumeToken, "retry_after_s": retryAfter,
	}
}

// stale tells which of the kept quotes are stale, asked now.
func (u *user) stale() []string {
	names := []string{}
	for name, quote := range u.kept {
		if quote.IsStale() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func flagged(quote *tickmux.Quote) []string {
	names := []string{}
	for _, flag := range flags {
		if quote.Has(flag) {
			names = append(names, strings.ToLower(flag.String()))
		}
	}
	slices.Sort(names)
	return names
}

func orNull(number float64, known bool) any {
	if !known {
		return nil
	}
	return number
}

func milliseconds(age time.Duration, known bool) any {
	if !known {
		return nil
	}
	return age.Milliseconds()
}

func nanoseconds(instant time.Time) any {
	if instant.IsZero() {
		return nil
	}
	return instant.UnixNano()
}

// orEmpty keeps an empty list from being printed as null.
func orEmpty(names []string) []string { return append([]string{}, names...) }
