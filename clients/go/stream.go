package fanfare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// A message is bounded far below grpc.max_message_items (65,536) and grpc.max_message_bytes (4 MiB), so that verdicts come
// early.
const (
	maxMessageItems = 256
	maxMessageBytes = 256 << 10
)

var (
	errNoGateway = errors.New("no gateway took the stream in time")
	errNoVerdict = errors.New("the stream ended without a verdict on the push")
)

// stream is one SendBatch call. Its goroutine owns it; two others read and write, because both may have to wait.
type stream struct {
	*batch
	open     map[int64]*item // those that are written and have no verdict, by their number on the stream
	next     int64           // the number of the next push
	progress *pushv1.BatchProgress
	taken    bool // the gateway took the call
	leaving  bool // the gateway reads no more
	fruitful bool // a verdict came
}

type answer struct {
	message *pushv1.SendBatchResponse
	err     error
}

// run returns the error that the stream ended with; nil where the gateway ended it as it was asked to.
func (s *stream) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	call, err := s.begin(ctx, cancel)
	if err != nil {
		return err
	}
	answers, ready := make(chan answer), make(chan struct{})
	messages, closing := make(chan *pushv1.SendBatchRequest), make(chan struct{})
	over := make(chan struct{})
	defer close(over)
	go receive(call, answers, over)
	go write(call, ready, messages, closing, over)
	for closed := false; ; {
		if !closed && (s.leaving || s.input == nil && len(s.queue) == 0) {
			closed = true
			close(closing)
		}
		// A nil channel is never ready.
		input, toWrite := s.input, ready
		if closed {
			input = nil
		}
		if closed || len(s.queue) == 0 {
			toWrite = nil
		}
		select {
		case push, more := <-input:
			s.enqueue(push, more)
		case <-toWrite:
			messages <- s.message()
		case answer := <-answers:
			if answer.err != nil {
				return s.settle(answer.err)
			}
			s.read(answer.message)
		}
	}
}

// begin opens the call and waits until a gateway has taken it. Nothing is written before: a connection that no gateway
// accepted looks open too, and what was written to it would be in doubt.
func (s *stream) begin(ctx context.Context, cancel context.CancelCauseFunc) (pushv1.PushService_SendBatchClient, error) {
	patience := time.AfterFunc(s.client.options.Deadline, func() { cancel(errNoGateway) })
	defer patience.Stop()
	call, err := s.client.Stub.SendBatch(ctx)
	if err == nil {
		header, failed := call.Header()
		// Without a header the call was refused, and its status is what is received.
		if s.taken = failed == nil && header != nil; s.taken {
			return call, nil
		}
		if _, err = call.Recv(); err == nil || errors.Is(err, io.EOF) {
			err = status.Error(codes.Unknown, "the stream ended before it began")
		}
	}
	if errors.Is(context.Cause(ctx), errNoGateway) {
		err = fmt.Errorf("%w: %w", errNoGateway, err)
	}
	return nil, err
}

// message takes as many pushes from the queue as are there and may stand in one message, at least one.
func (s *stream) message() *pushv1.SendBatchRequest {
	message, bytes := &pushv1.SendBatchRequest{}, 0
	for len(s.queue) > 0 && len(message.Pushes) < maxMessageItems && bytes < maxMessageBytes {
		i := s.queue[0]
		s.queue = s.queue[1:]
		i.streams++
		s.open[s.next] = i
		s.next++
		bytes += i.bytes
		message.Pushes = append(message.Pushes, i.push)
	}
	return message
}

func (s *stream) read(message *pushv1.SendBatchResponse) {
	s.progress = message.GetProgress()
	s.leaving = s.leaving || s.progress.GetDraining()
	for _, verdict := range message.GetResults() {
		i, is := s.open[verdict.GetIndex()]
		if !is {
			continue
		}
		delete(s.open, verdict.GetIndex())
		s.fruitful = true
		if i.inDoubt != nil && verdict.GetDelivery() == pushv1.Delivery_DELIVERY_NO {
			// It was not sent this time, and may have been before.
			verdict.Delivery = pushv1.Delivery_DELIVERY_MAYBE
		}
		s.results <- &Result{Push: i.push, Verdict: verdict}
	}
}

// settle ends the stream's books: a push without a verdict was never read, or is in doubt.
func (s *stream) settle(err error) error {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	cause := err
	if cause == nil {
		cause = errNoVerdict
	}
	unread := s.next
	// A gateway that ends a stream by itself sends its last progress before. Any other end may come from the connection, which
	// may have lost a later one.
	if s.progress != nil && (err == nil || nothingSent(err)) {
		unread = s.progress.GetItemsRead()
	}
	for _, number := range slices.Sorted(maps.Keys(s.open)) {
		i := s.open[number]
		options := i.push.GetOptions()
		if number < unread && !options.GetDryRun() {
			i.inDoubt = cause
		}
		if number >= unread || options.GetRepeatable() || options.GetDryRun() {
			s.again(i, cause)
		} else {
			s.end(i, cause)
		}
	}
	return err
}

// goesOn says whether another stream may fare better than this one, which ended with an error.
func (s *stream) goesOn(err error) bool {
	if errors.Is(err, errNoGateway) || s.client.channel.GetState() == connectivity.Shutdown {
		return false
	}
	switch status.Code(err) {
	case codes.Aborted:
		return true
	case codes.Unauthenticated:
		// What was shown has expired since. The file may hold another by now.
		return s.taken
	case codes.Unavailable, codes.Canceled, codes.Unknown, codes.Internal:
		return !isGateways(err)
	}
	return false
}

func receive(call pushv1.PushService_SendBatchClient, answers chan<- answer, over <-chan struct{}) {
	for {
		message, err := call.Recv()
		select {
		case answers <- answer{message, err}:
		case <-over:
			return
		}
		if err != nil {
			return
		}
	}
}

// write asks for a message when it can write one. An error of the call is received, so it needs no other way.
func write(call pushv1.PushService_SendBatchClient, ready chan<- struct{}, messages <-chan *pushv1.SendBatchRequest,
	closing, over <-chan struct{}) {
	for {
		select {
		case ready <- struct{}{}:
			if call.Send(<-messages) != nil {
				return
			}
		case <-closing:
			_ = call.CloseSend()
			return
		case <-over:
			return
		}
	}
}
