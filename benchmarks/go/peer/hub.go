package main

import (
	"sync"
	"sync/atomic"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// waitingMax is how many quotes may wait for one client; what comes while they do is dropped, and counted.
const waitingMax = 4096

// subscriber is one client: its channel, and what it selects.
type subscriber struct {
	quotes chan *pb.Quote
	// symbols is empty for a client that selects all.
	symbols map[string]bool
	dropped atomic.Uint64
}

func newSubscriber(symbols []string) *subscriber {
	s := &subscriber{quotes: make(chan *pb.Quote, waitingMax), symbols: make(map[string]bool, len(symbols))}
	for _, symbol := range symbols {
		s.symbols[symbol] = true
	}
	return s
}

func (s *subscriber) wants(quote *pb.Quote) bool {
	return len(s.symbols) == 0 || s.symbols[quote.GetSymbol()]
}

// hub hands each quote to the clients that select it. The zero value has none.
type hub struct {
	mu          sync.RWMutex
	subscribers map[*subscriber]struct{}
}

func (h *hub) add(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subscribers == nil {
		h.subscribers = map[*subscriber]struct{}{}
	}
	h.subscribers[s] = struct{}{}
}

func (h *hub) remove(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers, s)
}

func (h *hub) count() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subscribers)
}

// publish waits for nobody. All clients share the quote, which nobody may change from here on.
func (h *hub) publish(quote *pb.Quote) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subscribers {
		if !s.wants(quote) {
			continue
		}
		select {
		case s.quotes <- quote:
		default:
			s.dropped.Add(1)
		}
	}
}
