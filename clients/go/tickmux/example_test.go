package tickmux_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	"github.com/tickmux/tickmux/clients/go/tickmux"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// The stream of the examples has one quote, is cut after two more, and goes on with a fourth.
var (
	untilCut = []scripted.Step{
		scripted.Send(scripted.Opening("1", scripted.QuoteAt("BTCUSDT", 1, 100.5))),
		scripted.Send(scripted.Live("3",
			scripted.QuoteAt("BTCUSDT", 2, 100.6), scripted.QuoteAt("BTCUSDT", 3, 100.7))),
		scripted.Cut(),
	}
	goesOn = []scripted.Step{
		scripted.Send(scripted.Resumed("4", scripted.QuoteAt("BTCUSDT", 4, 100.8))), scripted.Hang(),
	}
)

// exampleServer is where the examples connect to.
func exampleServer(calls ...[]scripted.Step) (address string, stop func()) {
	server := &scripted.Server{
		Calls: calls,
		Snapshot: func(_ context.Context, request *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) {
			if len(request.GetSelection().GetSources()) > 0 {
				return nil, scripted.Error(codes.InvalidArgument, "unknown source `binanec`; did you mean `binance`?",
					&errdetails.ErrorInfo{Reason: "UNKNOWN_SOURCE", Domain: "tickmux"})
			}
			return &pb.GetSnapshotResponse{
				Quotes:         []*pb.Quote{scripted.QuoteAt("BTCUSDT", 3, 100.7)},
				SourceStatuses: []*pb.SourceStatus{scripted.Status(pb.SourceState_SOURCE_STATE_LIVE)},
				ResumeToken:    "3",
			}, nil
		},
	}
	return server.Start()
}

func Example() {
	address, stop := exampleServer(untilCut, goesOn)
	defer stop()
	client, err := tickmux.Connect(address)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for quote, err := range client.Quotes(context.Background(), tickmux.Symbols("BTCUSDT")) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if bid, known := quote.BidPrice(); known {
			fmt.Println(quote.Source(), quote.Symbol(), bid)
		}
		if quote.Revision() == 4 {
			break
		}
	}
	// Output:
	// binance BTCUSDT 100.5
	// binance BTCUSDT 100.6
	// binance BTCUSDT 100.7
	// binance BTCUSDT 100.8
}

func ExampleClient_Subscribe() {
	address, stop := exampleServer(untilCut, goesOn)
	defer stop()
	client := tickmux.MustConnect(address)
	defer client.Close()
	options := []tickmux.SubscribeOption{tickmux.Symbols("BTC*"), tickmux.Sources("binance"), tickmux.DeliverAll}
	for event, err := range client.Subscribe(context.Background(), options...) {
		if err != nil {
			fmt.Println(err)
			return
		}
		switch event := event.(type) {
		case *tickmux.Quote:
			fmt.Println(event)
		case tickmux.SourceChanged:
			fmt.Println(event.Status)
		case tickmux.CaughtUp:
			fmt.Println("what follows is live")
		case tickmux.Disconnected:
			fmt.Println("what I knew may be old")
		case tickmux.Reconnected:
			fmt.Println("back, with all that was missed:", event.Resumed)
		}
		if quote, isQuote := event.(*tickmux.Quote); isQuote && quote.Revision() == 4 {
			break
		}
	}
	// Output:
	// binance/0 LIVE
	// binance BTCUSDT bid=100.5 live
	// what follows is live
	// binance BTCUSDT bid=100.6 live
	// binance BTCUSDT bid=100.7 live
	// what I knew may be old
	// back, with all that was missed: true
	// binance/0 LIVE
	// binance BTCUSDT bid=100.8 stale
}

func ExampleAfter() {
	address, stop := exampleServer(goesOn)
	defer stop()
	client := tickmux.MustConnect(address)
	defer client.Close()
	ctx := context.Background()
	snapshot, err := client.Snapshot(ctx, tickmux.Symbols("BTC*"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(snapshot.Quotes), "quotes to begin with")
	for quote, err := range client.Quotes(ctx, tickmux.Symbols("BTC*"), tickmux.After(snapshot)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("goes on with revision", quote.Revision(), "and a gap before it:", quote.GapBefore())
		break
	}
	// Output:
	// 1 quotes to begin with
	// goes on with revision 4 and a gap before it: false
}

func ExampleTrack() {
	address, stop := exampleServer(untilCut, goesOn)
	defer stop()
	client := tickmux.MustConnect(address)
	defer client.Close()
	var position tickmux.Position
	for quote, err := range client.Quotes(context.Background(), tickmux.Symbols("BTC*"), tickmux.Track(&position)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("at revision %d a restart would go on from %q\n", quote.Revision(), position.ResumeToken())
		if quote.Revision() == 4 {
			break
		}
	}
	// Output:
	// at revision 1 a restart would go on from ""
	// at revision 2 a restart would go on from "1"
	// at revision 3 a restart would go on from "1"
	// at revision 4 a restart would go on from "3"
}

func ExampleError() {
	address, stop := exampleServer()
	defer stop()
	client := tickmux.MustConnect(address)
	defer client.Close()
	_, err := client.Snapshot(context.Background(), tickmux.Sources("binanec"))
	if errors.Is(err, tickmux.ErrInvalidRequest) {
		fmt.Println("asking again would not help")
	}
	if failure := (*tickmux.Error)(nil); errors.As(err, &failure) {
		fmt.Println(failure.Code, failure.Reason)
	}
	// Output:
	// asking again would not help
	// InvalidArgument UNKNOWN_SOURCE
}
