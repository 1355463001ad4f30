package tickmux

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

func TestAnErrorCarriesItsFieldsAndIsOneLine(t *testing.T) {
	bad := scripted.Error(codes.InvalidArgument, "unknown source `binanec`;\n did you mean `binance`?",
		errorInfo("UNKNOWN_SOURCE"),
		&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "selection.sources[0]", Description: "no such source"},
		}})
	client := serve(t, &scripted.Server{
		Snapshot: func(context.Context, *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) { return nil, bad },
	})
	_, err := client.Snapshot(t.Context(), Sources("binanec"))
	var told *Error
	if !errors.As(err, &told) || !errors.Is(err, ErrInvalidRequest) || errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %#v", err)
	}
	equal(t, "text", err.Error(), "INVALID_ARGUMENT from "+client.Target()+
		": unknown source `binanec`; did you mean `binance`?: selection.sources[0]: no such source")
	equal(t, "code", told.Code, codes.InvalidArgument)
	equal(t, "reason", told.Reason, "UNKNOWN_SOURCE")
	equal(t, "retry after", told.RetryAfter, 2*time.Second)
	equal(t, "violation", told.Violations[0], Violation{"selection.sources[0]", "no such source"})
}

func TestARequestIsGivenUpAfterTheTimeout(t *testing.T) {
	client := serve(t, &scripted.Server{
		Snapshot: func(ctx context.Context, _ *pb.GetSnapshotRequest) (*pb.GetSnapshotResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}, WithTimeout(50*time.Millisecond))
	_, err := client.Snapshot(t.Context())
	var told *Error
	if !errors.As(err, &told) || told.Code != codes.DeadlineExceeded || !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAListThatDoesNotEndIsAnError(t *testing.T) {
	client := serve(t, &scripted.Server{
		Instruments: func(*pb.ListInstrumentsRequest) (*pb.ListInstrumentsResponse, error) {
			return &pb.ListInstrumentsResponse{NextPageToken: "again"}, nil
		},
	})
	if _, err := client.Instruments(t.Context()); err == nil || !strings.Contains(err.Error(), "after 2 pages") {
		t.Errorf("got %v", err)
	}
}

func TestInstrumentsOfAllPages(t *testing.T) {
	client := serve(t, &scripted.Server{
		Instruments: func(request *pb.ListInstrumentsRequest) (*pb.ListInstrumentsResponse, error) {
			if request.GetPageToken() == "" {
				return &pb.ListInstrumentsResponse{
					Instruments: []*pb.Instrument{{
						Source: "binance", Symbol: "BTCUSDT", Type: "crypto", Exchange: "Binance", VenueSymbol: "btcusdt",
						Base: "BTC", Quote: "USDT", State: pb.InstrumentState_INSTRUMENT_STATE_TRADING,
						PriceIncrement: proto.Float64(0.01),
					}},
					NextPageToken: "2", Unmatched: []string{"NOPE"},
				}, nil
			}
			return &pb.ListInstrumentsResponse{Instruments: []*pb.Instrument{{Symbol: "ETHUSDT", State: 99}}}, nil
		},
	})
	listed, err := client.Instruments(t.Context(), Symbols("BTC*", "ETH*", "NOPE"))
	if err != nil {
		t.Fatal(err)
	}
	first, second := listed.Instruments[0], listed.Instruments[1]
	names := []string{
		first.Source(), first.Symbol(), first.Type(), first.Exchange(), first.VenueSymbol(), first.Base(), first.Quote(),
		first.State().String(), second.Symbol(), second.State().String(), listed.Unmatched[0],
	}
	if want := []string{
		"binance", "BTCUSDT", "crypto", "Binance", "btcusdt", "BTC", "USDT", "TRADING", "ETHUSDT", "UNSPECIFIED", "NOPE",
	}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	step, known := first.PriceIncrement()
	equal(t, "price increment", [2]any{step, known}, [2]any{0.01, true})
	_, known = first.SizeIncrement()
	equal(t, "size increment", known, false)
}

func TestTheHealthOfTheSources(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	client := serve(t, &scripted.Server{Sources: []*pb.SourceStatus{{
		Source: "kraken", Channel: "1", State: isThrottled, Epoch: 7, Since: timestamppb.New(since),
		LastError: "budget spent", Lag: durationpb.New(-time.Millisecond),
	}}})
	statuses, err := client.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status := statuses[0]
	equal(t, "text", status.String(), "kraken/1 THROTTLED: budget spent")
	equal(t, "healthy", status.IsHealthy(), true)
	equal(t, "epoch", status.Epoch(), 7)
	equal(t, "since", status.Since(), since)
	equal(t, "last message", status.LastMessageAt().IsZero(), true)
	lag, known := status.Lag()
	equal(t, "lag", [2]any{lag, known}, [2]any{-time.Millisecond, true})
}

func TestAQuoteTellsWhatIsKnownAndWhatIsNot(t *testing.T) {
	received := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	told := &Quote{message: &pb.Quote{
		Source: "binance", Symbol: "BTCUSDT", BidPrice: proto.Float64(0.1), AskPrice: proto.Float64(0),
		ReceivedAt: timestamppb.New(received), BidAskAgeMs: proto.Uint64(0),
		Flags: []pb.QuoteFlag{pb.QuoteFlag_QUOTE_FLAG_HALTED, 99},
	}, health: newHealth()}
	equal(t, "text", told.String(), "binance BTCUSDT bid=0.1 ask=0 received=2026-01-02T03:04:05.000006Z stale")
	bid, known := told.BidPrice()
	equal(t, "bid", [2]any{bid, known}, [2]any{0.1, true})
	ask, known := told.AskPrice()
	equal(t, "ask", [2]any{ask, known}, [2]any{0.0, true})
	last, known := told.LastPrice()
	equal(t, "last", [2]any{last, known}, [2]any{0.0, false})
	age, known := told.BidAskAge()
	equal(t, "age", [2]any{age, known}, [2]any{time.Duration(0), true})
	_, known = told.LastAge()
	equal(t, "age of the last price", known, false)
	equal(t, "timestamp", told.Timestamp().IsZero(), true)
	equal(t, "received", told.ReceivedAt(), received)
	equal(t, "halted", told.Has(FlagHalted), true)
	equal(t, "delayed", told.Has(FlagDelayed), false)
	equal(t, "flags", fmt.Sprint(told.Flags()), "[HALTED 99]")
}
