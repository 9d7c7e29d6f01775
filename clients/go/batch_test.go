package fanfare

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// pushes is how many the batches of these tests have. They fit into one message.
const pushes = 5

// gateway plays one whose streams end as a script says, one after the other; the last line holds for all that follow.
type gateway struct {
	pushv1.UnimplementedPushServiceServer
	script  []func(*scripted) error
	streams atomic.Int64
}

type scripted struct {
	stream pushv1.PushService_SendBatchServer
	read   []*pushv1.Push
}

func (g *gateway) SendBatch(stream pushv1.PushService_SendBatchServer) error {
	number := int(g.streams.Add(1)) - 1
	return g.script[min(number, len(g.script)-1)](&scripted{stream: stream})
}

// take has the call begin, and reads n pushes; all of them where there are fewer.
func (s *scripted) take(n int) {
	_ = s.stream.SendHeader(metadata.MD{})
	for len(s.read) < n {
		message, err := s.stream.Recv()
		if err != nil {
			return
		}
		s.read = append(s.read, message.GetPushes()...)
	}
}

// answer gives the first n pushes that were read their verdict.
func (s *scripted) answer(n int, delivery pushv1.Delivery) {
	message := &pushv1.SendBatchResponse{}
	for index, push := range s.read[:n] {
		message.Results = append(message.Results, &pushv1.PushResult{Index: int64(index), Id: push.GetId(), Delivery: delivery})
	}
	_ = s.stream.Send(message)
}

func (s *scripted) progress(read int64, draining bool) {
	_ = s.stream.Send(&pushv1.SendBatchResponse{Progress: &pushv1.BatchProgress{ItemsRead: read, Draining: draining}})
}

// good answers everything.
func good(s *scripted) error {
	s.take(pushes + 1)
	s.answer(len(s.read), pushv1.Delivery_DELIVERY_ACCEPTED)
	s.progress(int64(len(s.read)), false)
	return nil
}

// own is a status that the gateway itself decided on.
func own(code codes.Code, reason string) error {
	made, err := status.New(code, reason).WithDetails(&errdetails.ErrorInfo{Domain: errorDomain, Reason: reason})
	if err != nil {
		return err
	}
	return made.Err()
}

func lost(s *scripted) error {
	s.take(pushes)
	s.answer(1, pushv1.Delivery_DELIVERY_ACCEPTED)
	s.progress(2, false)
	return status.Error(codes.Unavailable, "the connection is lost")
}

func TestEachPushEndsOnceHoweverStreamsEnd(t *testing.T) {
	for _, row := range []struct {
		name       string
		script     []func(*scripted) error
		repeatable bool
		ended      string // how the pushes ended, in their order: Answered, NotRead or Unknown
		failed     codes.Code
		streams    int64
	}{
		{"all is well", []func(*scripted) error{good}, false, "AAAAA", codes.OK, 1},
		{"a gateway drains, and has not read all", []func(*scripted) error{func(s *scripted) error {
			s.take(pushes)
			s.answer(2, pushv1.Delivery_DELIVERY_ACCEPTED)
			s.progress(2, true)
			return nil
		}, good}, false, "AAAAA", codes.OK, 2},
		{"a gateway that does not wait for the reader", []func(*scripted) error{func(s *scripted) error {
			s.take(pushes)
			s.answer(1, pushv1.Delivery_DELIVERY_ACCEPTED)
			s.progress(3, false)
			return own(codes.Aborted, "CLIENT_NOT_READING")
		}, good}, false, "AUUAA", codes.OK, 2},
		{"a connection is lost, whatever was said of progress", []func(*scripted) error{lost, good}, false, "AUUUU", codes.OK, 1},
		{"a connection is lost, and pushes may be repeated", []func(*scripted) error{lost, good}, true, "AAAAA", codes.OK, 2},
		{"pushes that may be repeated are lost each time", []func(*scripted) error{lost}, true, "AAAAA", codes.OK, 5},
		{"a gateway is full at first", []func(*scripted) error{func(*scripted) error {
			return own(codes.Aborted, "OVERLOADED")
		}, good}, false, "AAAAA", codes.OK, 2},
		{"a gateway does not know the caller", []func(*scripted) error{func(*scripted) error {
			return own(codes.Unauthenticated, "CALLER_UNKNOWN")
		}}, false, "", codes.Unauthenticated, 1},
		{"a proxy does not find the gateway", []func(*scripted) error{func(*scripted) error {
			return status.Error(codes.Unavailable, "502")
		}}, false, "", codes.Unavailable, maxFruitless},
		{"a gateway reads nothing, time and again", []func(*scripted) error{func(s *scripted) error {
			s.take(pushes)
			s.progress(0, true)
			return nil
		}}, false, "NNNNN", codes.OK, maxStreams},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := &gateway{script: row.script}
			client := connect(t, server)
			ends, err := map[string]string{}, error(nil)
			for result, failed := range client.SendBatch(t.Context(), func(yield func(*pushv1.Push) bool) {
				for number := range pushes {
					push := &pushv1.Push{Id: fmt.Sprint(number), Options: &pushv1.Options{Repeatable: row.repeatable}}
					if !yield(push) {
						return
					}
				}
			}) {
				if failed != nil {
					err = failed
					continue
				}
				if _, twice := ends[result.Push.GetId()]; twice {
					t.Errorf("push %s has two results", result.Push.GetId())
				}
				ends[result.Push.GetId()] = result.Ended.String()[:1]
			}
			ended := ""
			for _, id := range slices.Sorted(maps.Keys(ends)) {
				ended += ends[id]
			}
			// Pushes that were not taken before the error have no result.
			if row.failed != codes.OK {
				for _, end := range ended {
					if end != 'N' {
						t.Errorf("a push that was not written ended as %c", end)
					}
				}
				ended = ""
			}
			if ended != row.ended || status.Code(err) != row.failed || server.streams.Load() != row.streams {
				t.Errorf("%s, %v, over %d streams", ended, err, server.streams.Load())
			}
		})
	}
}

func TestAPushThatMayHaveBeenSentBeforeMayBeDelivered(t *testing.T) {
	client := connect(t, &gateway{script: []func(*scripted) error{
		func(s *scripted) error {
			s.take(1)
			return status.Error(codes.Unavailable, "the connection is lost")
		},
		func(s *scripted) error {
			s.take(2)
			s.answer(1, pushv1.Delivery_DELIVERY_NO)
			s.progress(1, false)
			return nil
		},
	}})
	push := &pushv1.Push{Options: &pushv1.Options{Repeatable: true}}
	for result, err := range client.SendBatch(t.Context(), slices.Values([]*pushv1.Push{push})) {
		if err != nil || result.Verdict.GetDelivery() != pushv1.Delivery_DELIVERY_MAYBE {
			t.Errorf("%v, %v", result, err)
		}
	}
}

func TestTheCallersContextEndsABatch(t *testing.T) {
	client := connect(t, &gateway{script: []func(*scripted) error{func(s *scripted) error {
		s.take(pushes + 1)
		return nil
	}}})
	ctx, cancel := context.WithCancel(t.Context())
	var last error
	results := 0
	for result, err := range client.SendBatch(ctx, func(yield func(*pushv1.Push) bool) {
		for range pushes {
			yield(&pushv1.Push{})
		}
		cancel()
	}) {
		last = err
		if result != nil {
			results++
		}
	}
	if !errors.Is(last, context.Canceled) || results > pushes {
		t.Errorf("%v after %d results", last, results)
	}
}

// serve has a gateway serve until the test is over, and returns its address.
func serve(t *testing.T, server pushv1.PushServiceServer) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serves := grpc.NewServer()
	pushv1.RegisterPushServiceServer(serves, server)
	healthy := health.NewServer()
	healthy.SetServingStatus(pushv1.PushService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(serves, healthy)
	go func() { _ = serves.Serve(listener) }()
	t.Cleanup(serves.Stop)
	return listener.Addr().String()
}

func connect(t *testing.T, server *gateway, dial ...grpc.DialOption) *Client {
	client, err := NewClient(serve(t, server), Options{Plaintext: true, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
