package tickmux

import (
	"fmt"
	"slices"
	"testing"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// naive says what a sequencer must. It keeps everything that it was ever told and searches through that, where the
// sequencer keeps no more than it needs.
type naive struct {
	checksHoles bool
	// told are all responses; nil stands for a cut.
	told []*pb.SubscribeResponse
	// excused is how many missing updates each count has excused, by index of told.
	excused map[int]uint64
	// isSettled: the events of the latest response were handed out.
	isSettled bool
	// yielded holds the quotes with the index of the response that they came in.
	yielded []yielded
}

type yielded struct {
	quote *Quote
	at    int
}

func (n *naive) cut() { n.told = append(n.told, nil) }

// isOpening tells whether a response begins a phase or goes on with one.
func (n *naive) isOpening(index int) bool {
	return index == 0 || n.told[index-1] == nil ||
		n.told[index].GetContinuity() != pb.Continuity_CONTINUITY_UNSPECIFIED
}

func (n *naive) isBeginning(index int) bool {
	return n.told[index] != nil && n.isOpening(index) &&
		n.told[index].GetContinuity() != pb.Continuity_CONTINUITY_RESUMED
}

// last is the index of the last response up to some one that is such; -1 if none is.
func (n *naive) last(until int, is func(int) bool) int {
	for ; until >= 0 && !is(until); until-- {
	}
	return until
}

// hasBegun tells whether the user had something, before a response, that can have become wrong.
func (n *naive) hasBegun(before int) bool {
	return slices.ContainsFunc(n.told[:before], func(told *pb.SubscribeResponse) bool {
		return len(told.GetQuotes()) > 0 || told.GetCaughtUp() ||
			told.GetContinuity() == pb.Continuity_CONTINUITY_RESUMED
	})
}

// isComplete tells whether the state of a phase was complete before a response.
func (n *naive) isComplete(phase, before int) bool {
	return phase >= 0 && slices.ContainsFunc(n.told[phase:before], (*pb.SubscribeResponse).GetCaughtUp)
}

func (n *naive) receive(response *pb.SubscribeResponse) []string {
	now := len(n.told)
	n.told = append(n.told, response)
	n.isSettled = false
	lines := []string{}
	if n.isBeginning(now) && (n.hasBegun(now) || response.GetContinuity() == pb.Continuity_CONTINUITY_RESET) {
		lines = append(lines, "reset")
	}
	if names := response.GetUnmatched(); len(names) > 0 {
		before := n.last(now-1, func(index int) bool { return len(n.told[index].GetUnmatched()) > 0 })
		if before < 0 || !slices.Equal(n.told[before].GetUnmatched(), names) {
			lines = append(lines, fmt.Sprintf("unmatched %v", names))
		}
	}
	for index, status := range response.GetSourceStatuses() {
		known := n.status(now, index, status.GetSource(), status.GetChannel())
		if known == nil || known.GetState() != status.GetState() || known.GetEpoch() != status.GetEpoch() {
			lines = append(lines, SourceStatus{status}.State().String())
		}
	}
	if response.GetConflated() > 0 {
		lines = append(lines, fmt.Sprintf("conflated %d", response.GetConflated()))
	}
	for index := range response.GetQuotes() {
		lines = append(lines, n.quote(now, index)...)
	}
	if response.GetCaughtUp() {
		lines = append(lines, "caught up")
	}
	return lines
}

// status is the latest of a channel that is known before the count-th one of a response; nil if none is.
func (n *naive) status(now, count int, source, channel string) *pb.SourceStatus {
	for index := now; index >= 0 && n.told[index] != nil; index-- {
		statuses := n.told[index].GetSourceStatuses()
		if index == now {
			statuses = statuses[:count]
		}
		for _, status := range slices.Backward(statuses) {
			if status.GetSource() == source && status.GetChannel() == channel {
				return status
			}
		}
		if n.isBeginning(index) {
			break
		}
	}
	return nil
}

// before is the newest quote of an instrument in the phase so far, and the response that it came in first.
func (n *naive) before(phase, now, count int, quote *pb.Quote) (newest *pb.Quote, at int) {
	for index := max(0, phase); index <= now; index++ {
		quotes := n.told[index].GetQuotes()
		if index == now {
			quotes = quotes[:count]
		}
		for _, other := range quotes {
			isSame := other.GetSource() == quote.GetSource() && other.GetSymbol() == quote.GetSymbol()
			if isSame && (newest == nil || isNewer(other, newest)) {
				newest, at = other, index
			}
		}
	}
	return newest, at
}

func isNewer(quote, other *pb.Quote) bool {
	if quote.GetEpoch() != other.GetEpoch() {
		return quote.GetEpoch() > other.GetEpoch()
	}
	return quote.GetRevision() > other.GetRevision()
}

func (n *naive) quote(now, count int) []string {
	quote := n.told[now].GetQuotes()[count]
	phase := n.last(now, n.isBeginning)
	isState := phase >= 0 && !n.isComplete(phase, now)
	before, at := n.before(phase, now, count, quote)
	if before != nil && !isNewer(quote, before) {
		return nil
	}
	first := quote.GetRevision()
	switch {
	case before == nil && !n.isComplete(phase, now):
	case before == nil || before.GetEpoch() != quote.GetEpoch():
		first = 1
	default:
		first = before.GetRevision() + 1
	}
	missing := quote.GetRevision() - first
	hasGap := before != nil && (missing > 0 || before.GetEpoch() != quote.GetEpoch()) ||
		before == nil && (missing > 0 || phase >= 0 && n.hasBegun(phase))
	lines := []string{}
	if missing > 0 && n.checksHoles && !isState && !n.excuse(now, at, before == nil, missing) {
		lines = append(lines, fmt.Sprintf("hole %s %d/%d, not %d",
			quote.GetSymbol(), quote.GetEpoch(), quote.GetRevision(), first))
	}
	gap := ""
	if hasGap {
		gap = "gap, "
	}
	return append(lines, fmt.Sprintf("%s%s %d/%d", gap, quote.GetSymbol(), quote.GetEpoch(), quote.GetRevision()))
}

// excuse takes the missing updates from what was counted, if something was since the instrument's last quote.
func (n *naive) excuse(now, since int, isNew bool, missing uint64) bool {
	begin := max(0, n.last(now, func(index int) bool {
		return n.told[index] != nil && n.isOpening(index) && (n.isBeginning(index) ||
			n.told[index].GetContinuity() == pb.Continuity_CONTINUITY_RESUMED)
	}))
	var left uint64
	wasCounted := isNew
	for index, told := range n.told {
		wasCounted = wasCounted || (index > since && told.GetConflated() > 0)
		if index >= begin {
			left += told.GetConflated() - n.excused[index]
		}
	}
	if !wasCounted || left < missing {
		return false
	}
	n.excused[now] += missing
	return true
}

// isCatchingUp tells whether missed updates come in, as a new stream that was resumed begins with.
func (n *naive) isCatchingUp(now int) bool {
	start := n.last(now, func(index int) bool { return index == 0 || n.told[index-1] == nil })
	until := now
	if n.isSettled {
		until++
	}
	return n.last(now, n.isBeginning) < start && !n.isComplete(start, until)
}

// isStale searches what is known of a quote's channel now.
func (n *naive) isStale(one yielded) bool {
	now := len(n.told) - 1
	if n.told[now] == nil || n.last(now, n.isBeginning) > one.at || n.isCatchingUp(now) {
		return true
	}
	message := one.quote.Message()
	status := n.status(now, len(n.told[now].GetSourceStatuses()), message.GetSource(), message.GetChannel())
	return status == nil || !isHealthy(status.GetState()) || message.GetEpoch() < status.GetEpoch()
}

func (n *naive) check(t *testing.T, events []Event) {
	t.Helper()
	for _, quote := range quotesOf(events) {
		n.yielded = append(n.yielded, yielded{quote, len(n.told) - 1})
	}
	for _, one := range n.yielded {
		if want := n.isStale(one); one.quote.IsStale() != want {
			t.Fatalf("%s: is stale: %v, want %v after %v", line(one.quote), !want, want, n.told)
		}
	}
}
