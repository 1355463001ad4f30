package tickmux

import "sync"

// Position is how far a subscription has come, for a program that goes on there after its own restart. Give its address
// to Track. Any goroutine may read it, while the loop runs and after it.
type Position struct {
	mu    sync.Mutex
	token string
}

// ResumeToken is where to go on, for the option of this name and the same selection and delivery; empty if nowhere yet.
//
// It stands for the responses of the server whose every event has been through the body of the loop, never for one that
// is still there. Who goes on from it misses nothing, and sees again what has been yielded since. It moves on with the
// server's heartbeats while nothing is yielded, so store it from time to time: a server goes on only from a token that
// its history still reaches. Where it does not, or the chain was broken before, the loop after the restart begins with
// Reset.
func (p *Position) ResumeToken() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

func (p *Position) move(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

// Track keeps a position up to date while a loop runs. It belongs to that loop alone.
func Track(position *Position) SubscribeOption {
	return subscriptionOption(func(s *subscription) {
		if position == nil {
			s.refuse("Track needs the address of a Position, not nil")
		}
		s.position = position
	})
}
