package fanfare

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

func five() []*pushv1.Push {
	var made []*pushv1.Push
	for number := range pushes {
		made = append(made, &pushv1.Push{Id: fmt.Sprint(number)})
	}
	return made
}

// ends are the first letters of how pushes ended, in the order of their ids, and what the batch ended with.
func ends(t *testing.T, client *Client, sent []*pushv1.Push, each func(*Result)) (string, error) {
	letters := strings.Split(strings.Repeat("-", len(sent)), "")
	var failed error
	for result, err := range client.SendBatch(t.Context(), slices.Values(sent)) {
		if err != nil {
			failed = err
			continue
		}
		letters[slices.Index(sent, result.Push)] = result.Ended.String()[:1]
		each(result)
	}
	return strings.Join(letters, ""), failed
}

func TestAGatewayNeverWaitsForAReader(t *testing.T) {
	sent := make(chan struct{})
	client := connect(t, &gateway{script: []func(*scripted) error{func(s *scripted) error {
		s.take(pushes)
		for index, push := range s.read {
			// Far more than the windows of HTTP/2 hold for one who does not read.
			large := &pushv1.PushResult{Index: int64(index), Id: push.GetId(), Detail: strings.Repeat("x", 3<<20)}
			if err := s.stream.Send(&pushv1.SendBatchResponse{Results: []*pushv1.PushResult{large}}); err != nil {
				return err
			}
		}
		close(sent)
		s.progress(pushes, false)
		return nil
	}}})
	seen, err := ends(t, client, five(), func(*Result) {
		select {
		case <-sent:
		case <-time.After(patience):
			t.Error("the gateway waits until results are read")
		}
	})
	if seen != "AAAAA" || err != nil {
		t.Errorf("%s, %v", seen, err)
	}
}

func TestNoMoreIsOpenThanTheWindowHolds(t *testing.T) {
	client := connect(t, &gateway{script: []func(*scripted) error{func(s *scripted) error {
		for index := int64(0); ; index++ {
			if s.take(int(index) + 1); len(s.read) == int(index) {
				return nil
			}
			_ = s.stream.Send(&pushv1.SendBatchResponse{Results: []*pushv1.PushResult{{Index: index}}})
		}
	}}})
	client.options.Window = 2
	taken, results := 0, 0
	for _, err := range client.SendBatch(t.Context(), func(yield func(*pushv1.Push) bool) {
		for number := range 2 * pushes {
			taken = number + 1
			if !yield(&pushv1.Push{}) {
				return
			}
		}
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if results++; results == pushes {
			break
		}
	}
	// One more was asked for, and waits for its place.
	if taken > results+3 {
		t.Errorf("%d were taken for %d results", taken, results)
	}
}

func TestAMessageThatIsTooLargeWasNotRead(t *testing.T) {
	client := connect(t, &gateway{script: []func(*scripted) error{func(s *scripted) error {
		s.take(pushes)
		s.answer(1, pushv1.Delivery_DELIVERY_ACCEPTED)
		s.progress(2, false)
		return own(codes.OutOfRange, "FIELD_TOO_LARGE")
	}}})
	seen, err := ends(t, client, five(), func(*Result) {})
	if seen != "AUNNN" || status.Code(err) != codes.OutOfRange {
		t.Errorf("%s, %v", seen, err)
	}
}

func TestAPushThatCannotBeEncodedHarmsNoOther(t *testing.T) {
	client := connect(t, &gateway{script: []func(*scripted) error{good}})
	sent := five()
	sent[2].App = "\xff"
	seen, err := ends(t, client, sent, func(*Result) {})
	if seen != "AA---" || err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("%s, %v", seen, err)
	}
	if result, err := client.Send(t.Context(), sent[2]); err == nil || result.Ended != NotRead {
		t.Errorf("%v, %v", result, err)
	}
}

func TestAClientThatIsClosedOpensNoStreamAgain(t *testing.T) {
	var streams atomic.Int64
	counts := grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, channel *grpc.ClientConn,
		method string, streamer grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		streams.Add(1)
		return streamer(ctx, desc, channel, method, options...)
	})
	client := connect(t, &gateway{script: []func(*scripted) error{func(s *scripted) error {
		s.take(pushes)
		s.answer(1, pushv1.Delivery_DELIVERY_ACCEPTED)
		<-s.stream.Context().Done()
		return nil
	}}}, counts)
	// All would be sent again, if there were a way.
	sent := five()
	for _, push := range sent {
		push.Options = &pushv1.Options{Repeatable: true}
	}
	seen, err := ends(t, client, sent, func(result *Result) {
		if result.Ended == Answered {
			_ = client.Close()
		}
	})
	if seen != "AUUUU" || streams.Load() != 1 {
		t.Errorf("%s, %v, over %d streams", seen, err, streams.Load())
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	for _, options := range []Options{
		{Plaintext: true, CAFile: "ca.pem"},
		{Plaintext: true, TokenFile: "token"},
		{CertificateFile: "only.pem"},
		{Window: -1},
	} {
		if _, err := NewClient("127.0.0.1:1", options); err == nil {
			t.Errorf("%+v is taken", options)
		}
	}
}

// DNS may have a service config, too. Its policy would repeat what may have been sent.
func TestNoOtherServiceConfigTakesThePlaceOfTheContracts(t *testing.T) {
	server := &refusing{gateway: &gateway{}}
	found := manual.NewBuilderWithScheme("found")
	found.BuildCallback = func(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) {
		found.InitialState(resolver.State{
			Addresses: []resolver.Address{{Addr: server.address}},
			ServiceConfig: cc.ParseServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 5,
				"initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`),
		})
	}
	server.address = serve(t, server)
	client, err := NewClient("found:///gateway", Options{Plaintext: true, Dial: []grpc.DialOption{grpc.WithResolvers(found)}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Send(t.Context(), &pushv1.Push{}); status.Code(err) != codes.Unavailable || server.calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, server.calls.Load())
	}
}

type refusing struct {
	*gateway
	address string
	calls   atomic.Int64
}

func (r *refusing) SendPush(context.Context, *pushv1.SendPushRequest) (*pushv1.SendPushResponse, error) {
	r.calls.Add(1)
	return nil, status.Error(codes.Unavailable, "the answer is lost")
}
