package tickmux

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// clock passes only when told.
type clock struct{ now time.Time }

func (c *clock) pass(duration time.Duration) { c.now = c.now.Add(duration) }

func started(t *testing.T, ticking *clock, reconnectsMax int, options ...SubscribeOption) *session {
	t.Helper()
	asked, err := newSubscription(append([]SubscribeOption{Symbols("A")}, options...))
	if err != nil {
		t.Fatal(err)
	}
	return newSession(asked, terms{
		target: "host:1", reconnectsMax: reconnectsMax, logger: slog.New(slog.DiscardHandler),
		backoff: newBackoff(time.Second, 8*time.Second, upper), now: func() time.Time { return ticking.now },
	})
}

func subject(t *testing.T, options ...SubscribeOption) *session {
	t.Helper()
	return started(t, &clock{time.Unix(100, 0)}, retriesUnlimited, options...)
}

func failure(kind error) *Error { return &Error{kind: kind, message: "scripted"} }

// lose ends the call in a way that may heal, and returns what the user is told.
func lose(t *testing.T, s *session, why *Error) Disconnected {
	t.Helper()
	events, err := s.lost(why)
	if err != nil || len(events) != 1 {
		t.Fatalf("got %v, %v", summary(events), err)
	}
	told, isDisconnected := events[0].(Disconnected)
	if !isDisconnected {
		t.Fatalf("got %T", events[0])
	}
	return told
}

func down() *Error { return failure(ErrUnavailable) }

func TestTheRequestSaysWhatWasAsked(t *testing.T) {
	request := subject(t, Sources("binance"), DeliverLatest, HeartbeatInterval(1500*time.Millisecond)).open()
	equal(t, "symbols", request.GetSelection().GetSymbols()[0], "A")
	equal(t, "sources", request.GetSelection().GetSources()[0], "binance")
	equal(t, "delivery", request.GetDelivery(), pb.Delivery_DELIVERY_LATEST)
	equal(t, "heartbeat", request.GetHeartbeatInterval().AsDuration(), 1500*time.Millisecond)
	equal(t, "start", request.Start == nil, true)
	equal(t, "min interval", request.MinInterval == nil, true)
	equal(t, "silence", subject(t, HeartbeatInterval(2*time.Second)).silenceMax, 6*time.Second)
}

func TestOptionsThatDoNotGoTogether(t *testing.T) {
	for problem, options := range map[string][]SubscribeOption{
		"HeartbeatInterval must be positive, not 0s":                   {HeartbeatInterval(0)},
		"MinInterval must be positive, not -1s":                        {MinInterval(-time.Second)},
		"Track needs the address of a Position, not nil":               {Track(nil)},
		"After needs a snapshot, not nil":                              {After(nil)},
		"expected DeliverAll, DeliverLatest or DeliverAllOrEnd, not 7": {Delivery(7)},
		"HeartbeatInterval must be positive, not -1s":                  {HeartbeatInterval(-time.Second), MinInterval(0)},
		"give After or ResumeToken, not both: a snapshot has its own token": {
			After(snapshotOf("t")), ResumeToken("u"),
		},
	} {
		_, err := newSubscription(options)
		if !errors.Is(err, ErrInvalidRequest) || err.Error() != problem {
			t.Errorf("got %v, want %q", err, problem)
		}
	}
}

func TestTheLastTokenIsSentAndAnEmptyOneIsNot(t *testing.T) {
	s := subject(t)
	s.open()
	s.receive(opening("", quote("A", 1)))
	lose(t, s, down())
	equal(t, "start", s.open().Start == nil, true)
	s.receive(opening("one", quote("A", 1)))
	s.receive(live("two", quote("A", 2)))
	s.receive(live("", quote("A", 3)))
	lose(t, s, down())
	equal(t, "token", s.open().GetResumeToken(), "two")
}

func TestATokenDoesNotOutliveItsChain(t *testing.T) {
	s := subject(t)
	s.open()
	s.receive(opening("one"))
	s.receive(&pb.SubscribeResponse{Continuity: pb.Continuity_CONTINUITY_RESET})
	lose(t, s, down())
	equal(t, "token", s.open().GetResumeToken(), "")
}

func TestATokenThatWasNotHonouredIsForgotten(t *testing.T) {
	for _, answer := range []*pb.SubscribeResponse{
		scripted.Reset("", quote("A", 3)), opening("", quote("A", 3)), live("", quote("A", 3)),
	} {
		s := subject(t)
		s.open()
		s.receive(opening("one"))
		lose(t, s, down())
		s.open()
		s.receive(answer)
		lose(t, s, down())
		equal(t, "token", s.open().GetResumeToken(), "")
	}
}

func TestAResumeThatIsCutBeforeItsFirstTokenGoesOnWhereItBegan(t *testing.T) {
	s := subject(t)
	s.open()
	s.receive(opening("one", quote("A", 1)))
	lose(t, s, down())
	s.open()
	s.receive(notComplete(resumed("", quote("A", 2))))
	lose(t, s, down())
	equal(t, "token", s.open().GetResumeToken(), "one")
	expect(t, s.receive(notComplete(resumed("three", quote("A", 2), quote("A", 3)))),
		"reconnected, resumed", "LIVE", "A 1/3")
	lose(t, s, down())
	equal(t, "token", s.open().GetResumeToken(), "three")
}

func TestAResumeThatBreaksAtOnceAgainAndAgainIsTriedEverLessOften(t *testing.T) {
	s := subject(t)
	s.open()
	s.receive(opening("one"))
	waits := []time.Duration{lose(t, s, down()).RetryIn}
	for range 3 {
		s.open()
		s.receive(resumed("one"))
		waits = append(waits, lose(t, s, down()).RetryIn)
	}
	if want := []time.Duration{1e9, 2e9, 4e9, 8e9}; !slices.Equal(waits, want) {
		t.Errorf("waits %v, not %v", waits, want)
	}
}

func TestTokensThatAreRefusedAgainAndAgainAreTriedEverLessOften(t *testing.T) {
	s := subject(t)
	var waits []time.Duration
	for range 3 {
		s.open()
		s.receive(opening("one"))
		waits = append(waits, lose(t, s, down()).RetryIn)
		s.open()
		waits = append(waits, lose(t, s, failure(ErrInvalidRequest)).RetryIn)
	}
	if want := []time.Duration{1e9, 0, 2e9, 0, 4e9, 0}; !slices.Equal(waits, want) {
		t.Errorf("waits %v, not %v", waits, want)
	}
}

func TestARefusedTokenIsDroppedAndTheStreamBeginsAnewAtOnce(t *testing.T) {
	for _, kind := range []error{ErrUnimplemented, ErrInvalidRequest} {
		s := subject(t)
		s.open()
		s.receive(opening("one", quote("A", 1)))
		lose(t, s, down())
		s.open()
		lose(t, s, failure(kind))
		equal(t, "wait", s.wait, 0)
		equal(t, "token", s.open().GetResumeToken(), "")
		expect(t, s.receive(opening("", quote("A", 5))), "reconnected", "reset", "LIVE", "gap, A 1/5", "caught up")
	}
}

func TestATokenOfTheCallerThatIsInvalidIsTheCallersNews(t *testing.T) {
	s := subject(t, ResumeToken("mangled"))
	equal(t, "token", s.open().GetResumeToken(), "mangled")
	_, err := s.lost(failure(ErrInvalidRequest))
	var told *Error
	if !errors.As(err, &told) || told.ResumeToken != "" {
		t.Errorf("got %#v", err)
	}
}

func TestATokenOfTheCallerThatWasGoodAndIsRefusedLaterIsAsOurOwn(t *testing.T) {
	s := subject(t, ResumeToken("good"))
	s.open()
	s.receive(resumed(""))
	lose(t, s, down())
	equal(t, "token", s.open().GetResumeToken(), "good")
	lose(t, s, failure(ErrInvalidRequest))
	equal(t, "token", s.open().GetResumeToken(), "")
}

func TestWhatCannotHealIsReturnedAndSaysWhereTheStreamStood(t *testing.T) {
	for _, kind := range []error{ErrInvalidRequest, ErrAccessDenied, ErrUnimplemented} {
		s := subject(t)
		s.open()
		told := failure(kind)
		if _, err := s.lost(told); err != told {
			t.Errorf("got %v", err)
		}
		s = subject(t)
		s.open()
		s.receive(opening("one"))
		if _, err := s.lost(told); err != told || told.ResumeToken != "one" {
			t.Errorf("got %#v", err)
		}
	}
}

func TestWhatEndsAStreamBeforeItsNewStateIsCompleteSaysWhereTheOldOneStood(t *testing.T) {
	// Who goes on from there is told of the loss; who began anew would not be.
	s := subject(t)
	s.open()
	s.receive(opening("one", quote("A", 1)))
	s.receive(reset(quote("A", 9)))
	revoked := failure(ErrAccessDenied)
	if _, err := s.lost(revoked); err != revoked || revoked.ResumeToken != "one" {
		t.Errorf("got %#v", err)
	}
}

func TestWaitsGrowAndBeginAnewAfterAStableStream(t *testing.T) {
	ticking := &clock{time.Unix(100, 0)}
	s := started(t, ticking, retriesUnlimited)
	// A stream that came up and broke again at once does not calm the backoff.
	for _, c := range []struct {
		comesUp bool
		lives   time.Duration
		wait    time.Duration
	}{{false, 0, 1e9}, {false, 0, 2e9}, {true, time.Second, 4e9}, {true, stableAfter, 1e9}} {
		s.open()
		if c.comesUp {
			s.receive(opening(""))
			ticking.pass(c.lives)
		}
		equal(t, "wait", lose(t, s, down()).RetryIn, c.wait)
	}
}

func TestTheServerMayAskForALongerWait(t *testing.T) {
	s := subject(t)
	s.open()
	draining := down()
	draining.RetryAfter = 30 * time.Second
	equal(t, "wait", lose(t, s, draining).RetryIn, 31*time.Second)
	equal(t, "wait", s.wait, 31*time.Second)
}

func TestReconnectedTellsTriesAndOutage(t *testing.T) {
	ticking := &clock{time.Unix(100, 0)}
	s := started(t, ticking, retriesUnlimited)
	s.open()
	s.receive(opening("one"))
	lose(t, s, down())
	ticking.pass(2 * time.Second)
	s.open()
	lose(t, s, down())
	ticking.pass(3 * time.Second)
	s.open()
	equal(t, "back", s.receive(resumed(""))[0], Event(Reconnected{Attempts: 2, Outage: 5 * time.Second, Resumed: true}))
}

func TestDisconnectedTellsACutFromATryThatFailed(t *testing.T) {
	s := subject(t)
	s.open()
	s.receive(opening("one"))
	for attempts := range 3 {
		equal(t, "attempts", lose(t, s, down()).Attempts, attempts)
		s.open()
	}
	s.receive(resumed(""))
	equal(t, "attempts", lose(t, s, down()).Attempts, 0)
}

func leaving(t *testing.T) *session {
	t.Helper()
	s := subject(t, HeartbeatInterval(5*time.Second))
	s.open()
	s.receive(opening("one"))
	equal(t, "is leaving", s.isLeaving, false)
	expect(t, s.receive(scripted.Farewell("last")), "going away")
	equal(t, "is leaving", s.isLeaving, true)
	return s
}

func TestAStreamThatEndsAsAnnouncedIsNoTroubleAndIsBackWhenTheServerSays(t *testing.T) {
	s := leaving(t)
	moved := down()
	moved.RetryAfter = 1500 * time.Millisecond
	if events, err := s.lost(moved); len(events) > 0 || err != nil {
		t.Errorf("got %v, %v", summary(events), err)
	}
	equal(t, "wait", s.wait, 2500*time.Millisecond)
	equal(t, "token", s.open().GetResumeToken(), "last")
	equal(t, "is leaving", s.isLeaving, false)
	expect(t, s.receive(resumed("")), "reconnected, resumed", "LIVE")
	expect(t, s.rest(), "caught up")
}

func TestAServerThatDoesNotEndTheCallThatItGaveUpIsLeft(t *testing.T) {
	s := leaving(t)
	equal(t, "read max", s.readMax(), farewellMax)
	if events, err := s.lost(s.silence()); len(events) > 0 || err != nil {
		t.Errorf("got %v, %v", summary(events), err)
	}
	s.open()
	equal(t, "read max", s.readMax(), 15*time.Second)
}

func TestAnAnnouncedEndIsTroubleOnceTheWayBackFails(t *testing.T) {
	s := leaving(t)
	if _, err := s.lost(down()); err != nil {
		t.Fatal(err)
	}
	s.open()
	equal(t, "attempts", lose(t, s, down()).Attempts, 1)
}

func TestTriesAreLimitedIfAskedAndAStreamRestoresThem(t *testing.T) {
	s := started(t, &clock{time.Unix(100, 0)}, 1)
	s.open()
	lose(t, s, down())
	s.open()
	s.receive(opening(""))
	lose(t, s, down())
	s.open()
	if _, err := s.lost(down()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAllOrEndEndsAndSaysWhereItStood(t *testing.T) {
	for told, kept := range map[string]string{"from the error": "from the error", "": "one"} {
		s := subject(t, DeliverAllOrEnd)
		s.open()
		s.receive(opening("one"))
		_, err := s.lost(&Error{
			Code: codes.ResourceExhausted, Reason: ReasonTooFarBehind, ResumeToken: told, kind: ErrUnavailable,
		})
		var ended *Error
		if !errors.As(err, &ended) || ended.ResumeToken != kept {
			t.Errorf("got %#v", err)
		}
	}
}

func TestAllOrEndComesBackToAServerThatWasFull(t *testing.T) {
	s := subject(t, DeliverAllOrEnd)
	s.open()
	full := &Error{Code: codes.ResourceExhausted, Reason: "TOO_MANY_STREAMS", kind: ErrUnavailable}
	equal(t, "reason", lose(t, s, full).Reason, "TOO_MANY_STREAMS")
}

func TestAStreamAfterASnapshotSendsItsToken(t *testing.T) {
	s := subject(t, After(snapshotOf("t", quote("A", 5))))
	equal(t, "token", s.open().GetResumeToken(), "t")
	expect(t, s.receive(resumed("", quote("A", 4), quote("A", 5), quote("A", 6))), "LIVE", "A 1/6")
	expect(t, s.rest(), "caught up")
}

func TestAStreamAfterASnapshotWithoutATokenSaysThatItDidNotJoin(t *testing.T) {
	s := subject(t, After(snapshotOf("", quote("A", 5))))
	equal(t, "start", s.open().Start == nil, true)
	expect(t, s.receive(opening("", quote("A", 7))), "reset", "LIVE", "gap, A 1/7", "caught up")
}
