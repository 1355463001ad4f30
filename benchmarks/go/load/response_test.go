package main

import (
	"testing"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

func TestQuotesAndConflatedOnesAreCountedWithoutDecoding(t *testing.T) {
	stamp := time.Unix(1_790_000_000, 123_456_789).UTC()
	sent := &pb.SubscribeResponse{
		Quotes:         []*pb.Quote{{Symbol: "A", ReceivedAt: timestamppb.New(stamp)}, {Symbol: "B"}},
		SourceStatuses: []*pb.SourceStatus{{Source: "synthetic"}},
		ResumeToken:    "token",
		CaughtUp:       true,
		Conflated:      70_000,
		SentAt:         timestamppb.New(stamp),
	}
	data, err := proto.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	// In the memory of a longer one before it.
	received := response{data: make([]byte, 2*len(data))}
	if err := (asBytes{}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, &received); err != nil {
		t.Fatal(err)
	}

	quotes, conflated, err := received.count()
	if err != nil || quotes != 2 || conflated != 70_000 {
		t.Errorf("%d quotes, %d conflated, %v", quotes, conflated, err)
	}
	stamps, err := received.receivedAt()
	if err != nil || len(stamps) != 2 || !stamps[0].Equal(stamp) {
		t.Errorf("received at %v, %v", stamps, err)
	}
}

func TestAResponseThatEndsTooEarlyIsAnError(t *testing.T) {
	for _, data := range [][]byte{{0x0a}, {0x0a, 5, 1}, {0x30}, {0x30, 0x80}, {0x80}} {
		if _, _, err := (&response{data: data}).count(); err == nil {
			t.Errorf("%v was counted", data)
		}
	}
}
