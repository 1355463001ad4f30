package tickmux

import (
	"errors"
	"strings"
	"testing"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
)

const expectedTarget = "expected host:port, such as 127.0.0.1:50051, or a gRPC target, not "

func TestATargetThatNoServerCanListenAtIsRefusedAtOnce(t *testing.T) {
	for target, problem := range map[string]string{
		"":                        expectedTarget + `""`,
		"host name:1":             expectedTarget + `"host name:1"`,
		"localhost:":              expectedTarget + `"localhost:"`,
		"localhost:99999":         expectedTarget + `"localhost:99999"`,
		"localhost:no-such-port":  expectedTarget + `"localhost:no-such-port"`,
		"localhost:1:2":           expectedTarget + `"localhost:1:2"`,
		"http://localhost:50051":  expectedTarget + `the URL "http://localhost:50051"; encrypt with WithTLS or WithCA`,
		"https://quotes.example/": expectedTarget + `the URL "https://quotes.example/"; encrypt with WithTLS or WithCA`,
	} {
		refused(t, problem, connecting(target))
	}
	for _, target := range []string{
		"localhost", "localhost:50051", "localhost:https", ":50051", "127.0.0.1:1", "[::1]:50051", "::1", "[::1]",
		"dns:localhost:1", "dns:///localhost:1", "dns://10.0.0.1/localhost:1", "unix:relative", "unix:///run/tickmux",
		"passthrough:///x", "own-resolver:///x",
	} {
		if err := connecting(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// connecting is the error of a client that is not used.
func connecting(target string, options ...ConnectOption) error {
	client, err := Connect(target, options...)
	if err != nil {
		return err
	}
	return client.Close()
}

func refused(t *testing.T, problem string, err error) {
	t.Helper()
	var told *Error
	if !errors.As(err, &told) || !errors.Is(err, ErrInvalidRequest) || told.Reason != ReasonInvalidOption {
		t.Errorf("got %v, want %q", err, problem)
	} else if told.Error() != problem {
		t.Errorf("got  %q\nwant %q", told.Error(), problem)
	}
}

func TestMetadataThatCannotBeSentIsRefusedAndNotShown(t *testing.T) {
	const secret = "sec\nret"
	for key, value := range map[string]string{"": "x", "a b": "x", ":path": "x", "desk": secret, "ö": "x"} {
		err := connecting("localhost:1", WithMetadata(key, value))
		if !errors.Is(err, ErrInvalidRequest) || !strings.HasPrefix(err.Error(), "WithMetadata: ") {
			t.Errorf("%q: got %v", key, err)
		} else if strings.Contains(err.Error(), "ret") {
			t.Errorf("%q: the error shows the value: %v", key, err)
		}
	}
	if err := connecting("localhost:1", WithMetadata("X-Desk.2_a", "seven 7"), WithMetadata("own-bin", secret)); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoTextIsRefusedBeforeItIsSent(t *testing.T) {
	// This server would break at a call.
	client := serve(t, &scripted.Server{})
	const text = "\xff"
	for problem, option := range map[string]SelectionOption{
		`Symbols: expected names in UTF-8, not "\xff"`:   Symbols("BTCUSDT", text),
		`Sources: expected names in UTF-8, not "\xff"`:   Sources(text),
		`Exchanges: expected names in UTF-8, not "\xff"`: Exchanges(text),
		`Types: expected names in UTF-8, not "\xff"`:     Types(text),
	} {
		_, err := watch(t, client, never, option)
		refused(t, problem, err)
		_, err = client.Snapshot(t.Context(), option)
		refused(t, problem, err)
		_, err = client.Instruments(t.Context(), option)
		refused(t, problem, err)
	}
	_, err := watch(t, client, never, ResumeToken(text))
	refused(t, "ResumeToken: expected a token as the server gave it, not bytes that are no text", err)
}
