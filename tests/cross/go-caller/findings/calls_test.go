package findings

import (
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"fanfare.dev/clients/go/pushv1"
)

const domain = "push.fanfare.dev"

// call is one that fails as a whole.
type call struct{ Name, Code, Reason, Field string }

func TestACallThatFailsSaysWhyInDetails(t *testing.T) {
	ctx, channel := connect(t, "FANFARE_GRPC")
	client := pushv1.NewPushServiceClient(channel)
	_, full := connect(t, "FANFARE_FULL")
	ends := map[string]error{}
	_, ends["no push"] = client.SendPush(ctx, &pushv1.SendPushRequest{})
	_, ends["1,001 pushes"] = client.SendPushes(ctx, &pushv1.SendPushesRequest{Pushes: make([]*pushv1.Push, 1001)})
	// Field 1 is no number in the contract.
	ends["bytes that are no message"] = channel.Invoke(
		ctx, pushv1.PushService_SendPush_FullMethodName, wrapperspb.UInt64(1), &pushv1.SendPushResponse{})
	good := &pushv1.Push{}
	must(t, protojson.Unmarshal(read(t).Findings[0].Push, good))
	_, ends["a full gateway"] = pushv1.NewPushServiceClient(full).SendPush(ctx, &pushv1.SendPushRequest{Push: good})
	for _, expected := range read(t).Calls {
		found := call{Name: expected.Name}
		failed := status.Convert(ends[expected.Name])
		for _, detail := range failed.Details() {
			switch detail := detail.(type) {
			case *errdetails.ErrorInfo:
				found.Reason = detail.Reason
				if detail.Domain != domain {
					t.Errorf("%s: the domain %q", expected.Name, detail.Domain)
				}
			case *errdetails.BadRequest:
				found.Field = detail.FieldViolations[0].Field
			}
		}
		// The name that gRPC's documents use: code.proto has it, codes.Code prints another.
		found.Code = code.Code(failed.Code()).String()
		if found != expected {
			t.Errorf("expected %v, found %v", expected, found)
		}
	}
}
