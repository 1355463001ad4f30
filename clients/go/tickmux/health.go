package tickmux

import (
	"sync"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

type channelKey struct{ source, channel string }

// health is the latest status of each (source, channel), which the quotes of a stream are asked about. It is written
// by the stream alone, and read by whoever holds a quote.
type health struct {
	mu       sync.RWMutex
	statuses map[channelKey]*pb.SourceStatus
	// isCatchingUp: missed updates come in, any of which may supersede a quote that is asked about.
	isCatchingUp bool
	// joined answers in its place: a stream that goes on after the snapshot that this is the health of.
	joined *health
}

func newHealth(statuses ...*pb.SourceStatus) *health {
	table := &health{statuses: make(map[channelKey]*pb.SourceStatus, len(statuses))}
	for _, status := range statuses {
		table.note(status)
	}
	return table
}

// note keeps a status; what it returns is the one before it, or nil.
func (h *health) note(status *pb.SourceStatus) *pb.SourceStatus {
	key := channelKey{status.GetSource(), status.GetChannel()}
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.statuses[key]
	h.statuses[key] = status
	return known
}

// clear forgets everything, so that every quote is stale.
func (h *health) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.statuses)
	h.isCatchingUp = false
}

// catchUp has every quote be stale until the missed updates have come.
func (h *health) catchUp(isCatchingUp bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.isCatchingUp = isCatchingUp
}

// join has other answer from now on.
func (h *health) join(other *health) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.joined = other
}

func (h *health) isStale(quote *pb.Quote) bool {
	h.mu.RLock()
	joined, status := h.joined, h.statuses[channelKey{quote.GetSource(), quote.GetChannel()}]
	isCatchingUp := h.isCatchingUp
	h.mu.RUnlock()
	if joined != nil {
		return joined.isStale(quote)
	}
	return isCatchingUp || status == nil || !isHealthy(status.GetState()) || quote.GetEpoch() < status.GetEpoch()
}

// isHealthy tells whether a source's last word is its present one.
func isHealthy(state pb.SourceState) bool {
	return state == pb.SourceState_SOURCE_STATE_LIVE || state == pb.SourceState_SOURCE_STATE_THROTTLED
}
