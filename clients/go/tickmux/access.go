package tickmux

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
)

const authorization = "authorization"

// access is what a client trusts, and how it shows who it is.
type access struct {
	tls              *tls.Config
	caFile           string
	certificateFile  string
	keyFile          string
	serverName       string
	token            string
	tokenInClearText bool
	metadata         map[string]string
}

// encryption is what the connection encrypts with; nil for clear text.
func (a *access) encryption() (*tls.Config, error) {
	if a.tls == nil && a.caFile == "" && a.certificateFile == "" && a.keyFile == "" && a.serverName == "" {
		return nil, nil
	}
	configuration := a.tls
	if configuration == nil {
		configuration = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if a.caFile != "" {
		content, err := os.ReadFile(a.caFile)
		if err != nil {
			return nil, optionError("WithCA: %v", err)
		}
		configuration.RootCAs = x509.NewCertPool()
		if !configuration.RootCAs.AppendCertsFromPEM(content) {
			return nil, optionError("WithCA: %s holds no certificate in PEM form", a.caFile)
		}
	}
	if a.certificateFile != "" || a.keyFile != "" {
		pair, err := tls.LoadX509KeyPair(a.certificateFile, a.keyFile)
		if err != nil {
			return nil, optionError("WithCertificate: %v", err)
		}
		configuration.Certificates = []tls.Certificate{pair}
	}
	if a.serverName != "" {
		configuration.ServerName = a.serverName
	}
	return configuration, nil
}

// callMetadata is what is sent with every call: the metadata of the options, and the token. No error holds the token.
func (a *access) callMetadata(target string, isEncrypted bool) (callMetadata, error) {
	if a.token == "" {
		return a.metadata, nil
	}
	if strings.ContainsFunc(a.token, func(sign rune) bool { return sign <= ' ' || sign >= 0x7f }) {
		return nil, optionError(
			"WithToken: expected letters, digits and signs without spaces or line ends (it is not shown here)",
		)
	}
	sent := callMetadata{authorization: "Bearer " + a.token}
	for key, value := range a.metadata {
		if strings.EqualFold(key, authorization) {
			return nil, optionError("WithToken: the metadata holds an authorization already; give one or the other")
		}
		sent[key] = value
	}
	if !isEncrypted && !a.tokenInClearText && !staysOnThisMachine(target) {
		return nil, optionError(
			"WithToken: it would travel to %s in clear text; encrypt by WithTLS or WithCA, or accept that by "+
				"WithTokenInClearText", target,
		)
	}
	return sent, nil
}

// callMetadata is credentials.PerRPCCredentials, so that it also goes with the calls of a raw stub.
type callMetadata map[string]string

// GetRequestMetadata gives what to send.
func (m callMetadata) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return m, nil
}

// RequireTransportSecurity leaves the question to callMetadata, which looks at the target.
func (m callMetadata) RequireTransportSecurity() bool { return false }

// scheme of a gRPC target: localhost:50051 has none.
var scheme = regexp.MustCompile(`^([a-z][a-z0-9-]*):(.*)$`)

var digits = regexp.MustCompile(`^\d+$`)

// staysOnThisMachine tells whether no other machine is on the way to a gRPC target, by its text alone; in doubt it is
// not.
func staysOnThisMachine(target string) bool {
	kind, address := "dns", target
	if parts := scheme.FindStringSubmatch(target); parts != nil && !digits.MatchString(parts[2]) {
		kind, address = parts[1], parts[2]
	}
	switch kind {
	case "unix", "unix-abstract":
		return true
	case "dns", "passthrough":
		if rest, hasAuthority := strings.CutPrefix(address, "//"); hasAuthority {
			authority, endpoint, _ := strings.Cut(rest, "/")
			// With an authority, a name server of the caller's choice says where it is.
			return authority == "" && isLoopback(endpoint)
		}
		return isLoopback(address)
	default:
		return false
	}
}

func isLoopback(address string) bool {
	host := address
	if named, _, err := net.SplitHostPort(address); err == nil {
		host = named
	}
	host = strings.Trim(host, "[]")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
