package tickmux

import (
	"cmp"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const defaultHeartbeatInterval = 5 * time.Second

// SubscribeOption says what to stream, and how.
type SubscribeOption interface{ applyToSubscription(*subscription) }

// ListOption says what to answer a request for one list with.
type ListOption interface{ applyToListing(*listing) }

// SelectionOption narrows what a call is about. Values of one option are alternatives, options narrow each other, case
// does not matter, and none means all. Given twice, an option adds its values.
type SelectionOption interface {
	SubscribeOption
	ListOption
}

// Symbols selects canonical names, or patterns such as BTC*.
func Symbols(names ...string) SelectionOption {
	return narrowing(func(s *pb.Selection) { s.Symbols = append(s.Symbols, names...) })
}

// Sources selects names of the server's sources, such as binance.
func Sources(names ...string) SelectionOption {
	return narrowing(func(s *pb.Selection) { s.Sources = append(s.Sources, names...) })
}

// Exchanges selects listing exchanges.
func Exchanges(names ...string) SelectionOption {
	return narrowing(func(s *pb.Selection) { s.Exchanges = append(s.Exchanges, names...) })
}

// Types selects asset classes: crypto, stock or fx.
func Types(names ...string) SelectionOption {
	return narrowing(func(s *pb.Selection) { s.Types = append(s.Types, names...) })
}

// PageSize is how many entries the server puts on a page of a list; as many as it likes if not given. All pages are
// fetched, whatever their size.
func PageSize(entries int32) ListOption {
	return listingOption(func(l *listing) { l.pageSize = entries })
}

// Delivery is what a stream does when updates arrive faster than they are read; it is itself the option that says so.
type Delivery int

const (
	// DeliverAll: every update; conflates only when far behind, and says so. It is the default.
	DeliverAll Delivery = 1
	// DeliverLatest: the latest quote of each instrument that changed.
	DeliverLatest Delivery = 2
	// DeliverAllOrEnd: every update; ends with ReasonTooFarBehind instead of conflating.
	DeliverAllOrEnd Delivery = 3
)

func (d Delivery) applyToSubscription(s *subscription) {
	if d < 0 || d > DeliverAllOrEnd {
		s.refuse("expected DeliverAll, DeliverLatest or DeliverAllOrEnd, not %d", d)
	}
	s.request.Delivery = pb.Delivery(d)
}

// HeartbeatInterval is the pace of the server's heartbeats, 5 s if not given, at least 1 s; after three missed ones the
// stream is dead.
func HeartbeatInterval(interval time.Duration) SubscribeOption {
	return subscriptionOption(func(s *subscription) {
		s.requirePositive("HeartbeatInterval", interval)
		s.request.HeartbeatInterval = durationpb.New(interval)
	})
}

// MinInterval is the shortest time between two responses with quotes; as fast as they come if not given.
func MinInterval(interval time.Duration) SubscribeOption {
	return subscriptionOption(func(s *subscription) {
		s.requirePositive("MinInterval", interval)
		s.request.MinInterval = durationpb.New(interval)
	})
}

// After goes on after a snapshot of the same selection: what it holds is not repeated, and nothing since is missed.
func After(snapshot *Snapshot) SubscribeOption {
	return subscriptionOption(func(s *subscription) {
		if snapshot == nil {
			s.refuse("After needs a snapshot, not nil")
		}
		s.after = snapshot
	})
}

// ResumeToken says where to go on, from Snapshot.ResumeToken of the same selection, Position.ResumeToken,
// Error.ResumeToken, or a message of Responses. An empty one begins with the present state, as no option does.
func ResumeToken(token string) SubscribeOption {
	return subscriptionOption(func(s *subscription) {
		if !utf8.ValidString(token) {
			s.refuse("ResumeToken: expected a token as the server gave it, not bytes that are no text")
		}
		s.token = token
	})
}

type subscription struct {
	request *pb.SubscribeRequest
	after   *Snapshot
	token   string
	// position is never nil.
	position *Position
	// problem is the first one that an option found.
	problem *Error
}

// newSubscription builds the request of a stream. Its error says that an option has an impossible value, or that two
// places to go on are given.
func newSubscription(options []SubscribeOption) (*subscription, error) {
	s := &subscription{request: &pb.SubscribeRequest{
		Selection:         &pb.Selection{},
		Delivery:          pb.Delivery_DELIVERY_ALL,
		HeartbeatInterval: durationpb.New(defaultHeartbeatInterval),
	}, position: &Position{}}
	for _, option := range options {
		option.applyToSubscription(s)
	}
	if problem := cmp.Or(s.problem, checkNames(s.request.GetSelection())); problem != nil {
		return nil, problem
	}
	if s.after != nil {
		if s.token != "" {
			return nil, optionError("give After or ResumeToken, not both: a snapshot has its own token")
		}
		s.token = s.after.ResumeToken
	}
	if s.token != "" {
		s.request.Start = &pb.SubscribeRequest_ResumeToken{ResumeToken: s.token}
	}
	return s, nil
}

func (s *subscription) requirePositive(name string, interval time.Duration) {
	if interval <= 0 {
		s.refuse("%s must be positive, not %v", name, interval)
	}
}

func (s *subscription) refuse(format string, arguments ...any) {
	s.problem = cmp.Or(s.problem, optionError(format, arguments...))
}

type listing struct {
	selection *pb.Selection
	pageSize  int32
}

// newListing builds what a list is asked with. Its error says that a name is no text.
func newListing(options []ListOption) (*listing, error) {
	l := &listing{selection: &pb.Selection{}}
	for _, option := range options {
		option.applyToListing(l)
	}
	if problem := checkNames(l.selection); problem != nil {
		return nil, problem
	}
	return l, nil
}

type narrowing func(*pb.Selection)

func (n narrowing) applyToSubscription(s *subscription) { n(s.request.Selection) }
func (n narrowing) applyToListing(l *listing)           { n(l.selection) }

type subscriptionOption func(*subscription)

func (o subscriptionOption) applyToSubscription(s *subscription) { o(s) }

type listingOption func(*listing)

func (o listingOption) applyToListing(l *listing) { o(l) }
