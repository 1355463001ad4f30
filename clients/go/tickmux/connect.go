package tickmux

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "github.com/tickmux/tickmux/generated/go/tickmux/v1"
)

const (
	defaultTimeout    = 10 * time.Second
	defaultBackoffCap = 5 * time.Second
	connectTimeout    = 5 * time.Second
	channelBackoffCap = time.Second
	// The server refuses pings closer than 10 s.
	keepaliveTime    = 20 * time.Second
	keepaliveTimeout = 10 * time.Second
	// A page of 10 000 quotes takes some 2 MB; grpc's default of 4 MiB leaves little room above it.
	receiveBytesMax = 16 << 20
	// Fixed windows, as grpc's growing ones are measured by pings of their own. A stream that is not read holds no more
	// than its window here; 1 MiB carries some 80 000 quotes a second over 100 ms.
	streamWindowBytes     = 1 << 20
	connectionWindowBytes = 4 << 20
)

// ConnectOption says how to reach a server.
type ConnectOption func(*connection)

type connection struct {
	access
	timeout       time.Duration
	backoffCap    time.Duration
	reconnectsMax int
	logger        *slog.Logger
	dialOptions   []grpc.DialOption
}

// WithTLS encrypts. The configuration may be nil, which trusts the authorities that the system trusts.
func WithTLS(configuration *tls.Config) ConnectOption {
	return func(c *connection) {
		if configuration == nil {
			configuration = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		c.tls = configuration.Clone()
	}
}

// WithCA encrypts, and trusts the server if its certificate is of a CA in this PEM file.
func WithCA(file string) ConnectOption { return func(c *connection) { c.caFile = file } }

// WithCertificate encrypts, and shows this certificate to a server that asks for one; both are PEM files.
func WithCertificate(certificateFile, keyFile string) ConnectOption {
	return func(c *connection) { c.certificateFile, c.keyFile = certificateFile, keyFile }
}

// WithServerName encrypts, and expects this name in the server's certificate where the target has another.
func WithServerName(name string) ConnectOption { return func(c *connection) { c.serverName = name } }

// WithToken sends a bearer token with every call, those of Stub and Conn included. In clear text it is sent to this
// machine only.
func WithToken(token string) ConnectOption { return func(c *connection) { c.token = token } }

// WithTokenInClearText sends the token without TLS to another machine, where whoever listens on the way can read it.
func WithTokenInClearText() ConnectOption { return func(c *connection) { c.tokenInClearText = true } }

// WithMetadata sends a value with every call, those of Stub and Conn included.
func WithMetadata(key, value string) ConnectOption {
	return func(c *connection) { c.metadata[key] = value }
}

// WithTimeout limits each request that has one answer; 10 s if not given. The context of a call may limit it further.
func WithTimeout(timeout time.Duration) ConnectOption {
	return func(c *connection) { c.timeout = timeout }
}

// WithBackoffCap is the longest wait between two tries of a subscription unless the server asks for more; 5 s if not
// given.
func WithBackoffCap(limit time.Duration) ConnectOption {
	return func(c *connection) { c.backoffCap = limit }
}

// WithReconnectsMax is how many reconnects in a row may be without success before a subscription ends with the error; it
// keeps trying if not given.
func WithReconnectsMax(reconnects int) ConnectOption {
	return func(c *connection) { c.reconnectsMax = max(0, reconnects) }
}

// WithLogger tells what becomes of subscriptions: a cut as a warning, further tries as debug, a return as information.
// Nothing is logged if not given. Records hold no token.
func WithLogger(logger *slog.Logger) ConnectOption { return func(c *connection) { c.logger = logger } }

// WithDialOptions are further options of the gRPC connection; they win over ours. The server refuses pings that come
// closer than 10 s.
func WithDialOptions(options ...grpc.DialOption) ConnectOption {
	return func(c *connection) { c.dialOptions = append(c.dialOptions, options...) }
}

// Connect makes a client of the server at target, which is host:port or any gRPC target.
//
// Nothing is sent before the first call, so an unreachable server is that call's news. The error says that no server can
// be at the target, that options do not go together, that a file cannot be read, or that the token would travel in clear
// text.
func Connect(target string, options ...ConnectOption) (*Client, error) {
	c := &connection{
		access:        access{metadata: map[string]string{}},
		timeout:       defaultTimeout,
		backoffCap:    defaultBackoffCap,
		reconnectsMax: retriesUnlimited,
		logger:        slog.New(slog.DiscardHandler),
	}
	for _, option := range options {
		option(c)
	}
	if c.timeout <= 0 || c.backoffCap <= 0 {
		return nil, optionError("WithTimeout and WithBackoffCap must be positive, not %v and %v", c.timeout, c.backoffCap)
	}
	if problem := cmp.Or(checkTarget(target), checkMetadata(c.access.metadata)); problem != nil {
		return nil, problem
	}
	encryption, err := c.encryption()
	if err != nil {
		return nil, err
	}
	metadata, err := c.callMetadata(target, encryption != nil)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, c.forChannel(encryption, metadata)...)
	if err != nil {
		return nil, optionError("%s cannot be a target: %v", target, err)
	}
	closing, finish := context.WithCancel(context.Background())
	return &Client{
		target:     target,
		connection: c,
		conn:       conn,
		stub:       pb.NewMarketDataServiceClient(conn),
		closing:    closing,
		close: sync.OnceValue(func() error {
			// Before the calls end, so that they know why.
			finish()
			return conn.Close()
		}),
	}, nil
}

// MustConnect is Connect for programs whose options are fixed: it panics where that returns an error.
func MustConnect(target string, options ...ConnectOption) *Client {
	client, err := Connect(target, options...)
	if err != nil {
		panic(err)
	}
	return client
}

func (c *connection) forChannel(encryption *tls.Config, metadata callMetadata) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if encryption != nil {
		transport = credentials.NewTLS(encryption)
	}
	chosen := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(metadata),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithInitialWindowSize(streamWindowBytes),
		grpc.WithInitialConnWindowSize(connectionWindowBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(receiveBytesMax)),
		// The channel connects at a pace of its own, up to two minutes apart, and a try in between fails unheard: with a
		// short pace it is our backoff that says when a stream is back, and spreads its clients.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{
				BaseDelay: min(backoffFirst, c.backoffCap), Multiplier: 1.6, Jitter: 0.2,
				MaxDelay: min(channelBackoffCap, c.backoffCap),
			},
			MinConnectTimeout: connectTimeout,
		}),
		// Nobody else may say how calls are retried.
		grpc.WithDisableServiceConfig(),
	}
	if c.token != "" && encryption == nil {
		// Even on the way to this machine a proxy of the environment would be asked, and could read it.
		chosen = append(chosen, grpc.WithNoProxy())
	}
	return append(chosen, c.dialOptions...)
}
