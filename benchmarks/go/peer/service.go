package main

import (
	"google.golang.org/grpc"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// service is Subscribe by the generated code: a goroutine and a channel for each client, a message for each quote.
type service struct {
	pb.UnimplementedMarketDataServiceServer
	hub *hub
}

func (s *service) Subscribe(
	request *pb.SubscribeRequest, stream grpc.ServerStreamingServer[pb.SubscribeResponse],
) error {
	own := newSubscriber(request.GetSelection().GetSymbols())
	s.hub.add(own)
	defer s.hub.remove(own)
	opening := &pb.SubscribeResponse{Continuity: pb.Continuity_CONTINUITY_SNAPSHOT, CaughtUp: true}
	if err := stream.Send(opening); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case quote := <-own.quotes:
			// What was dropped was dropped while quotes waited, so that one of those tells of it.
			response := &pb.SubscribeResponse{Quotes: []*pb.Quote{quote}, Conflated: own.dropped.Swap(0)}
			if err := stream.Send(response); err != nil {
				return err
			}
		}
	}
}
