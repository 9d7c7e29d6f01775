package fanfare

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	"fanfare.dev/clients/go/pushv1"
)

const (
	// maxStreams is on how many streams a push is written at most.
	maxStreams = 5
	// maxFruitless is how many streams in a row may fail without a verdict before the batch does.
	maxFruitless = 5
	// firstWait is between two streams of which the first failed. It doubles, up to longestWait.
	firstWait   = 200 * time.Millisecond
	longestWait = 30 * time.Second
)

// SendBatch sends many pushes over one stream after another, and gives each its result as soon as it is known, in any
// order. Pushes are taken from the sequence only as fast as results are read: at most Options.Window are open.
//
// Each push has exactly one result. A push that no gateway read is sent again by itself, over another stream. One that was
// read and whose verdict was lost is Unknown, and is not sent again, unless its options call it repeatable.
//
// An error is about the batch and ends it; results have none. The pushes that were taken have their results by then, and
// what else the sequence had was not sent. Break off by the context, since whoever leaves the loop never learns what became
// of the pushes that are open. A push belongs to the batch until it has its result, and is given an id if it has none.
func (c *Client) SendBatch(ctx context.Context, pushes iter.Seq[*pushv1.Push]) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		// A push has its place from when it is taken until its result was read, and each has one result: the batch never
		// waits for the loop, so that a gateway never waits for the batch and ends it as a reader that stopped.
		places := make(chan struct{}, c.options.Window)
		b := &batch{client: c, input: make(chan *pushv1.Push), results: make(chan *Result, c.options.Window)}
		go feed(ctx, pushes, places, b.input)
		var err error
		go func() {
			defer close(b.results)
			err = b.run(ctx)
			b.giveUp(err)
		}()
		defer func() {
			cancel()
			for range b.results {
			}
		}()
		for result := range b.results {
			<-places
			if !yield(result, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// feed hands the pushes of a sequence on, for as long as the batch goes on.
func feed(ctx context.Context, pushes iter.Seq[*pushv1.Push], places chan<- struct{}, input chan<- *pushv1.Push) {
	defer close(input)
	for push := range pushes {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		select {
		case input <- push:
		case <-ctx.Done():
			return
		}
	}
}

// item is a push on its way.
type item struct {
	push    *pushv1.Push
	bytes   int   // how large it is on the wire
	streams int   // on how many it was written
	inDoubt error // why an earlier stream may have sent it
}

type batch struct {
	client  *Client
	input   chan *pushv1.Push // nil once it has ended
	queue   []*item           // those to be written next
	results chan *Result
	wrong   error // what ended the input early
}

// run opens one stream after another until every push has its verdict, and returns why that could not be.
func (b *batch) run(ctx context.Context) error {
	fruitless := 0
	for b.hasPush(ctx) {
		s := stream{batch: b, open: map[int64]*item{}}
		err := s.run(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil || s.fruitful:
			fruitless = 0
		default:
			fruitless++
		}
		if err != nil && (!s.goesOn(err) || fruitless == maxFruitless) {
			return err
		}
		if !s.fruitful {
			wait := max(advisedWait(err), min(firstWait<<fruitless, longestWait))
			select {
			case <-time.After(wait + rand.N(wait/4)):
			case <-ctx.Done():
			}
		}
	}
	if len(b.queue) == 0 && b.input == nil {
		return b.wrong
	}
	return ctx.Err()
}

// hasPush waits until there is a push to write, so that no stream is opened for nothing. There is none once all have ended.
func (b *batch) hasPush(ctx context.Context) bool {
	for len(b.queue) == 0 && b.input != nil {
		select {
		case push, more := <-b.input:
			b.enqueue(push, more)
		case <-ctx.Done():
			return false
		}
	}
	return len(b.queue) > 0
}

func (b *batch) enqueue(push *pushv1.Push, more bool) {
	if !more {
		b.input = nil
		return
	}
	giveID(push)
	bytes, err := encodable(push)
	if err != nil {
		b.input, b.wrong = nil, err
		return
	}
	b.queue = append(b.queue, &item{push: push, bytes: bytes})
}

// again puts a push back that a stream did not settle, or gives it up.
func (b *batch) again(i *item, cause error) {
	if i.streams < maxStreams {
		b.queue = append(b.queue, i)
		return
	}
	b.end(i, cause)
}

// end gives a push its result without a verdict.
func (b *batch) end(i *item, cause error) {
	if i.inDoubt != nil {
		b.results <- &Result{Push: i.push, Ended: Unknown, Cause: i.inDoubt}
		return
	}
	b.results <- &Result{Push: i.push, Ended: NotRead, Cause: cause}
}

// giveUp ends what is left.
func (b *batch) giveUp(err error) {
	for _, i := range b.queue {
		b.end(i, err)
	}
}
