package tickmux

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// The log of a server: A and B are updated in turn, token tN stands after update N.
const (
	logLength = 24
	// A server that lost its history at this update begins anew there.
	resetAt = 15
)

func tokenAt(update uint64) string { return fmt.Sprintf("t%d", update) }

// update N of the log; the revisions of an instrument rise by 1.
func update(number uint64) *pb.Quote {
	return quote([]string{"A", "B"}[number%2], (number+1)/2)
}

func updates(first, last uint64) []*pb.Quote {
	var quotes []*pb.Quote
	for number := first; number <= last; number++ {
		quotes = append(quotes, update(number))
	}
	return quotes
}

// firstLife is what the server plays for a program that is cut at some event of it: an opening state in two responses,
// batches with a token and without, a resume that repeats, a heartbeat, a reset whose state comes in two responses.
func firstLife() [][]scripted.Step {
	return [][]scripted.Step{
		then(send(
			notComplete(opening("", update(1))),
			&pb.SubscribeResponse{Quotes: updates(2, 2), CaughtUp: true, ResumeToken: tokenAt(2)},
			live(tokenAt(5), updates(3, 5)...), live("", update(6)), live(tokenAt(8), updates(7, 8)...),
		), scripted.Cut()),
		send(
			notComplete(resumed("", update(8), update(9))), live(tokenAt(10), update(10)),
			live(tokenAt(12), updates(11, 12)...),
			reset(update(resetAt)),
			&pb.SubscribeResponse{Quotes: updates(resetAt+1, resetAt+1), CaughtUp: true, ResumeToken: tokenAt(resetAt + 1)},
			live(tokenAt(19), updates(17, 19)...), live(tokenAt(20), update(20)),
		),
	}
}

// secondLife is what the server answers to the program that has started anew.
func secondLife(request *pb.SubscribeRequest) []scripted.Step {
	state := updates(logLength-1, logLength)
	if request.GetResumeToken() == "" {
		return then(send(opening("", state...)), scripted.Hang())
	}
	var reached uint64
	if _, err := fmt.Sscanf(request.GetResumeToken(), "t%d", &reached); err != nil {
		panic(err)
	}
	if reached < resetAt {
		return then(send(scripted.Reset("", state...)), scripted.Hang())
	}
	return then(send(resumed("", updates(reached+1, logLength)...)), scripted.Hang())
}

// runUntil is one life of a program: what it is given up to an event that is the last, and the token that it has then.
func runUntil(
	t *testing.T, server *scripted.Server, isLast func(int, Event) bool, options ...SubscribeOption,
) (given []Event, token string) {
	t.Helper()
	var position Position
	events, err := watch(t, serve(t, server), func(event Event) bool {
		given = append(given, event)
		token = position.ResumeToken()
		return isLast(len(given), event)
	}, append(options, Track(&position))...)
	if err != nil {
		t.Fatal(err)
	}
	return events, token
}

func updateOf(event Event) (number uint64, isQuote bool) {
	quote, isQuote := event.(*Quote)
	if !isQuote {
		return 0, false
	}
	number = 2 * quote.Revision()
	if quote.Symbol() == "B" {
		number--
	}
	return number, true
}

func isUpdate(wanted uint64) func(int, Event) bool {
	return func(_ int, event Event) bool {
		number, isQuote := updateOf(event)
		return isQuote && number == wanted
	}
}

// missing are the updates that were lost without a Reset before the next one.
func missing(events []Event) []uint64 {
	var lost []uint64
	var seen uint64
	isTold := false
	for _, event := range events {
		if _, isReset := event.(Reset); isReset {
			isTold = true
		}
		number, isQuote := updateOf(event)
		if !isQuote {
			continue
		}
		for seen+1 < number {
			seen++
			if !isTold {
				lost = append(lost, seen)
			}
		}
		seen = max(seen, number)
		isTold = false
	}
	return lost
}

func TestAProgramThatIsCutAtAnyEventGoesOnFromItsPositionAndMissesNothing(t *testing.T) {
	whole, _ := runUntil(t, &scripted.Server{Calls: firstLife()}, isUpdate(20))
	for count := 1; count <= len(whole); count++ {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			isLast := func(given int, _ Event) bool { return given == count }
			before, token := runUntil(t, &scripted.Server{Calls: firstLife()}, isLast)
			isComplete := slices.Contains(before[:count-1], Event(CaughtUp{}))
			equal(t, "has a token", token != "", isComplete)
			after, _ := runUntil(t, &scripted.Server{Answer: secondLife}, isUpdate(logLength), ResumeToken(token))
			if !isComplete {
				// It knows that it goes on nowhere: it has no token.
				before = nil
				after = append([]Event{Reset{}}, after...)
			}
			if lost := missing(append(before, after...)); len(lost) > 0 {
				t.Errorf("lost %v with the token %q after %q", lost, token, summary(before))
			}
		})
	}
}

func TestAPositionStandsForWhatHasBeenThroughTheBody(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(
		opening("t1", quote("A", 1)), live("t3", quote("A", 2), quote("A", 3)), live("", quote("A", 4)),
		live("t5", quote("A", 5)), live("t6", quote("A", 6)),
	), scripted.Hang())}}
	var position Position
	seen := []string{}
	_, err := watch(t, serve(t, server), func(event Event) bool {
		seen = append(seen, line(event)+" at "+position.ResumeToken())
		return revision(6)(event)
	}, Track(&position))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{
		"LIVE at ", "A 1/1 at ", "caught up at ", "A 1/2 at t1", "A 1/3 at t1", "A 1/4 at t3", "A 1/5 at t3", "A 1/6 at t5",
	}; !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
	equal(t, "once the loop is left", position.ResumeToken(), "t5")
}

func TestAPositionMovesOnWithHeartbeatsAndIsReadFromAnyGoroutine(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t1", quote("A", 1)), live("t2"), live("t3")), scripted.Hang()),
	}}
	client := serve(t, server)
	var position Position
	var reading sync.WaitGroup
	reading.Go(func() {
		defer client.Close()
		for position.ResumeToken() != "t3" && t.Context().Err() == nil {
			runtime.Gosched()
		}
	})
	for _, err := range client.Quotes(t.Context(), Track(&position)) {
		if err != nil {
			t.Error(err)
		}
	}
	reading.Wait()
	equal(t, "token", position.ResumeToken(), "t3")
}

func TestAPositionOfRawResponses(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		send(opening("t1", quote("A", 1)), live("", quote("A", 2)), live("t3", quote("A", 3))),
	}}
	var position Position
	seen := []string{}
	for _, err := range serve(t, server).Responses(t.Context(), Track(&position)) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, position.ResumeToken())
	}
	if want := []string{"", "t1", "t1"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
	equal(t, "at the end", position.ResumeToken(), "t3")
}

func tracked(t *testing.T, options ...SubscribeOption) (*session, *Position) {
	t.Helper()
	position := &Position{}
	return subject(t, append(options, Track(position))...), position
}

// throughTheBody has a response received and all its events handed out.
func throughTheBody(s *session, response *pb.SubscribeResponse) {
	s.receive(response)
	s.handedOut()
}

func TestAPositionBeginsWhereTheSubscriptionDoes(t *testing.T) {
	for _, start := range []SubscribeOption{ResumeToken("start"), After(snapshotOf("start"))} {
		_, position := tracked(t, start)
		equal(t, "token", position.ResumeToken(), "start")
	}
	position := &Position{token: "of another loop"}
	subject(t, Track(position))
	equal(t, "token", position.ResumeToken(), "")
}

func TestAPositionOutlivesItsChainSoThatWhoComesBackWithItIsToldOfTheLoss(t *testing.T) {
	s, position := tracked(t)
	s.open()
	throughTheBody(s, opening("one", quote("A", 1)))
	throughTheBody(s, reset(quote("A", 9)))
	equal(t, "in the state of a reset", position.ResumeToken(), "one")
	s.receive(&pb.SubscribeResponse{CaughtUp: true, ResumeToken: "nine"})
	equal(t, "before it is handed out", position.ResumeToken(), "one")
	s.handedOut()
	equal(t, "after the state", position.ResumeToken(), "nine")
}

func TestAPositionThatTheServerRefusesIsGivenUpOnceTheLossHasBeenTold(t *testing.T) {
	s, position := tracked(t)
	s.open()
	throughTheBody(s, opening("one", quote("A", 1)))
	lose(t, s, down())
	s.open()
	lose(t, s, &Error{Code: codes.InvalidArgument, kind: ErrInvalidRequest})
	equal(t, "before", position.ResumeToken(), "one")
	s.open()
	expect(t, s.receive(opening("", quote("A", 5))), "reconnected", "reset", "LIVE", "gap, A 1/5", "caught up")
	s.handedOut()
	equal(t, "after", position.ResumeToken(), "")
}

func TestAPanicInTheLoopLeavesThePositionWhereItStood(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t1", quote("A", 1)), live("t3", quote("A", 2), quote("A", 3))), scripted.Hang()),
	}}
	client := serve(t, server)
	var position Position
	kept := map[uint64]*Quote{}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		for event, err := range client.Subscribe(t.Context(), Track(&position)) {
			if err != nil {
				t.Fatal(err)
			}
			if quote, isQuote := event.(*Quote); isQuote {
				kept[quote.Revision()] = quote
				if quote.Revision() == 3 {
					panic("of the loop's body")
				}
			}
		}
	}()
	equal(t, "token", position.ResumeToken(), "t1")
	equal(t, "stale", kept[1].IsStale() && kept[2].IsStale(), true)
}
