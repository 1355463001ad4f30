// Package scripted is a real server of the contract that plays a script, for the tests of the client.
package scripted

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// Step is what a call does next: it sends a response, or ends.
type Step func(pb.MarketDataService_SubscribeServer) error

// Send a response.
func Send(response *pb.SubscribeResponse) Step {
	return func(stream pb.MarketDataService_SubscribeServer) error { return stream.Send(response) }
}

// Hang keeps the call open without a word, until the client is gone.
func Hang() Step {
	return func(stream pb.MarketDataService_SubscribeServer) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
}

// Fail ends the call with an error.
func Fail(err error) Step { return func(pb.MarketDataService_SubscribeServer) error { return err } }

// Cut ends the call as a broken connection would.
func Cut() Step { return Fail(Error(codes.Unavailable, "scripted")) }

// Error of a call, with the details of google.rpc.
func Error(code codes.Code, message string, details ...proto.Message) error {
	rich := status.New(code, message)
	for _, detail := range details {
		with, err := rich.WithDetails(protoadapt.MessageV1Of(detail))
		if err != nil {
			panic(err)
		}
		rich = with
	}
	return rich.Err()
}

// Server plays Calls, one for each Subscribe in turn; the last one repeats. Set its fields before Start.
type Server struct {
	pb.UnimplementedMarketDataServiceServer

	Calls [][]Step
	// Answer says what to play for a request, in place of Calls.
	Answer      func(*pb.SubscribeRequest) []Step
	Snapshot    func(context.Context, *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error)
	Instruments func(*pb.ListInstrumentsRequest) (*pb.ListInstrumentsResponse, error)
	Sources     []*pb.SourceStatus

	mu       sync.Mutex
	requests []*pb.SubscribeRequest
	metadata []metadata.MD
	open     sync.WaitGroup
}

// Start listens on a port of this machine; it returns where, and what stops the server.
func (s *Server) Start(options ...grpc.ServerOption) (target string, stop func()) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(options...)
	pb.RegisterMarketDataServiceServer(server, s)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return listener.Addr().String(), func() {
		server.Stop()
		// It may be stopped before it has begun to serve.
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			panic(err)
		}
	}
}

// Requests of Subscribe so far.
func (s *Server) Requests() []*pb.SubscribeRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*pb.SubscribeRequest(nil), s.requests...)
}

// Tokens that the requests of Subscribe came with.
func (s *Server) Tokens() []string {
	var tokens []string
	for _, request := range s.Requests() {
		tokens = append(tokens, request.GetResumeToken())
	}
	return tokens
}

// Metadata that the calls came with, those of Subscribe and ListSources.
func (s *Server) Metadata() []metadata.MD {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]metadata.MD(nil), s.metadata...)
}

// WaitClosed returns once no Subscribe is open; false if one still is after the limit.
func (s *Server) WaitClosed(limit time.Duration) bool {
	closed := make(chan struct{})
	go func() {
		s.open.Wait()
		close(closed)
	}()
	select {
	case <-closed:
		return true
	case <-time.After(limit):
		return false
	}
}

func (s *Server) keepMetadata(ctx context.Context) {
	sent, _ := metadata.FromIncomingContext(ctx)
	s.metadata = append(s.metadata, sent)
}

// Subscribe plays the next call.
func (s *Server) Subscribe(request *pb.SubscribeRequest, stream pb.MarketDataService_SubscribeServer) error {
	s.open.Add(1)
	defer s.open.Done()
	s.mu.Lock()
	s.keepMetadata(stream.Context())
	s.requests = append(s.requests, request)
	var call []Step
	if s.Answer == nil {
		call = s.Calls[min(len(s.requests), len(s.Calls))-1]
	}
	s.mu.Unlock()
	if s.Answer != nil {
		call = s.Answer(request)
	}
	for _, step := range call {
		if err := step(stream); err != nil {
			return err
		}
	}
	return nil
}

// GetSnapshot answers with what Snapshot says.
func (s *Server) GetSnapshot(ctx context.Context, request *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) {
	return s.Snapshot(ctx, request)
}

// ListInstruments answers with what Instruments says.
func (s *Server) ListInstruments(
	_ context.Context, request *pb.ListInstrumentsRequest,
) (*pb.ListInstrumentsResponse, error) {
	return s.Instruments(request)
}

// ListSources answers Sources.
func (s *Server) ListSources(ctx context.Context, _ *pb.ListSourcesRequest) (*pb.ListSourcesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepMetadata(ctx)
	return &pb.ListSourcesResponse{SourceStatuses: s.Sources}, nil
}
