package tickmux

import (
	"fmt"

	"google.golang.org/grpc/codes"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const pagesMax = 1000

// allPages asks for page after page until the last.
func allPages[Page interface{ GetNextPageToken() string }](ask func(token string) (Page, error)) ([]Page, error) {
	var pages []Page
	token := ""
	for {
		page, err := ask(token)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
		next := page.GetNextPageToken()
		switch {
		case next == "":
			return pages, nil
		case next == token || len(pages) >= pagesMax:
			return nil, &Error{
				Code: codes.Internal, kind: ErrUnavailable,
				message: fmt.Sprintf("the server does not end its list after %d pages", len(pages)),
			}
		}
		token = next
	}
}

// newSnapshot is everything that the pages say.
func newSnapshot(pages []*pb.GetSnapshotResponse) *Snapshot {
	first, last := pages[0], pages[len(pages)-1]
	// The statuses are those of the first page; what a later page flags is not known to be the present.
	told, unknown := newHealth(first.GetSourceStatuses()...), newHealth()
	snapshot := &Snapshot{
		SourceStatuses: sourceStatuses(first.GetSourceStatuses()),
		Unmatched:      first.GetUnmatched(),
		ResumeToken:    last.GetResumeToken(),
		health:         []*health{told, unknown},
	}
	for _, page := range pages {
		for _, message := range page.GetQuotes() {
			quote := &Quote{message: message, health: told}
			if quote.Has(FlagStale) {
				quote.health = unknown
			}
			snapshot.Quotes = append(snapshot.Quotes, quote)
		}
	}
	return snapshot
}

// newInstruments is everything that the pages say.
func newInstruments(pages []*pb.ListInstrumentsResponse) *Instruments {
	listed := &Instruments{Unmatched: pages[0].GetUnmatched()}
	for _, page := range pages {
		for _, message := range page.GetInstruments() {
			listed.Instruments = append(listed.Instruments, Instrument{message})
		}
	}
	return listed
}

func sourceStatuses(messages []*pb.SourceStatus) []SourceStatus {
	statuses := make([]SourceStatus, len(messages))
	for index, message := range messages {
		statuses[index] = SourceStatus{message}
	}
	return statuses
}
