package tickmux

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	missedHeartbeats = 3
	// stableAfter: a stream that lived this long has proved stable, and the backoff begins anew.
	stableAfter = 10 * time.Second
	// farewellMax is how long a server that has said goodbye may take to end the call, and so to say when to come back.
	farewellMax = 3 * time.Second
	// retriesUnlimited is the value of reconnectsMax for trying for ever.
	retriesUnlimited = -1
)

// terms are what a session goes by, apart from its request.
type terms struct {
	target        string
	reconnectsMax int
	logger        *slog.Logger
	backoff       *backoff
	now           func() time.Time
}

// session is the life of a subscription over its reconnects: it decides everything but when bytes move. No I/O.
//
// open gives the request of the next call, receive turns its responses into events, and once the call has ended lost
// says what to yield and wait how long to pause.
type session struct {
	terms
	request   *pb.SubscribeRequest
	sequencer *sequencer
	token     string
	sentToken string
	// reached is where the user could go on; the position moves to it once the response is handed out. Other than token
	// it outlives its chain: who comes back with it is told of the loss, and who came without would not be.
	reached  string
	position *Position
	opened   bool
	served   bool
	// reconnects counts the tries since the stream was last up.
	reconnects  int
	cutAt, upAt time.Time
	// silenceMax: a call without a response for this long is dead.
	silenceMax time.Duration
	// isLeaving: the server has said that the latest response was the last one of this call.
	isLeaving bool
	// wait is the pause before the next open.
	wait time.Duration
}

func newSession(asked *subscription, agreed terms) *session {
	request, token := asked.request, asked.token
	asked.position.move(token)
	return &session{
		terms:   agreed,
		request: request,
		sequencer: newSequencer(
			request.GetDelivery() != pb.Delivery_DELIVERY_LATEST, token != "" || asked.after != nil, asked.after,
		),
		token:      token,
		reached:    token,
		position:   asked.position,
		silenceMax: missedHeartbeats * request.GetHeartbeatInterval().AsDuration(),
	}
}

// open starts a call: the request to send.
func (s *session) open() *pb.SubscribeRequest {
	if s.opened {
		s.reconnects++
	}
	s.opened = true
	s.upAt = time.Time{}
	s.isLeaving = false
	s.sentToken = s.token
	request := proto.CloneOf(s.request)
	request.Start = nil
	if s.token != "" {
		request.Start = &pb.SubscribeRequest_ResumeToken{ResumeToken: s.token}
	}
	return request
}

// readMax is how long the next read of the call may take.
func (s *session) readMax() time.Duration {
	if s.isLeaving {
		return min(farewellMax, s.silenceMax)
	}
	return s.silenceMax
}

// receive turns one response into events, of which rest has the others.
func (s *session) receive(response *pb.SubscribeResponse) []Event {
	events := make([]Event, 0, len(response.GetQuotes())+2)
	opens := response.GetContinuity() != pb.Continuity_CONTINUITY_UNSPECIFIED
	if s.upAt.IsZero() {
		events = s.up(response, events)
		opens = true
	}
	if opens && response.GetContinuity() != pb.Continuity_CONTINUITY_RESUMED {
		// It stands for a chain that has ended.
		s.token = ""
	}
	if response.GetResumeToken() != "" {
		s.token = response.GetResumeToken()
		s.reached = s.token
	}
	events = s.sequencer.receive(response, events)
	s.isLeaving = response.GetGoingAway()
	if s.isLeaving && !s.sequencer.isSettling {
		events = append(events, GoingAway{})
	}
	return events
}

// rest is what is left of the latest response once its events are handed out: that it has caught up, or nothing.
func (s *session) rest() []Event {
	if !s.sequencer.isSettling {
		return nil
	}
	events := []Event{s.sequencer.settle()}
	if s.isLeaving {
		events = append(events, GoingAway{})
	}
	return events
}

// handedOut says that every event of the latest response has been through the body of the loop.
func (s *session) handedOut() { s.position.move(s.reached) }

// lost says what to yield before the pause, once the call has ended with an error or was silent for too long. The error
// that it returns is that error itself, if trying again cannot help or the permitted tries are spent.
func (s *session) lost(failure *Error) ([]Event, error) {
	s.cut()
	switch {
	case s.refusesToken(failure):
		// Begin anew; the sequencer will say Reset.
		s.token = ""
		s.reached = ""
		s.wait = 0
	case s.isFinal(failure):
		if s.served && failure.ResumeToken == "" {
			failure.ResumeToken = s.reached
		}
		return nil, failure
	default:
		// Even a friendly farewell reaches all clients at once: the draw keeps them from coming back at once.
		s.wait = s.backoff.next(failure.RetryAfter)
	}
	if s.isLeaving {
		s.logger.Info("tickmux: the server has ended the stream as announced", "target", s.target, "retry_in", s.wait)
		return nil, nil
	}
	level := slog.LevelDebug
	if s.reconnects == 0 {
		level = slog.LevelWarn
	}
	s.logger.Log(context.Background(), level, "tickmux: the stream is cut",
		"target", s.target, "problem", failure, "reason", failure.Reason, "retry_in", s.wait, "attempts", s.reconnects)
	return []Event{Disconnected{failure.Error(), failure.Reason, s.wait, s.reconnects}}, nil
}

// end says that the subscription is over: nothing will be known of its sources any more.
func (s *session) end() { s.sequencer.lost() }

// silence is the error of a call that had no response for silenceMax.
func (s *session) silence() *Error {
	return &Error{
		Code: codes.DeadlineExceeded, Reason: ReasonHeartbeatsMissed, kind: ErrUnavailable,
		message: fmt.Sprintf("%s sent nothing for %v: %d heartbeats were missed", s.target, s.silenceMax, missedHeartbeats),
	}
}

// ended is the error of a call that the server ended without one.
func (s *session) ended() *Error {
	return &Error{
		Code: codes.OK, Reason: ReasonStreamEnded, kind: ErrUnavailable, message: s.target + " ended the stream",
	}
}

// refusesToken tells whether it may be the token alone: the server does not resume, or another version of it wrote the
// token.
func (s *session) refusesToken(failure *Error) bool {
	isCallers := !s.served && s.sentToken == s.request.GetResumeToken()
	refuses := errors.Is(failure, ErrUnimplemented) || (errors.Is(failure, ErrInvalidRequest) && !isCallers)
	// One call that a token was sent with: what refuses the next one, without, is the request.
	return refuses && s.sentToken != ""
}

func (s *session) isFinal(failure *Error) bool {
	isPermanent := !errors.Is(failure, ErrUnavailable) || failure.Reason == ReasonTooFarBehind
	return isPermanent || (s.reconnectsMax != retriesUnlimited && s.reconnects >= s.reconnectsMax)
}

func (s *session) up(response *pb.SubscribeResponse, events []Event) []Event {
	s.upAt = s.now()
	if !s.cutAt.IsZero() {
		outage := s.upAt.Sub(s.cutAt)
		resumed := response.GetContinuity() == pb.Continuity_CONTINUITY_RESUMED
		s.logger.Info("tickmux: the stream is back", "target", s.target, "outage", outage, "resumed", resumed)
		events = append(events, Reconnected{Attempts: s.reconnects, Outage: outage, Resumed: resumed})
	}
	s.reconnects = 0
	s.cutAt = time.Time{}
	s.served = true
	return events
}

func (s *session) cut() {
	now := s.now()
	if !s.upAt.IsZero() && now.Sub(s.upAt) >= stableAfter {
		s.backoff.reset()
	}
	if s.cutAt.IsZero() {
		s.cutAt = now
	}
	s.upAt = time.Time{}
	s.sequencer.lost()
}
