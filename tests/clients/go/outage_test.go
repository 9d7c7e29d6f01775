package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"fanfare.dev/testing/simulator"
	"github.com/sideshow/apns2"
)

const patience = 10 * time.Second

func device(i int) string { return fmt.Sprintf("0a%062x", i) }

// delivered holds the journal to so many pushes, each to a device of its own, each accepted.
func delivered(t *testing.T, service string, count int) {
	t.Helper()
	devices := map[string]bool{}
	for _, entry := range sim.Wait(t, count, patience, simulator.Filter{Service: service, Stage: "settled"}) {
		if entry.Status == 200 && entry.MayBeDelivered && entry.Token != "" {
			devices[entry.Token] = true
		}
	}
	if len(devices) != count {
		t.Errorf("%d devices were reached, not %d", len(devices), count)
	}
}

// outcomes of the requests for one device, in their order.
func outcomes(t *testing.T, device string) (found []string) {
	t.Helper()
	for _, entry := range sim.Journal(t, simulator.Filter{Token: device}) {
		found = append(found, fmt.Sprintf("%s %d %v", entry.Outcome, entry.Status, entry.MayBeDelivered))
	}
	return found
}

func expectOutcomes(t *testing.T, device string, expected ...string) {
	t.Helper()
	if found := outcomes(t, device); fmt.Sprint(found) != fmt.Sprint(expected) {
		t.Errorf("%s: %q, not %q", device, found, expected)
	}
}

// The same outage is in outage.test.mjs, test_outage.py and OutageTest.java.
func TestOutage(t *testing.T) {
	sim.Reset(t)
	client := apns(t)
	good := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			if response := send(t, client, push(device(i))); !response.Sent() {
				t.Fatalf("push %d: %+v", i, response)
			}
		}
	}
	good(0, 50)
	delivered(t, "apns_production", 50)

	// A burst of 503.
	sim.Fault(t, `{"fault": {"refuse": "unavailable"}, "times": 5}`)
	for i := 50; i < 55; i++ {
		if response := send(t, client, push(device(i))); response.Reason != apns2.ReasonServiceUnavailable {
			t.Errorf("push %d: %+v", i, response)
		}
		expectOutcomes(t, device(i), "answered 503 false")
	}

	// GOAWAY whose last id is below that of the push: Go sends it again on a new connection.
	sim.Fault(t, `{"fault": {"goaway": {"last": "before_this", "reason": "Shutdown"}}}`)
	good(55, 56)
	expectOutcomes(t, device(55), "excluded 0 false", "answered 200 true")

	// A stall: the push is read and never answered, so the client's own deadline ends it.
	sim.Fault(t, `{"fault": "silence"}`)
	soon, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if response, err := client.PushWithContext(soon, push(device(56))); err == nil {
		t.Errorf("a push that is never answered: %+v", response)
	}
	expectOutcomes(t, device(56), "unanswered 0 true")

	sim.ClearFaults(t)
	good(57, 107)
	// One push was sent twice, 5 were refused, and one was never answered.
	all := sim.Wait(t, 108, patience, simulator.Filter{Service: "apns_production"})
	counts := map[string]int{}
	for _, entry := range all {
		counts[fmt.Sprintf("%s %d", entry.Outcome, entry.Status)]++
	}
	if expected := "map[answered 200:101 answered 503:5 excluded 0:1 unanswered 0:1]"; fmt.Sprint(counts) != expected {
		t.Errorf("%v, not %s", counts, expected)
	}
}
