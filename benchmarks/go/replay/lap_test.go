package main

import (
	"encoding/binary"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// messages reads what gRPC would take from the wire.
func messages(t *testing.T, data []byte) []*pb.SubscribeResponse {
	t.Helper()
	var all []*pb.SubscribeResponse
	for len(data) > 0 {
		length := int(binary.BigEndian.Uint32(data[1:]))
		response := &pb.SubscribeResponse{}
		if err := proto.Unmarshal(data[grpcHeadBytes:grpcHeadBytes+length], response); err != nil {
			t.Fatal(err)
		}
		all = append(all, response)
		data = data[grpcHeadBytes+length:]
	}
	return all
}

func TestEachLapHasTheNextRevisionOfEveryInstrument(t *testing.T) {
	laps, err := newLap(20, 10)
	if err != nil {
		t.Fatal(err)
	}
	first, err := opening(20)
	if err != nil {
		t.Fatal(err)
	}
	revisions := map[string]uint64{}
	for _, quote := range messages(t, first)[0].GetQuotes() {
		revisions[quote.GetSymbol()] = quote.GetRevision()
	}
	if len(revisions) != 20 {
		t.Fatalf("the state has %d instruments", len(revisions))
	}
	for range 300 {
		data, err := laps.next()
		if err != nil {
			t.Fatal(err)
		}
		responses := messages(t, data)
		if len(responses) != 2 || len(responses[0].GetQuotes()) != 10 {
			t.Fatalf("%d responses, of %d quotes", len(responses), len(responses[0].GetQuotes()))
		}
		for _, response := range responses {
			for _, quote := range response.GetQuotes() {
				revisions[quote.GetSymbol()]++
				if quote.GetRevision() != revisions[quote.GetSymbol()] {
					t.Fatalf("%v, not revision %d", quote, revisions[quote.GetSymbol()])
				}
			}
		}
	}
}

func TestLapsEndWhereTheNextRevisionWouldTakeMoreBytes(t *testing.T) {
	laps := &lap{revision: revisionLast}
	if _, err := laps.next(); err != nil {
		t.Fatal(err)
	}
	if _, err := laps.next(); err == nil {
		t.Fatal("a revision of four bytes was written")
	}
}

func TestResponsesMustDivideTheInstruments(t *testing.T) {
	for _, quotesEach := range []int{0, 3} {
		if _, err := newLap(20, quotesEach); err == nil {
			t.Errorf("responses of %d quotes were made of 20", quotesEach)
		}
	}
}
