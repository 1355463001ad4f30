package main

import (
	"fmt"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	quotesField    = 1
	conflatedField = 6
)

// response is a SubscribeResponse as it came.
type response struct{ data []byte }

// count tells how many quotes a response carries and how many it says were conflated; nothing is decoded.
func (r *response) count() (quotes, conflated uint64, err error) {
	for rest := r.data; len(rest) > 0; {
		field, kind, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return 0, 0, protowire.ParseError(size)
		}
		rest = rest[size:]
		switch field {
		case quotesField:
			quotes++
		case conflatedField:
			value, size := protowire.ConsumeVarint(rest)
			if size < 0 {
				return 0, 0, protowire.ParseError(size)
			}
			conflated += value
		}
		size = protowire.ConsumeFieldValue(field, kind, rest)
		if size < 0 {
			return 0, 0, protowire.ParseError(size)
		}
		rest = rest[size:]
	}
	return quotes, conflated, nil
}

// receivedAt decodes the whole response: when the server received each of its quotes.
func (r *response) receivedAt() ([]time.Time, error) {
	decoded := &pb.SubscribeResponse{}
	if err := proto.Unmarshal(r.data, decoded); err != nil {
		return nil, err
	}
	stamps := make([]time.Time, len(decoded.GetQuotes()))
	for index, quote := range decoded.GetQuotes() {
		stamps[index] = quote.GetReceivedAt().AsTime()
	}
	return stamps, nil
}

// asBytes is a codec that decodes no response: it keeps the bytes, in memory that the next one reuses.
type asBytes struct{}

// Name is what the call's content type says, which stays that of protobuf.
func (asBytes) Name() string { return "proto" }

// Marshal encodes a request.
func (asBytes) Marshal(value any) (mem.BufferSlice, error) {
	request, isRequest := value.(*pb.SubscribeRequest)
	if !isRequest {
		return nil, fmt.Errorf("%T is no request", value)
	}
	data, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

// Unmarshal keeps the bytes of a response.
func (asBytes) Unmarshal(data mem.BufferSlice, value any) error {
	kept, isResponse := value.(*response)
	if !isResponse {
		return fmt.Errorf("%T is no response", value)
	}
	if cap(kept.data) < data.Len() {
		kept.data = make([]byte, data.Len())
	}
	kept.data = kept.data[:data.Len()]
	data.CopyTo(kept.data)
	return nil
}
