package findings

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

// trusting is TLS to a gateway whose certificate comes from the CA of a file.
func trusting(caFile string) (*tls.Config, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New(caFile + " holds no certificates")
	}
	return &tls.Config{RootCAs: roots}, nil
}

// byCertificate is TLS that shows a client certificate. Its files are read for each connection, because certificates are
// renewed on disk.
func byCertificate(config *tls.Config, certFile, keyFile string) *tls.Config {
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &certificate, err
	}
	return config
}

// tokenFile shows a JWT or a static key. The file is read for each call, because tokens are renewed on disk.
type tokenFile string

func (file tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := os.ReadFile(string(file))
	return map[string]string{"authorization": "Bearer " + strings.TrimSpace(string(token))}, err
}

func (tokenFile) RequireTransportSecurity() bool { return true }

// connectTo opens a channel to the gateway that knows its callers.
func connectTo(t *testing.T, identity ...grpc.DialOption) (context.Context, *grpc.ClientConn) {
	channel, err := grpc.NewClient("dns:///"+env(t, "FANFARE_TLS"), append(identity,
		grpc.WithDefaultServiceConfig(fanfare.ServiceConfig),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))...)
	must(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	t.Cleanup(cancel)
	return ctx, channel
}

func env(t *testing.T, variable string) string {
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run tests/cross/run", variable)
	}
	return value
}

// identities are the ways in which a caller shows who it is.
func identities(t *testing.T) map[string][]grpc.DialOption {
	folder := env(t, "FANFARE_IDENTITIES")
	file := func(name string) string { return filepath.Join(folder, name) }
	plain, err := trusting(file("gateway-ca.pem"))
	must(t, err)
	certified := byCertificate(plain.Clone(), file("orders.pem"), file("orders.key"))
	over := func(config *tls.Config) grpc.DialOption {
		return grpc.WithTransportCredentials(credentials.NewTLS(config))
	}
	return map[string][]grpc.DialOption{
		"nothing":     {over(plain)},
		"certificate": {over(certified)},
		"key":         {over(plain), grpc.WithPerRPCCredentials(tokenFile(file("web.key")))},
	}
}

func TestACallerMayDoWhatItsRuleListsAndNothingElse(t *testing.T) {
	good := &pushv1.Push{}
	must(t, protojson.Unmarshal(read(t).Findings[0].Push, good))
	for _, identity := range []string{"certificate", "key"} {
		t.Run(identity, func(t *testing.T) {
			ctx, channel := connectTo(t, identities(t)[identity]...)
			client := pushv1.NewPushServiceClient(channel)
			answer, err := client.SendPush(ctx, &pushv1.SendPushRequest{Push: good})
			must(t, err)
			if answer.Result.Outcome != pushv1.Outcome_OUTCOME_ACCEPTED {
				t.Errorf("expected the push to be accepted, found %v", answer.Result)
			}
			for _, app := range []string{"chat", "nobody"} {
				other := proto.CloneOf(good)
				other.App = app
				answer, err := client.SendPush(ctx, &pushv1.SendPushRequest{Push: other})
				must(t, err)
				if answer.Result.Outcome != pushv1.Outcome_OUTCOME_NOT_ATTEMPTED ||
					answer.Result.Reason != pushv1.Reason_REASON_NOT_PERMITTED {
					t.Errorf("%s: expected a push that is not permitted, found %v", app, answer.Result)
				}
			}
			_, err = client.SendPushes(ctx, &pushv1.SendPushesRequest{Pushes: []*pushv1.Push{good}})
			if status.Code(err) != codes.PermissionDenied {
				t.Errorf("expected PERMISSION_DENIED, found %v", err)
			}
		})
	}
}

func TestACallerWithoutAnIdentityIsRefused(t *testing.T) {
	ctx, channel := connectTo(t, identities(t)["nothing"]...)
	good := &pushv1.Push{}
	must(t, protojson.Unmarshal(read(t).Findings[0].Push, good))
	_, err := pushv1.NewPushServiceClient(channel).SendPush(ctx, &pushv1.SendPushRequest{Push: good})
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("expected UNAUTHENTICATED, found %v", err)
	}
}
