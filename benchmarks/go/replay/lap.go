package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tickmux/tickmux/benchmarks/go/synthetic"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	source = "synthetic"
	// All revisions of the laps take three bytes, so that the next one can be written over the one before.
	revisionFirst = 1 << 14
	revisionLast  = 1<<21 - 1

	quotesField    = 1
	revisionField  = 13
	grpcHeadBytes  = 5
	resumeTokenLen = 80
)

// lap is one quote of each instrument, in responses of so many, as they stand on the wire of gRPC.
type lap struct {
	data []byte
	// revisions is where the revision of each quote stands in data.
	revisions []int
	revision  uint64
}

// newLap of so many instruments, whose number quotesEach divides.
func newLap(instruments, quotesEach int) (*lap, error) {
	if quotesEach <= 0 || instruments%quotesEach != 0 {
		return nil, fmt.Errorf("%d instruments do not fill responses of %d", instruments, quotesEach)
	}
	l := &lap{revision: revisionFirst}
	for first := 0; first < instruments; first += quotesEach {
		if err := l.addResponse(first, quotesEach); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// next is the bytes of the next lap, in the memory of the one before.
func (l *lap) next() ([]byte, error) {
	if l.revision > revisionLast {
		return nil, fmt.Errorf("there are no revisions of three bytes left")
	}
	var encoded [3]byte
	binary.PutUvarint(encoded[:], l.revision)
	for _, at := range l.revisions {
		copy(l.data[at:], encoded[:])
	}
	l.revision++
	return l.data, nil
}

// addResponse appends a response with the fields that a live one of our server has.
func (l *lap) addResponse(first, quotes int) error {
	own := &pb.SubscribeResponse{ResumeToken: strings.Repeat("t", resumeTokenLen), SentAt: timestamppb.Now()}
	message, err := proto.Marshal(own)
	if err != nil {
		return err
	}
	var revisions []int
	for number := first; number < first+quotes; number++ {
		encoded, err := proto.Marshal(quote(number, revisionFirst))
		if err != nil {
			return err
		}
		at, err := fieldAt(encoded, revisionField)
		if err != nil {
			return err
		}
		message = protowire.AppendTag(message, quotesField, protowire.BytesType)
		message = protowire.AppendVarint(message, uint64(len(encoded)))
		revisions = append(revisions, len(message)+at)
		message = append(message, encoded...)
	}
	begins := len(l.data) + grpcHeadBytes
	for _, at := range revisions {
		l.revisions = append(l.revisions, begins+at)
	}
	l.data = append(appendHead(l.data, len(message)), message...)
	return nil
}

// opening is the state before the first lap, and the health of the source.
func opening(instruments int) ([]byte, error) {
	response := &pb.SubscribeResponse{
		Continuity: pb.Continuity_CONTINUITY_SNAPSHOT,
		CaughtUp:   true,
		SourceStatuses: []*pb.SourceStatus{
			{Source: source, Channel: synthetic.Channel, State: pb.SourceState_SOURCE_STATE_LIVE, Epoch: synthetic.Epoch},
		},
	}
	for number := range instruments {
		response.Quotes = append(response.Quotes, quote(number, revisionFirst-1))
	}
	message, err := proto.Marshal(response)
	if err != nil {
		return nil, err
	}
	return append(appendHead(nil, len(message)), message...), nil
}

func quote(number int, revision uint64) *pb.Quote {
	return synthetic.Quote(source, fmt.Sprintf("C%03dUSDT", number), revision, number)
}

// appendHead appends what precedes a message of gRPC: not compressed, and its length.
func appendHead(data []byte, length int) []byte {
	return binary.BigEndian.AppendUint32(append(data, 0), uint32(length))
}

// fieldAt is where the value of a field of a message stands.
func fieldAt(message []byte, wanted protowire.Number) (int, error) {
	for at := 0; at < len(message); {
		field, kind, size := protowire.ConsumeTag(message[at:])
		if size < 0 {
			return 0, protowire.ParseError(size)
		}
		at += size
		if field == wanted {
			return at, nil
		}
		size = protowire.ConsumeFieldValue(field, kind, message[at:])
		if size < 0 {
			return 0, protowire.ParseError(size)
		}
		at += size
	}
	return 0, fmt.Errorf("a message has no field %d", wanted)
}
