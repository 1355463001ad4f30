package tickmux

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// Client is a client on one gRPC connection, made by Connect. Any number of goroutines may use it.
type Client struct {
	target     string
	connection *connection
	conn       *grpc.ClientConn
	stub       pb.MarketDataServiceClient
	closing    context.Context
	close      func() error
}

// Target is where the server listens.
func (c *Client) Target() string { return c.target }

// Conn is the gRPC connection, for other services of the same server.
func (c *Client) Conn() *grpc.ClientConn { return c.conn }

// Stub is the generated stub: every call, as the contract has it.
func (c *Client) Stub() pb.MarketDataServiceClient { return c.stub }

// Close ends every subscription, whose loop just stops, and closes the connection.
func (c *Client) Close() error { return c.close() }

// Subscribe streams events: the present state first, then every update, for ever, over reconnects.
//
// After a cut the stream goes on where it stood, with Reconnected and what was missed. Where the server cannot do that,
// Reset and the full state say so. An error is the last thing that is yielded, with a nil Event: an [*Error] that trying
// again cannot heal, whose ResumeToken says where the stream stood, or one that wraps ctx.Err() once the context has
// ended. Each loop over what is returned is a subscription of its own, which ends when the loop is left.
func (c *Client) Subscribe(ctx context.Context, options ...SubscribeOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := c.follow(ctx, options, func(event Event) bool { return yield(event, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// Quotes streams quotes alone, as Subscribe does: loss shows as GapBefore, trouble as IsStale.
func (c *Client) Quotes(ctx context.Context, options ...SubscribeOption) iter.Seq2[*Quote, error] {
	return func(yield func(*Quote, error) bool) {
		err := c.follow(ctx, options, func(event Event) bool {
			quote, isQuote := event.(*Quote)
			return !isQuote || yield(quote, nil)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// Responses streams the raw messages of one call, without reconnecting; every end but the server's own OK is an error.
func (c *Client) Responses(ctx context.Context, options ...SubscribeOption) iter.Seq2[*pb.SubscribeResponse, error] {
	return func(yield func(*pb.SubscribeResponse, error) bool) {
		stopped := false
		err := c.oneCall(ctx, options, func(response *pb.SubscribeResponse) bool {
			stopped = !yield(response, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(nil, err)
		}
	}
}

// Snapshot asks for the present state; all pages are fetched.
func (c *Client) Snapshot(ctx context.Context, options ...ListOption) (*Snapshot, error) {
	listing, err := newListing(options)
	if err != nil {
		return nil, err
	}
	pages, err := allPages(func(token string) (*pb.GetSnapshotResponse, error) {
		return ask(ctx, c, c.stub.GetSnapshot, &pb.GetSnapshotRequest{
			Selection: listing.selection, PageSize: listing.pageSize, PageToken: token,
		})
	})
	if err != nil {
		return nil, err
	}
	return newSnapshot(pages), nil
}

// Instruments asks what can be quoted; all pages are fetched.
func (c *Client) Instruments(ctx context.Context, options ...ListOption) (*Instruments, error) {
	listing, err := newListing(options)
	if err != nil {
		return nil, err
	}
	pages, err := allPages(func(token string) (*pb.ListInstrumentsResponse, error) {
		return ask(ctx, c, c.stub.ListInstruments, &pb.ListInstrumentsRequest{
			Selection: listing.selection, PageSize: listing.pageSize, PageToken: token,
		})
	})
	if err != nil {
		return nil, err
	}
	return newInstruments(pages), nil
}

// Sources asks for the health of every source.
func (c *Client) Sources(ctx context.Context) ([]SourceStatus, error) {
	answer, err := ask(ctx, c, c.stub.ListSources, &pb.ListSourcesRequest{})
	if err != nil {
		return nil, err
	}
	return sourceStatuses(answer.GetSourceStatuses()), nil
}

// ask makes a call that has one answer, within the client's timeout and the context's.
func ask[Request, Answer any](
	ctx context.Context, c *Client,
	method func(context.Context, Request, ...grpc.CallOption) (Answer, error), request Request,
) (answer Answer, err error) {
	if c.closing.Err() != nil {
		return answer, closedError(c.target)
	}
	call, cancel := context.WithTimeout(ctx, c.connection.timeout)
	defer cancel()
	answer, err = method(call, request)
	switch {
	case err == nil:
		return answer, nil
	case c.closing.Err() != nil:
		return answer, closedError(c.target)
	case ctx.Err() != nil:
		return answer, endedByContext(ctx, c.target)
	default:
		return answer, fromRPC(err, c.target)
	}
}

func (c *Client) newSession(options []SubscribeOption) (*session, error) {
	if c.closing.Err() != nil {
		return nil, closedError(c.target)
	}
	asked, err := newSubscription(options)
	if err != nil {
		return nil, err
	}
	return newSession(asked, terms{
		target:        c.target,
		reconnectsMax: c.connection.reconnectsMax,
		logger:        c.connection.logger,
		backoff:       newBackoff(backoffFirst, c.connection.backoffCap, rand.Float64),
		now:           time.Now,
	}), nil
}
