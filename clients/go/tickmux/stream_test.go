package tickmux

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// testLimit ends a test that would hang.
const testLimit = 30 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a scripted server and a client of it.
func serve(t *testing.T, server *scripted.Server, options ...ConnectOption) *Client {
	t.Helper()
	target, stop := server.Start()
	client := connected(t, target, options...)
	t.Cleanup(stop)
	return client
}

// connected makes a client that leaves no goroutine behind once the test is over and it is closed.
func connected(t *testing.T, target string, options ...ConnectOption) *Client {
	t.Helper()
	others := goleak.IgnoreCurrent()
	client, err := Connect(target, append([]ConnectOption{WithBackoffCap(10 * time.Millisecond)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { goleak.VerifyNone(t, others) })
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// watch collects what a subscription yields up to an event that is the last, or its error.
func watch(t *testing.T, client *Client, isLast func(Event) bool, options ...SubscribeOption) ([]Event, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	defer cancel()
	var events []Event
	for event, err := range client.Subscribe(ctx, options...) {
		if err != nil {
			return events, err
		}
		events = append(events, event)
		if isLast(event) {
			return events, nil
		}
	}
	t.Fatal("the subscription just stopped")
	return nil, nil
}

func revision(wanted uint64) func(Event) bool {
	return func(event Event) bool {
		quote, isQuote := event.(*Quote)
		return isQuote && quote.Revision() == wanted
	}
}

func never(Event) bool { return false }

func tokens(t *testing.T, server *scripted.Server, want ...string) {
	t.Helper()
	if got := server.Tokens(); !slices.Equal(got, want) {
		t.Errorf("tokens %q, want %q", got, want)
	}
}

func send(responses ...*pb.SubscribeResponse) []scripted.Step {
	steps := []scripted.Step{}
	for _, response := range responses {
		steps = append(steps, scripted.Send(response))
	}
	return steps
}

func then(steps []scripted.Step, more ...scripted.Step) []scripted.Step {
	return append(steps, more...)
}

func errorInfo(reason string) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{Reason: reason, Domain: "tickmux"}
}

func TestAResumeContinuesAndDropsRepeats(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t7", quote("A", 7)), live("t8", quote("A", 8))), scripted.Cut()),
		then(send(resumed("", quote("A", 8), quote("A", 9))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(9))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/7", "caught up", "A 1/8", "disconnected, 0 tries", "reconnected, resumed", "LIVE",
		"A 1/9")
	tokens(t, server, "", "t8")
}

func TestAServerThatDoesNotResumeIsAskedAnew(t *testing.T) {
	refusal := scripted.Error(codes.Unimplemented, "not yet", errorInfo("NOT_SERVED_YET"))
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t")), scripted.Cut()),
		{scripted.Fail(refusal)},
		then(send(opening("", quote("A", 9))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(9))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "caught up", "disconnected, 0 tries", "disconnected, 1 tries", "reconnected", "reset",
		"LIVE", "gap, A 1/9")
	tokens(t, server, "", "t", "")
}

func TestGoingAwayIsFollowedByAStreamAtTheTimeThatTheServerGives(t *testing.T) {
	const asked = 300 * time.Millisecond
	moved := scripted.Error(codes.Unavailable, "moved", errorInfo("GOING_AWAY"),
		&errdetails.RetryInfo{RetryDelay: durationpb.New(asked)})
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("", quote("A", 1)), scripted.Farewell("last")), scripted.Fail(moved)),
		then(send(resumed("", quote("A", 2))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(2))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/1", "caught up", "going away", "reconnected, resumed", "LIVE", "A 1/2")
	tokens(t, server, "", "last")
	if back := events[4].(Reconnected); back.Outage < asked {
		t.Errorf("back after %v", back.Outage)
	}
}

func TestAServerThatGoesAwayAndDoesNotGoIsLeft(t *testing.T) {
	for name, step := range map[string]scripted.Step{
		"silence": scripted.Hang(), "more": scripted.Send(live("", quote("A", 9))),
	} {
		t.Run(name, func(t *testing.T) {
			server := &scripted.Server{Calls: [][]scripted.Step{
				then(send(opening("", quote("A", 1)), scripted.Farewell("last")), step, scripted.Hang()),
				then(send(resumed("", quote("A", 2))), scripted.Hang()),
			}}
			// Missing heartbeats would be told as Disconnected.
			events, err := watch(t, serve(t, server), revision(2))
			if err != nil {
				t.Fatal(err)
			}
			expect(t, events, "LIVE", "A 1/1", "caught up", "going away", "reconnected, resumed", "LIVE", "A 1/2")
		})
	}
}

func TestTheCallAfterAFarewellHasAllTheTimeThatTheFirstOneHad(t *testing.T) {
	sleep := func(pb.MarketDataService_SubscribeServer) error {
		time.Sleep(farewellMax + 100*time.Millisecond)
		return nil
	}
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("", quote("A", 1)), scripted.Farewell("last")), scripted.Cut()),
		{sleep, scripted.Send(resumed("", quote("A", 2))), scripted.Hang()},
	}}
	events, err := watch(t, serve(t, server), revision(2))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/1", "caught up", "going away", "reconnected, resumed", "LIVE", "A 1/2")
}

func TestThreeMissedHeartbeatsAreADeadStream(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t", quote("A", 1))), scripted.Hang()),
		then(send(resumed("", quote("A", 2))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(2), HeartbeatInterval(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/1", "caught up", "disconnected, 0 tries", "reconnected, resumed", "LIVE", "A 1/2")
	equal(t, "reason", events[3].(Disconnected).Reason, ReasonHeartbeatsMissed)
}

func TestASlowConsumerIsNotTakenForADeadStream(t *testing.T) {
	const silence = 300 * time.Millisecond
	isAwake := make(chan struct{})
	wait := func(pb.MarketDataService_SubscribeServer) error {
		<-isAwake
		return nil
	}
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("", quote("A", 1))), wait, scripted.Send(live("", quote("A", 2))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), func(event Event) bool {
		if _, isCaughtUp := event.(CaughtUp); isCaughtUp {
			time.Sleep(2 * silence)
			close(isAwake)
		}
		return revision(2)(event)
	}, HeartbeatInterval(silence/3))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/1", "caught up", "A 1/2")
}

func TestAStreamThatTheServerEndsIsOpenedAnew(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		send(opening("t", quote("A", 1))),
		then(send(resumed("", quote("A", 2))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(2))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "reason", events[3].(Disconnected).Reason, ReasonStreamEnded)
}

func TestAStreamJoinsTheSnapshotBeforeIt(t *testing.T) {
	server := &scripted.Server{
		Snapshot: func(_ context.Context, request *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) {
			if request.GetPageToken() == "" {
				return &pb.GetSnapshotResponse{
					Quotes: []*pb.Quote{quote("A", 5)}, NextPageToken: "2",
					SourceStatuses: []*pb.SourceStatus{scripted.Status(isLive)}, Unmatched: []string{"NOPE"},
				}, nil
			}
			return &pb.GetSnapshotResponse{Quotes: []*pb.Quote{quote("B", 7)}, ResumeToken: "t5"}, nil
		},
		Calls: [][]scripted.Step{
			then(send(resumed("", quote("B", 6), quote("B", 7), quote("A", 6), quote("B", 8))), scripted.Cut()),
			then(send(resumed("", quote("A", 6), quote("B", 9))), scripted.Hang()),
		},
	}
	client := serve(t, server)
	taken, err := client.Snapshot(t.Context(), Symbols("A", "B"), PageSize(1))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "quotes", len(taken.Quotes), 2)
	equal(t, "unmatched", taken.Unmatched[0], "NOPE")
	equal(t, "stale", taken.Quotes[1].IsStale(), false)
	events, err := watch(t, client, revision(9), After(taken))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/6", "B 1/8", "caught up", "disconnected, 0 tries", "reconnected, resumed", "LIVE",
		"B 1/9")
	tokens(t, server, "t5", "t5")
	equal(t, "stale once the stream is left", taken.Quotes[0].IsStale(), true)
}

func TestAStreamThatEndsRatherThanConflatesSaysWhereItStood(t *testing.T) {
	info := errorInfo(ReasonTooFarBehind)
	info.Metadata = map[string]string{"resume_token": "t9"}
	behind := scripted.Error(codes.ResourceExhausted, "too far behind", info)
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("t1", quote("A", 1))), scripted.Fail(behind))}}
	_, err := watch(t, serve(t, server), never, DeliverAllOrEnd)
	var ended *Error
	if !errors.As(err, &ended) {
		t.Fatalf("got %v", err)
	}
	equal(t, "reason", ended.Reason, ReasonTooFarBehind)
	equal(t, "token", ended.ResumeToken, "t9")
	equal(t, "calls", len(server.Requests()), 1)
}

func TestWhatCannotHealEndsTheLoopAtOnce(t *testing.T) {
	for code, kind := range map[codes.Code]error{
		codes.Unauthenticated: ErrAccessDenied, codes.PermissionDenied: ErrAccessDenied,
		codes.Unimplemented: ErrUnimplemented, codes.FailedPrecondition: ErrInvalidRequest,
	} {
		t.Run(code.String(), func(t *testing.T) {
			server := &scripted.Server{Calls: [][]scripted.Step{{scripted.Fail(scripted.Error(code, "no"))}}}
			events, err := watch(t, serve(t, server), never)
			if !errors.Is(err, kind) || len(events) > 0 {
				t.Errorf("got %v, %v", summary(events), err)
			}
			equal(t, "gRPC's code", status.Code(err), code)
			equal(t, "calls", len(server.Requests()), 1)
		})
	}
}

func TestAnUnreachableServerIsToldAndIsTheErrorIfTriesAreLimited(t *testing.T) {
	target, stop := (&scripted.Server{}).Start()
	stop()
	events, err := watch(t, connected(t, target, WithReconnectsMax(1)), never)
	expect(t, events, "disconnected, 0 tries")
	if !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "UNAVAILABLE from "+target+": ") ||
		!strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "desc") {
		t.Errorf("got %v", err)
	}
}

func TestQuotesOnlyWithGapsAndStaleness(t *testing.T) {
	restart := &pb.SubscribeResponse{
		SourceStatuses: []*pb.SourceStatus{scripted.StatusOf(isLive, 2)}, Quotes: []*pb.Quote{quoteOf("A", 2, 1)},
	}
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("", quote("A", 7), quote("QUIET", 3)), restart), scripted.Hang()),
	}}
	var kept []*Quote
	for quote, err := range serve(t, server).Quotes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, quote)
		if quote.Epoch() == 2 {
			stale := []bool{kept[0].IsStale(), kept[1].IsStale(), kept[2].IsStale()}
			if !slices.Equal(stale, []bool{true, true, false}) {
				t.Errorf("stale: %v", stale)
			}
			break
		}
	}
	equal(t, "gap before the first", kept[0].GapBefore(), false)
	equal(t, "gap before the last", kept[2].GapBefore(), true)
	equal(t, "stale once the loop is left", kept[2].IsStale(), true)
}

func TestRawResponsesOfOneCall(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("", quote("A", 7)), live("", quote("A", 9))), scripted.Cut()),
	}}
	var revisions []uint64
	var last error
	for response, err := range serve(t, server).Responses(t.Context(), Symbols("A")) {
		if last = err; err == nil {
			revisions = append(revisions, response.GetQuotes()[0].GetRevision())
		}
	}
	if !errors.Is(last, ErrUnavailable) || !slices.Equal(revisions, []uint64{7, 9}) {
		t.Errorf("got %v, %v", revisions, last)
	}
	equal(t, "calls", len(server.Requests()), 1)
}

func TestAMessageOverFourMebibytesIsAccepted(t *testing.T) {
	large := opening("")
	for range 60_000 {
		large.Quotes = append(large.Quotes, scripted.Quote(strings.Repeat("A", 100), 1))
	}
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(large), scripted.Hang())}}
	if _, err := watch(t, serve(t, server, WithReconnectsMax(0)), revision(1)); err != nil {
		t.Error(err)
	}
}

func TestFieldsAndValuesOfALaterVersionDoNoHarm(t *testing.T) {
	later := opening("", quote("A", 7))
	// Field 1000 with the text "later".
	unknown := append([]byte{0xc2, 0x3e, 0x05}, "later"...)
	later.ProtoReflect().SetUnknown(unknown)
	later.Quotes[0].ProtoReflect().SetUnknown(unknown)
	later.Quotes[0].Flags = []pb.QuoteFlag{99}
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(later, scripted.Statuses(scripted.Status(99)), live("", quote("A", 8))), scripted.Hang()),
	}}
	events, err := watch(t, serve(t, server), revision(8))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/7", "caught up", "UNKNOWN", "A 1/8")
	equal(t, "flag", quotesOf(events)[0].Flags()[0], QuoteFlag(99))
}

func TestTheLogTellsOfCutsAndReturnsWithoutTheToken(t *testing.T) {
	const secret = "tmx_secret"
	server := &scripted.Server{Calls: [][]scripted.Step{
		then(send(opening("t", quote("A", 1))), scripted.Cut()),
		then(send(resumed("", quote("A", 2))), scripted.Hang()),
	}}
	var log bytes.Buffer
	client := serve(t, server, WithLogger(slog.New(slog.NewTextHandler(&log, nil))), WithToken(secret))
	if _, err := watch(t, client, revision(2)); err != nil {
		t.Fatal(err)
	}
	equal(t, "what was sent", server.Metadata()[0].Get("authorization")[0], "Bearer "+secret)
	for _, part := range []string{"level=WARN", "the stream is cut", "level=INFO", "the stream is back"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("no %q in %s", part, &log)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Error("the log holds the token")
	}
}
