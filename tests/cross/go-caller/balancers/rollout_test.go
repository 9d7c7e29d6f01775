package balancers

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/status"
)

const (
	rounds = 2
	// channels are more than one, because a balancer in mode tcp spreads connections.
	channels       = 4
	callsOfChannel = 4
	// rolloutAnswers has the load of all balancers side by side leave room for them on two cores.
	rolloutAnswers = 20 * time.Millisecond
	// mostRefused is the part of all calls that may be refused behind a balancer that refuses some.
	mostRefused = 0.01
)

// Two gateways are ended and started again in turn under calls that nobody repeats and batches that go on for ever. Each is
// ended while a push of it is yet without an answer, so that it drains for longer than it takes calls.
func TestARollingRestartLosesNothing(t *testing.T) {
	for _, balancer := range all {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			stand := startAPNs(t)
			stand.takes = rolloutAnswers
			a, b := balancer.pair(t, stand)
			load := startLoad(t, balancer.start(t, a, b))
			slow := map[string]end{}
			for round := range rounds {
				for number, gateway := range []*gateway{a, b} {
					token := fmt.Sprintf("%s%060x", slowPrefix, 2*round+number)
					slow[token] = gateway.roll(t, stand, token)
				}
			}
			load.end(t)
			journal := stand.journal()
			calls := balance(t, balancer.name, load.calls, journal)
			items := balance(t, balancer.name, load.batch.ends, journal)
			held := balance(t, balancer.name, slow, journal)
			everything := maps.Clone(load.calls)
			maps.Copy(everything, load.batch.ends)
			maps.Copy(everything, slow)
			nothingElse(t, balancer.name, everything, journal)
			rollouts.add(balancer.name, len(load.calls), share(calls, load.calls), calls.ends, load.transparent(),
				load.longest.Round(time.Millisecond), len(load.batch.ends), share(items, load.batch.ends), load.batch.streams,
				load.batch.told, load.batch.resent, calls.lost+items.lost+held.lost, calls.doubled+items.doubled+held.doubled)
			most := 0.0
			if balancer.refuses {
				most = mostRefused * float64(len(load.calls))
			}
			if float64(calls.refused) > most {
				t.Errorf("%s: %d of %d calls were refused: %v", balancer.name, calls.refused, len(load.calls), calls.ends)
			}
			if items.refused != 0 || held.refused != 0 || load.batch.told == 0 {
				t.Errorf("%s: of batches, told to go %d times, %d items were refused (%v); of the held pushes %d (%v)", balancer.name,
					load.batch.told, items.refused, items.ends, held.refused, held.ends)
			}
		})
	}
}

func share(found figures, ends map[string]end) string {
	return fmt.Sprintf("%d (%.2f %%)", found.refused, 100*float64(found.refused)/float64(len(ends)))
}

// roll ends a gateway while it has a push that is answered late, and starts it again.
func (g *gateway) roll(t *testing.T, stand *apns, token string) end {
	client, ended := connect(t, unrepeated(t), g.address), make(chan end, 1)
	go func() {
		result, err := client.send(token)
		ended <- end{status.Code(err), result.GetOutcome()}
	}()
	select {
	case <-stand.arrival:
	case end := <-ended:
		t.Fatalf("the push that is answered late ended before it arrived: %v", end)
	}
	g.drain(t)
	return <-ended
}

// load is calls and a batch that go on until it ends.
type load struct {
	channels []*caller
	stop     atomic.Bool
	batch    *batch
	workers  sync.WaitGroup
	failed   error // of the batch
	lock     sync.Mutex
	calls    map[string]end
	longest  time.Duration // of a call
}

func startLoad(t *testing.T, addresses []string) *load {
	made := &load{calls: map[string]end{}}
	var calls, items atomic.Int64
	for range channels {
		client := connect(t, unrepeated(t), addresses...)
		made.channels = append(made.channels, client)
		for range callsOfChannel {
			made.workers.Go(func() {
				for !made.stop.Load() {
					token, begun := fmt.Sprintf("600d%060x", calls.Add(1)), time.Now()
					result, err := client.send(token)
					made.lock.Lock()
					made.longest = max(made.longest, time.Since(begun))
					made.calls[token] = end{status.Code(err), result.GetOutcome()}
					made.lock.Unlock()
				}
			})
		}
	}
	made.batch = &batch{client: connect(t, unrepeated(t), addresses...), open: 8, each: 4, items: func() (string, bool) {
		return fmt.Sprintf("5a7c%060x", items.Add(1)), !made.stop.Load()
	}}
	made.workers.Go(func() { made.failed = made.batch.run() })
	return made
}

func (l *load) end(t *testing.T) {
	l.stop.Store(true)
	l.workers.Wait()
	must(t, l.failed)
}

// transparent is how many calls grpc-go repeated by itself, since the gateway had provably not seen them.
func (l *load) transparent() int64 {
	sum := int64(0)
	for _, channel := range l.channels {
		sum += channel.transparent.Load()
	}
	return sum
}
