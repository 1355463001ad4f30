package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	// warmUp: latency counts from here on, as the first responses also pay for what is made once.
	warmUp           = 500 * time.Millisecond
	responseBytesMax = 16 << 20
)

// sampling is what all clients agree on.
type sampling struct {
	// every: one response of so many is decoded whole; of the others the quotes are only counted.
	every int
	// warmAt is a Unix time in nanoseconds, set by the first quote that is decoded.
	warmAt atomic.Int64
}

// client is one subscription over its own connection.
type client struct {
	sampling   *sampling
	connection *grpc.ClientConn
	stream     grpc.ClientStream
	cancel     context.CancelFunc
	response   response

	// turn counts towards the next response that is decoded; it begins elsewhere in each client.
	turn              int
	quotes, conflated uint64
	responses         int
	// lastNS is when the latest quote was received, as Unix time.
	lastNS      int64
	latenciesNS []int64
}

// open subscribes and waits for the first response, before which nothing is streamed.
func open(address string, symbols []string, turn int, agreed *sampling) (*client, error) {
	connection, err := grpc.NewClient(
		address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(asBytes{}), grpc.MaxCallRecvMsgSize(responseBytesMax)),
	)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &client{sampling: agreed, connection: connection, cancel: cancel, turn: turn}
	request := &pb.SubscribeRequest{Selection: &pb.Selection{Symbols: symbols}}
	c.stream, err = connection.NewStream(
		ctx, &grpc.StreamDesc{ServerStreams: true}, pb.MarketDataService_Subscribe_FullMethodName,
	)
	if err == nil {
		err = c.stream.SendMsg(request)
	}
	if err == nil {
		err = c.stream.CloseSend()
	}
	if err == nil {
		err = c.stream.RecvMsg(&c.response)
	}
	if err != nil {
		return nil, fmt.Errorf("a subscription does not begin: %w", errors.Join(err, c.close()))
	}
	return c, nil
}

// collect reads until all quotes that are owed have come or were reported as conflated, or the call is ended.
func (c *client) collect(owed uint64) error {
	for c.quotes+c.conflated < owed {
		if err := c.stream.RecvMsg(&c.response); err != nil {
			return err
		}
		quotes, conflated, err := c.response.count()
		if err != nil {
			return err
		}
		c.responses++
		c.conflated += conflated
		if quotes == 0 {
			continue
		}
		c.quotes += quotes
		c.lastNS = time.Now().UnixNano()
		c.turn++
		if c.turn%c.sampling.every == 0 {
			if err := c.sample(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *client) sample() error {
	stamps, err := c.response.receivedAt()
	if err != nil {
		return err
	}
	now := time.Now()
	c.sampling.warmAt.CompareAndSwap(0, stamps[0].Add(warmUp).UnixNano())
	warmAt := time.Unix(0, c.sampling.warmAt.Load())
	for _, stamp := range stamps {
		if !stamp.Before(warmAt) {
			c.latenciesNS = append(c.latenciesNS, now.Sub(stamp).Nanoseconds())
		}
	}
	return nil
}

// close ends the call and its connection.
func (c *client) close() error {
	c.cancel()
	return c.connection.Close()
}
