package balancers

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// streamTakes is longer than any stream of a test, all of them side by side.
const streamTakes = 2 * time.Minute

// batch hands in items for as long as there are some, over as many streams as that takes, and obeys `draining`.
type batch struct {
	client *caller
	items  func() (token string, more bool)
	open   int // how many items wait for their verdicts at most
	each   int // in a message

	ends    map[string]end
	anew    []string // were handed in and never read
	streams int
	told    int // how often it was told that a gateway drains
	resent  int
}

// run returns the error of a stream that could not be opened.
func (b *batch) run() error {
	b.ends = map[string]end{}
	for {
		again, err := b.stream()
		if err != nil || !again {
			return err
		}
	}
}

// stream hands in items over one stream; whether there is more to hand in is returned.
func (b *batch) stream() (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), streamTakes)
	defer cancel()
	stream, err := b.client.SendBatch(ctx)
	if err != nil {
		return false, err
	}
	b.streams++
	flow := &flow{batch: b}
	flow.changed.L = &flow.lock
	written := make(chan bool, 1)
	go func() { written <- flow.write(stream) }()
	status, read := flow.read(stream)
	more := <-written
	b.settle(flow, status, read)
	return more || len(b.anew) > 0, nil
}

// settle says what became of the items of a stream that has ended.
func (b *batch) settle(flow *flow, code codes.Code, read int64) {
	for number, token := range flow.sent {
		if _, settled := b.ends[token]; settled {
			continue
		}
		// A gateway ends a stream with OK or ABORTED after its last message, which has the final items_read.
		if int64(number) >= read && (code == codes.OK || code == codes.Aborted) {
			b.anew = append(b.anew, token)
			b.resent++
			continue
		}
		b.ends[token] = end{code: code}
	}
}

// flow is what the two directions of a stream know of each other.
type flow struct {
	batch   *batch
	lock    sync.Mutex
	changed sync.Cond
	sent    []string
	settled int
	leaving bool
}

// write returns whether there may be more items than it has handed in.
func (f *flow) write(stream pushv1.PushService_SendBatchClient) bool {
	defer func() { _ = stream.CloseSend() }()
	for {
		message := &pushv1.SendBatchRequest{}
		f.lock.Lock()
		for !f.leaving && len(f.sent)-f.settled+f.batch.each > f.batch.open {
			f.changed.Wait()
		}
		for !f.leaving && len(message.Pushes) < f.batch.each {
			token, more := f.batch.take()
			if !more {
				break
			}
			f.sent = append(f.sent, token)
			message.Pushes = append(message.Pushes, pushTo(token))
		}
		leaving := f.leaving
		f.lock.Unlock()
		if len(message.Pushes) == 0 {
			return leaving
		}
		if stream.Send(message) != nil {
			return true // Why is what is read.
		}
	}
}

func (b *batch) take() (string, bool) {
	if len(b.anew) > 0 {
		token := b.anew[0]
		b.anew = b.anew[1:]
		return token, true
	}
	return b.items()
}

// read returns the stream's status, and its last items_read.
func (f *flow) read(stream pushv1.PushService_SendBatchClient) (codes.Code, int64) {
	read := int64(0)
	for {
		answer, err := stream.Recv()
		f.lock.Lock()
		for _, result := range answer.GetResults() {
			f.batch.ends[f.sent[result.GetIndex()]] = end{codes.OK, result.GetOutcome()}
			f.settled++
		}
		if progress := answer.GetProgress(); progress != nil {
			read = progress.GetItemsRead()
			if progress.GetDraining() && !f.leaving {
				f.batch.told++
				f.leaving = true
			}
		}
		f.leaving = f.leaving || err != nil
		f.changed.Broadcast()
		f.lock.Unlock()
		if errors.Is(err, io.EOF) {
			return codes.OK, read
		}
		if err != nil {
			return status.Code(err), read
		}
	}
}
