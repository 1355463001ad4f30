package tickmux

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/resolver"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

// What is checked here is what gRPC would take for trouble that may heal, so that a subscription tried it for ever.

// checkTarget says that no server can be at a target. What has a scheme of gRPC's is left to gRPC.
func checkTarget(target string) *Error {
	const expected = "expected host:port, such as 127.0.0.1:50051, or a gRPC target, not "
	kind, rest, hasScheme := strings.Cut(target, ":")
	switch {
	case hasScheme && (resolver.Get(kind) != nil || strings.HasPrefix(rest, "///")):
		return nil
	case hasScheme && strings.HasPrefix(rest, "//"):
		return optionError(expected+"the URL %q; encrypt with WithTLS or WithCA", target)
	case !isAddress(target):
		return optionError(expected+"%q", target)
	default:
		return nil
	}
}

// isAddress tells whether a text has the form of host or host:port.
func isAddress(text string) bool {
	if text == "" || strings.ContainsFunc(text, func(sign rune) bool { return sign <= ' ' }) {
		return false
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil || !strings.Contains(text, ":") {
		return true
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

var (
	metadataKey = regexp.MustCompile(`^[0-9A-Za-z_.-]+$`)
	// metadataText is what a value may hold, unless its key ends in -bin.
	metadataText = regexp.MustCompile(`^[\x20-\x7e]*$`)
)

// checkMetadata says that a key or a value cannot be sent. It shows no value, as one may be a secret.
func checkMetadata(metadata map[string]string) *Error {
	for key, value := range metadata {
		if !metadataKey.MatchString(key) {
			return optionError("WithMetadata: expected a key of letters, digits and _-. , not %q", key)
		}
		if !strings.HasSuffix(strings.ToLower(key), "-bin") && !metadataText.MatchString(value) {
			return optionError("WithMetadata: the value of %s holds more than printable ASCII; a key that ends in -bin may", key)
		}
	}
	return nil
}

// checkNames says that a selection holds something that is no text.
func checkNames(selection *pb.Selection) *Error {
	for _, narrowed := range []struct {
		option string
		names  []string
	}{
		{"Symbols", selection.GetSymbols()}, {"Sources", selection.GetSources()},
		{"Exchanges", selection.GetExchanges()}, {"Types", selection.GetTypes()},
	} {
		for _, name := range narrowed.names {
			if !utf8.ValidString(name) {
				return optionError("%s: expected names in UTF-8, not %q", narrowed.option, name)
			}
		}
	}
	return nil
}
