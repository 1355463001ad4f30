package tickmux

import (
	"fmt"
	"slices"
	"testing"
)

// summary has a line for each event: quotes as symbol, epoch/revision and whether there is a gap before.
func summary(events []Event) []string {
	lines := []string{}
	for _, event := range events {
		lines = append(lines, line(event))
	}
	return lines
}

func line(event Event) string {
	switch event := event.(type) {
	case *Quote:
		if event.GapBefore() {
			return fmt.Sprintf("gap, %s %d/%d", event.Symbol(), event.Epoch(), event.Revision())
		}
		return fmt.Sprintf("%s %d/%d", event.Symbol(), event.Epoch(), event.Revision())
	case Hole:
		return fmt.Sprintf("hole %s %d/%d, not %d", event.Symbol, event.Epoch, event.SeenRevision, event.ExpectedRevision)
	case SourceChanged:
		return event.Status.State().String()
	case CaughtUp:
		return "caught up"
	case Conflated:
		return fmt.Sprintf("conflated %d", event.Count)
	case Reset:
		return "reset"
	case Reconnected:
		if event.Resumed {
			return "reconnected, resumed"
		}
		return "reconnected"
	case Disconnected:
		return fmt.Sprintf("disconnected, %d tries", event.Attempts)
	case GoingAway:
		return "going away"
	case Unmatched:
		return fmt.Sprintf("unmatched %v", event.Symbols)
	default:
		return fmt.Sprintf("%T", event)
	}
}

func expect(t *testing.T, events []Event, lines ...string) {
	t.Helper()
	if got := summary(events); !slices.Equal(got, lines) {
		t.Errorf("got  %q\nwant %q", got, lines)
	}
}

func quotesOf(events []Event) []*Quote {
	var quotes []*Quote
	for _, event := range events {
		if quote, isQuote := event.(*Quote); isQuote {
			quotes = append(quotes, quote)
		}
	}
	return quotes
}

func equal[Value comparable](t *testing.T, what string, got, want Value) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
