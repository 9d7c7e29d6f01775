package balancers

import (
	"fmt"
	"testing"
)

const (
	largeBatch = 50_000
	// batchWindow is limits.batch_window by default.
	batchWindow = 4_096
)

// Its requests are one body, which is larger than what proxies take by default.
func TestALargeBatchPasses(t *testing.T) {
	for _, balancer := range all {
		t.Run(balancer.name, func(t *testing.T) {
			t.Parallel()
			stand := startAPNs(t)
			a, b := balancer.pair(t, stand)
			handed := 0
			batch := &batch{client: shipped(t, balancer.start(t, a, b)...), open: batchWindow, each: 256,
				items: func() (string, bool) {
					handed++
					return fmt.Sprintf("600d%060x", handed), handed <= largeBatch
				}}
			must(t, batch.run())
			found := balance(t, balancer.name, batch.ends, stand.journal())
			if found.accepted != largeBatch || batch.streams != 1 {
				t.Errorf("%s: %d of %d items were accepted, over %d streams", balancer.name, found.accepted, largeBatch, batch.streams)
			}
			batches.add(balancer.name, largeBatch, found.accepted, len(stand.journal()), found.doubled)
		})
	}
}
