package tickmux

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// broken is a message that travels as bytes which are none.
func broken[Message proto.Message](message Message) Message {
	message.ProtoReflect().SetUnknown([]byte{0xff, 0xff, 0xff})
	return message
}

func TestBytesThatAreNoMessageAreToldAndAskedForAgain(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{
		send(opening("t1", quote("A", 1)), broken(&pb.SubscribeResponse{})),
		then(send(resumed("", quote("A", 2))), scripted.Hang()),
	}}
	client := serve(t, server)
	events, err := watch(t, client, revision(2))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, events, "LIVE", "A 1/1", "caught up", "disconnected, 0 tries", "reconnected, resumed", "LIVE", "A 1/2")
	told := events[3].(Disconnected)
	equal(t, "reason", told.Reason, ReasonMalformedResponse)
	equal(t, "problem", told.Problem, client.Target()+" sent a malformed message")
	tokens(t, server, "", "t1")
}

func TestAnAnswerOfBytesThatAreNoMessageSaysSo(t *testing.T) {
	client := serve(t, &scripted.Server{
		Snapshot: func(context.Context, *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) {
			return broken(&pb.GetSnapshotResponse{}), nil
		},
	})
	_, err := client.Snapshot(t.Context())
	var told *Error
	if !errors.As(err, &told) || !errors.Is(err, ErrUnavailable) || told.Reason != ReasonMalformedResponse {
		t.Errorf("got %#v", err)
	}
}

func TestAnInternalErrorOfTheServerIsNotTakenForBytesThatAreNoMessage(t *testing.T) {
	failing := scripted.Fail(scripted.Error(codes.Internal, "a message could not be made"))
	server := &scripted.Server{Calls: [][]scripted.Step{{failing}}}
	_, err := watch(t, serve(t, server, WithReconnectsMax(0)), never)
	var told *Error
	if !errors.As(err, &told) || told.Code != codes.Internal || told.Reason != "" {
		t.Errorf("got %#v", err)
	}
}
