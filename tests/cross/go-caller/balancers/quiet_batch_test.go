package balancers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// short are the timeouts of every proxy as this test has them.
var short = edit{"5m", "3s"}

// A batch whose push has no answer yet is quiet for longer than its proxy waits. The proxy cuts it where its gateway says
// nothing, and keeps it where the gateway says that it is alive.
func TestAQuietBatchIsKept(t *testing.T) {
	for _, balancer := range proxies {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			stand := startAPNs(t)
			alive := startGateway(t, stand, `grpc.progress_interval = "1s"`)
			silent := startGateway(t, stand, `grpc.progress_interval = "1h"`)
			kept, cut := balancer.start(t, alive, alive, short), balancer.start(t, silent, silent, short)

			open, halfClosed := held(t, stand, kept, 1), held(t, stand, kept, 2)
			must(t, halfClosed.CloseSend())
			// Those began before the two that are cut one after the other, so they live for longer than twice the timeout.
			statuses := ""
			for number := 3; number <= 4; number++ {
				stream := held(t, stand, cut, number)
				if number == 4 {
					must(t, stream.CloseSend())
				}
				results, err := rest(stream)
				if errors.Is(err, io.EOF) || results != 0 {
					t.Fatalf("the proxy cut no quiet batch: %d results, %v", results, err)
				}
				statuses += fmt.Sprintf("%s ", status.Code(err))
			}
			stand.release()
			must(t, open.CloseSend())
			for _, stream := range []pushv1.PushService_SendBatchClient{open, halfClosed} {
				if results, err := rest(stream); !errors.Is(err, io.EOF) || results != 1 {
					t.Errorf("a batch that said that it was alive: %d results, %v", results, err)
				}
			}
			quiet.add(balancer.name, statuses, "kept")
		})
	}
}

// held is a batch, on a channel of its own, whose one push has arrived and is not answered.
func held(t *testing.T, stand *apns, addresses []string, number int) pushv1.PushService_SendBatchClient {
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	t.Cleanup(cancel)
	stream, err := shipped(t, addresses...).SendBatch(ctx)
	must(t, err)
	token := fmt.Sprintf("%s%060x", heldPrefix, number)
	must(t, stream.Send(&pushv1.SendBatchRequest{Pushes: []*pushv1.Push{pushTo(token)}}))
	select {
	case arrived := <-stand.arrival:
		if arrived != token {
			t.Fatalf("%s arrived in place of %s", arrived, token)
		}
	case <-time.After(startsWithin):
		t.Fatalf("%s did not arrive within %v", token, startsWithin)
	}
	return stream
}

// rest counts what is left to read of a stream.
func rest(stream pushv1.PushService_SendBatchClient) (int, error) {
	results := 0
	for {
		answer, err := stream.Recv()
		if err != nil {
			return results, err
		}
		results += len(answer.GetResults())
	}
}
