package fanfare

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"fanfare.dev/clients/go/pushv1"
)

const (
	defaultDeadline = 30 * time.Second // limits.max_wait by default
	defaultWindow   = 4096             // limits.batch_window by default

	// The gateway asks a silent connection whether it lives by the same times: grpc.keepalive_interval and
	// grpc.keepalive_timeout by default.
	keepaliveInterval = 60 * time.Second
	keepaliveTimeout  = 20 * time.Second
)

// Options say how a gateway is reached. Without any, it is reached over TLS with the authorities of the operating system,
// and is shown nothing.
type Options struct {
	// Plaintext does without TLS, as for a gateway on loopback. No token is ever sent so.
	Plaintext bool
	// CAFile has the authorities, in PEM, that the gateway's certificate may come from. Empty: the operating system's.
	CAFile string
	// TokenFile has a JWT or a static key, alone. It is read for each call, because tokens are renewed on disk.
	TokenFile string
	// CertificateFile and KeyFile are the client certificate that is shown. They are read for each connection.
	CertificateFile, KeyFile string
	// Deadline is that of a Send whose context has none, and how long SendBatch waits for a gateway. Zero: 30 s.
	Deadline time.Duration
	// Window is how many pushes of a batch are open at most, and no more than limits.batch_window. Zero: 4096.
	Window int
	// Dial is handed to grpc.NewClient behind the helper's own.
	Dial []grpc.DialOption
}

// Client sends pushes through a gateway. Any number of goroutines may share one.
type Client struct {
	// Stub has the RPCs as they are.
	Stub    pushv1.PushServiceClient
	channel *grpc.ClientConn
	options Options
}

// NewClient makes a client of the gateways behind a target, such as "dns:///gateway.example:50051". It does not connect:
// the first call does.
func NewClient(target string, options Options) (*Client, error) {
	if options.Deadline == 0 {
		options.Deadline = defaultDeadline
	}
	if options.Window == 0 {
		options.Window = defaultWindow
	}
	if options.Window < 0 {
		return nil, fmt.Errorf("expected a window of at least one push, found %d", options.Window)
	}
	transport, err := transportOf(options)
	if err != nil {
		return nil, err
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(ServiceConfig),
		// DNS may have another one (gRFC A2), whose policy may repeat what was sent already.
		grpc.WithDisableServiceConfig(),
		// Without it a call that finds no gateway ready fails at once, and nobody knows whether it was sent.
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveInterval, Timeout: keepaliveTimeout}),
	}
	if options.TokenFile != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(tokenFile(options.TokenFile)))
	}
	channel, err := grpc.NewClient(target, append(dial, options.Dial...)...)
	if err != nil {
		return nil, err
	}
	return &Client{pushv1.NewPushServiceClient(channel), channel, options}, nil
}

// Close ends the connections of the client. Calls that are under way fail.
func (c *Client) Close() error { return c.channel.Close() }

// Send sends one push and waits for its verdict. A push without an id is given one.
//
// What is wrong with the push is in its result. An error is about the call alone; the result then has no verdict, and says
// whether the push may have been sent.
func (c *Client) Send(ctx context.Context, push *pushv1.Push) (*Result, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.options.Deadline)
		defer cancel()
	}
	giveID(push)
	if _, err := encodable(push); err != nil {
		return &Result{Push: push, Ended: NotRead, Cause: err}, err
	}
	answer, err := c.Stub.SendPush(ctx, &pushv1.SendPushRequest{Push: push})
	if err != nil {
		ended := Unknown
		if nothingSent(err) {
			ended = NotRead
		}
		return &Result{Push: push, Ended: ended, Cause: err}, err
	}
	return &Result{Push: push, Verdict: answer.GetResult()}, nil
}

func transportOf(options Options) (credentials.TransportCredentials, error) {
	if options.Plaintext {
		if options.CAFile+options.CertificateFile+options.KeyFile+options.TokenFile != "" {
			return nil, errors.New("files have no place beside Plaintext: nothing is verified or shown without TLS")
		}
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if options.CAFile != "" {
		pem, err := os.ReadFile(options.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM", options.CAFile)
		}
	}
	if options.CertificateFile+options.KeyFile != "" {
		// What is wrong with the files is known now, and not at the deadline of each call.
		if _, err := tls.LoadX509KeyPair(options.CertificateFile, options.KeyFile); err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			certificate, err := tls.LoadX509KeyPair(options.CertificateFile, options.KeyFile)
			return &certificate, err
		}
	}
	return credentials.NewTLS(config), nil
}

type tokenFile string

func (file tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := os.ReadFile(string(file))
	return map[string]string{"authorization": "Bearer " + strings.TrimSpace(string(token))}, err
}

func (tokenFile) RequireTransportSecurity() bool { return true }
