package tickmux

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// follow drives a session: it moves bytes and waits, call after call. It returns nil once yield refuses an event or the
// client is closed, else why it cannot go on.
func (c *Client) follow(ctx context.Context, options []SubscribeOption, yield func(Event) bool) error {
	session, err := c.newSession(options)
	if err != nil {
		return err
	}
	defer session.end()
	isWanted := true
	yieldAll := func(events []Event) bool {
		for _, event := range events {
			if isWanted = yield(event); !isWanted {
				break
			}
		}
		return isWanted
	}
	for {
		failure := c.receive(ctx, session, func(response *pb.SubscribeResponse) bool {
			// If it is leaving, the response before said that it was the last.
			if session.isLeaving || !yieldAll(session.receive(response)) || !yieldAll(session.rest()) {
				return false
			}
			session.handedOut()
			return true
		})
		if !isWanted || c.closing.Err() != nil {
			return nil
		}
		if ctx.Err() != nil {
			return endedByContext(ctx, c.target)
		}
		if failure == nil {
			failure = session.ended()
		}
		events, err := session.lost(failure)
		if err != nil {
			return err
		}
		if !yieldAll(events) || !c.pause(ctx, session.wait) {
			return nil
		}
		if ctx.Err() != nil {
			return endedByContext(ctx, c.target)
		}
	}
}

// oneCall passes on the messages of one call.
func (c *Client) oneCall(
	ctx context.Context, options []SubscribeOption, yield func(*pb.SubscribeResponse) bool,
) error {
	session, err := c.newSession(options)
	if err != nil {
		return err
	}
	failure := c.receive(ctx, session, func(response *pb.SubscribeResponse) bool {
		if !yield(response) {
			return false
		}
		session.reached = cmp.Or(response.GetResumeToken(), session.reached)
		session.handedOut()
		return true
	})
	switch {
	case c.closing.Err() != nil:
		return nil
	case ctx.Err() != nil:
		return endedByContext(ctx, c.target)
	case failure == nil:
		return nil
	default:
		return failure
	}
}

// receive makes the session's next call and hands out its responses, until it ends or yield refuses one; then nothing of
// it is left. It returns nil for an end without an error.
func (c *Client) receive(ctx context.Context, s *session, yield func(*pb.SubscribeResponse) bool) *Error {
	call, end := context.WithCancel(ctx)
	defer end()
	request := s.open()
	// A blocked read has no timeout of its own. The time that the consumer spends between two reads does not count.
	var isSilent atomic.Bool
	watch := time.AfterFunc(s.readMax(), func() {
		isSilent.Store(true)
		end()
	})
	defer watch.Stop()
	stream, err := c.stub.Subscribe(call, request)
	for err == nil {
		var response *pb.SubscribeResponse
		if response, err = stream.Recv(); err != nil {
			break
		}
		watch.Stop()
		if !yield(response) {
			return nil
		}
		watch.Reset(s.readMax())
	}
	switch {
	case isSilent.Load():
		return s.silence()
	case errors.Is(err, io.EOF):
		return nil
	default:
		return fromRPC(err, c.target)
	}
}

// pause waits; false once the client is closed.
func (c *Client) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-c.closing.Done():
		return false
	}
	return true
}
