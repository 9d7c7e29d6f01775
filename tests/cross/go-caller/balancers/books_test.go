package balancers

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fanfare.dev/clients/go/pushv1"
)

// atOnce is how many calls are made side by side.
const atOnce = 64

// end is how the call of one push ended.
type end struct {
	code    codes.Code
	outcome pushv1.Outcome // where the code is OK
}

// traffic sends pushes to devices from first to last. The faults come one after the other, evenly over the calls.
func traffic(t *testing.T, c *caller, first, last int64, faults ...func(*testing.T)) map[string]end {
	var (
		next, done atomic.Int64
		fault      sync.Mutex
		due        int
		lock       sync.Mutex
		ends       = map[string]end{}
		workers    sync.WaitGroup
	)
	next.Store(first - 1)
	each := (last - first) / int64(len(faults)+1)
	for range atOnce {
		workers.Go(func() {
			for number := next.Add(1); number <= last; number = next.Add(1) {
				token := fmt.Sprintf("600d%060x", number)
				result, err := c.send(token)
				lock.Lock()
				ends[token] = end{status.Code(err), result.GetOutcome()}
				lock.Unlock()
				ended := done.Add(1)
				// One worker sees to a fault; the others go on.
				if fault.TryLock() {
					if due < len(faults) && ended >= int64(due+1)*each {
						faults[due](t)
						due++
					}
					fault.Unlock()
				}
			}
		})
	}
	workers.Wait()
	if due < len(faults) {
		t.Errorf("only %d of %d faults came while calls were made", due, len(faults))
	}
	return ends
}

// figures are what balance counts.
type figures struct {
	accepted int
	refused  int            // ended in any other way
	ends     map[string]int // how those ended
	arrived  int            // of those
	lost     int
	doubled  int
}

// balance holds the callers' ends against the journal. A push arrives once where the caller was told that it was
// accepted, never where it was told that nothing was sent, and at most once in every case.
func balance(t *testing.T, name string, ends map[string]end, journal map[string]int) figures {
	found := figures{ends: map[string]int{}}
	for token, end := range ends {
		times, kind := journal[token], end.code.String()
		if end.code == codes.OK {
			kind = end.outcome.String()
		}
		if times > 1 {
			found.doubled++
			t.Errorf("%s: %s arrived %d times, its call ended with %s", name, token, times, kind)
		}
		if end.code == codes.OK && end.outcome == pushv1.Outcome_OUTCOME_ACCEPTED {
			found.accepted++
			if times != 1 {
				found.lost++
				t.Errorf("%s: %s was accepted and arrived %d times", name, token, times)
			}
			continue
		}
		found.refused++
		found.ends[kind]++
		found.arrived += times
		nothingSent := end.code == codes.Aborted || end.code == codes.OK && end.outcome == pushv1.Outcome_OUTCOME_NOT_ATTEMPTED
		if nothingSent && times != 0 {
			t.Errorf("%s: %s ended with %s and arrived", name, token, kind)
		}
	}
	return found
}

// nothingElse has arrived but what was sent.
func nothingElse(t *testing.T, name string, ends map[string]end, journal map[string]int) {
	for token := range journal {
		if _, sent := ends[token]; !sent {
			t.Errorf("%s: %s arrived, and nobody sent it", name, token)
		}
	}
}
