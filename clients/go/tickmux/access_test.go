package tickmux

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tickmux/tickmux/clients/go/internal/scripted"
	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

func TestOnlyLoopbackTargetsStayOnThisMachine(t *testing.T) {
	for target, stays := range map[string]bool{
		"localhost:50051": true, "LOCALHOST:1": true, "127.0.0.1:1": true, "127.9.9.9": true, "[::1]:1": true, "::1": true,
		"dns:///localhost:1": true, "dns:localhost:1": true, "unix:/run/tickmux": true, "unix-abstract:a": true,
		"passthrough:///127.0.0.1:1": true, "quotes.example:50051": false, "10.0.0.1:1": false, "[2001:db8::1]:1": false,
		"dns://10.0.0.1/localhost:1": false, "xds:///localhost:1": false, "localhost.example:1": false, "": false,
	} {
		equal(t, target, staysOnThisMachine(target), stays)
	}
}

func TestOptionsOfAccessThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(folder, "missing.pem")
	const secret = "tmx_secret"
	for name, c := range map[string]struct {
		problem string
		options []ConnectOption
	}{
		"clear text":        {"it would travel to quotes.example:1 in clear text", []ConnectOption{WithToken(secret)}},
		"a line end":        {"expected letters, digits and signs", []ConnectOption{WithToken(secret + "\n")}},
		"two of them":       {"give one or the other", []ConnectOption{WithToken(secret), WithMetadata("Authorization", "x")}},
		"no file":           {"WithCA: open " + missing, []ConnectOption{WithCA(missing)}},
		"no certificate":    {"holds no certificate in PEM form", []ConnectOption{WithCA(empty)}},
		"no key":            {"WithCertificate: ", []ConnectOption{WithCertificate(empty, missing)}},
		"a timeout of zero": {"WithTimeout and WithBackoffCap must be positive, not 0s and 5s", []ConnectOption{WithTimeout(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Connect("quotes.example:1", c.options...)
			if !errors.Is(err, ErrInvalidRequest) || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v", err)
			} else if strings.Contains(err.Error(), secret) {
				t.Error("the error holds the token")
			}
		})
	}
	for _, option := range []ConnectOption{WithTokenInClearText(), WithTLS(nil)} {
		client, err := Connect("quotes.example:1", WithToken(secret), option)
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMetadataAndTokenGoWithEveryCallThoseOfTheStubIncluded(t *testing.T) {
	server := &scripted.Server{Calls: [][]scripted.Step{then(send(opening("", quote("A", 1))), scripted.Hang())}}
	client := serve(t, server, WithToken("t0ken"), WithMetadata("desk", "7"))
	if _, err := watch(t, client, revision(1)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Stub().ListSources(t.Context(), &pb.ListSourcesRequest{}); err != nil {
		t.Fatal(err)
	}
	calls := server.Metadata()
	equal(t, "calls", len(calls), 2)
	for _, sent := range calls {
		equal(t, "authorization", sent.Get("authorization")[0], "Bearer t0ken")
		equal(t, "desk", sent.Get("desk")[0], "7")
	}
}
