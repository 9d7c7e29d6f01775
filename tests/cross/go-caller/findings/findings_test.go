package findings

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

const callTakes = 20 * time.Second

// table is tests/cross/findings.json.
type table struct {
	Findings []struct {
		Name         string
		Push, Result json.RawMessage
		Todo         string
	}
	Calls []call
}

func read(t *testing.T) (found table) {
	text, err := os.ReadFile("../../findings.json")
	must(t, err)
	must(t, json.Unmarshal(text, &found))
	return found
}

func connect(t *testing.T, variable string) (context.Context, *grpc.ClientConn) {
	address := os.Getenv(variable)
	if address == "" {
		t.Fatalf("%s is not set: run tests/cross/run", variable)
	}
	channel, err := grpc.NewClient("dns:///"+address,
		grpc.WithDefaultServiceConfig(fanfare.ServiceConfig),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = channel.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	t.Cleanup(cancel)
	return ctx, channel
}

func TestEachFindingIsTheSameResultByEachRPC(t *testing.T) {
	findings := read(t).Findings
	ctx, channel := connect(t, "FANFARE_GRPC")
	client := pushv1.NewPushServiceClient(channel)
	pushes := make([]*pushv1.Push, len(findings))
	singles := make([]*pushv1.PushResult, len(findings))
	for n, finding := range findings {
		pushes[n] = &pushv1.Push{}
		must(t, protojson.Unmarshal(finding.Push, pushes[n]))
		answer, err := client.SendPush(ctx, &pushv1.SendPushRequest{Push: pushes[n]})
		must(t, err)
		singles[n] = answer.Result
	}
	// Where there is more to send, it is compressed.
	together, err := client.SendPushes(ctx, &pushv1.SendPushesRequest{Pushes: pushes}, grpc.UseCompressor(gzip.Name))
	must(t, err)
	streamed := batch(t, ctx, client, pushes)
	for n, finding := range findings {
		expected := &pushv1.PushResult{}
		must(t, protojson.Unmarshal(finding.Result, expected))
		for rpc, result := range map[string]*pushv1.PushResult{
			"SendPush": singles[n], "SendPushes": together.Results[n], "SendBatch": streamed[int64(n)],
		} {
			if todo := Handle(result); todo != finding.Todo {
				t.Errorf("%s by %s: expected %q, found %q", finding.Name, rpc, finding.Todo, todo)
			}
			if found := comparable(result); !proto.Equal(found, expected) {
				t.Errorf("%s by %s: expected %v, found %v", finding.Name, rpc, expected, found)
			}
			if result.Detail != singles[n].Detail {
				t.Errorf("%s by %s: %q, but by SendPush %q", finding.Name, rpc, result.Detail, singles[n].Detail)
			}
		}
	}
}

// comparable is a result without what differs by RPC, by time, or is prose.
func comparable(result *pushv1.PushResult) *pushv1.PushResult {
	same := proto.CloneOf(result)
	same.Index, same.Detail, same.UpstreamId, same.TokenInvalidSince = 0, "", "", nil
	return same
}

// batch sends the pushes by SendBatch; their results come by index.
func batch(
	t *testing.T, ctx context.Context, client pushv1.PushServiceClient, pushes []*pushv1.Push,
) map[int64]*pushv1.PushResult {
	stream, err := client.SendBatch(ctx, grpc.UseCompressor(gzip.Name))
	must(t, err)
	must(t, stream.Send(&pushv1.SendBatchRequest{Pushes: pushes}))
	must(t, stream.CloseSend())
	results := map[int64]*pushv1.PushResult{}
	for {
		answer, err := stream.Recv()
		if err == io.EOF {
			return results
		}
		must(t, err)
		for _, result := range answer.Results {
			results[result.Index] = result
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
