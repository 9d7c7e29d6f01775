package balancers

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

const callTakes = 20 * time.Second

// caller calls as the README of clients/go says, and counts what its channel does by itself.
type caller struct {
	pushv1.PushServiceClient
	aborted     atomic.Int64 // attempts that a gateway turned away, each repeated by the retry policy
	transparent atomic.Int64 // attempts that grpc-go repeated whatever the policy says
}

// connect opens a channel to these addresses with a service config.
func connect(t *testing.T, config string, addresses ...string) *caller {
	names := manual.NewBuilderWithScheme("gateways")
	state := resolver.State{}
	for _, address := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	names.InitialState(state)
	made := &caller{}
	// A target without a name makes an empty :authority, which HTTP/2 servers refuse.
	channel, err := grpc.NewClient("gateways:///fanfare",
		grpc.WithResolvers(names),
		grpc.WithDefaultServiceConfig(config),
		// A call waits for a gateway that is ready, where it would fail at once.
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(made))
	must(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	made.PushServiceClient = pushv1.NewPushServiceClient(channel)
	return made
}

// shipped is connect with the service config of clients/go.
func shipped(t *testing.T, addresses ...string) *caller {
	return connect(t, fanfare.ServiceConfig, addresses...)
}

// unrepeated is the service config of clients/go without its retry policy.
func unrepeated(t *testing.T) string {
	config := map[string]any{}
	must(t, json.Unmarshal([]byte(fanfare.ServiceConfig), &config))
	delete(config, "methodConfig")
	text, err := json.Marshal(config)
	must(t, err)
	return string(text)
}

// send sends a push to a device and returns its result, or the status that the call ended with.
func (c *caller) send(token string) (*pushv1.PushResult, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	defer cancel()
	answer, err := c.SendPush(ctx, &pushv1.SendPushRequest{Push: pushTo(token)})
	return answer.GetResult(), err
}

func pushTo(token string) *pushv1.Push {
	return &pushv1.Push{
		Id:      "to-" + token,
		App:     app,
		Target:  &pushv1.Target{Target: &pushv1.Target_Apns{Apns: &pushv1.ApnsDevice{Token: token}}},
		Content: &pushv1.Content{Notification: &pushv1.Notification{Title: "Hello"}},
	}
}

func (c *caller) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC sees the beginning and the end of each attempt.
func (c *caller) HandleRPC(_ context.Context, event stats.RPCStats) {
	switch event := event.(type) {
	case *stats.Begin:
		if event.IsTransparentRetryAttempt {
			c.transparent.Add(1)
		}
	case *stats.End:
		if status.Code(event.Error) == codes.Aborted {
			c.aborted.Add(1)
		}
	}
}

func (c *caller) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (c *caller) HandleConn(context.Context, stats.ConnStats) {}
