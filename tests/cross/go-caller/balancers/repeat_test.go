// Package balancers shows that repeating a call is safe with the service config of clients/go: 20,000 calls while two
// gateways are drained and killed in turn, and the push service's own journal as the judge.
package balancers

import (
	"fmt"
	"maps"
	"testing"

	"google.golang.org/grpc/codes"

	"fanfare.dev/clients/go/pushv1"
)

const pushes = 20_000

func TestNothingIsDoubled(t *testing.T) {
	for _, row := range []struct {
		balancer
		drainCosts int // calls, none of which arrives
	}{
		{roundRobin, 0},
		// A call that nginx writes to a connection which its gateway is closing fails with UNAVAILABLE; nothing was sent.
		{nginx, atOnce},
		{haproxyTCP, 0},
		{nghttpx, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			underFaults(t, row.balancer, row.drainCosts)
		})
	}
}

func underFaults(t *testing.T, balancer balancer, drainCosts int) {
	stand := startAPNs(t)
	a, b := balancer.pair(t, stand)
	client := shipped(t, balancer.start(t, a, b)...)
	ends := traffic(t, client, 1, pushes/2, a.drain, b.drain)
	lost, journal := 0, stand.journal()
	for token, end := range ends {
		if end.code != codes.OK {
			lost++
			if journal[token] != 0 {
				t.Errorf("%s: while gateways drained the call to %s ended with %s, and arrived", balancer.name, token, end.code)
			}
		}
	}
	if lost > 2*drainCosts {
		t.Errorf("%s: two drains cost %d calls", balancer.name, lost)
	}
	maps.Copy(ends, traffic(t, client, pushes/2+1, pushes, a.kill, b.kill))
	journal = stand.journal()
	found := balance(t, balancer.name, ends, journal)
	nothingElse(t, balancer.name, ends, journal)
	faults.add(balancer.name, len(ends), found.accepted, found.ends, found.arrived, lost, client.aborted.Load(),
		client.transparent.Load(), found.doubled)
}

func TestACallThatFindsAGatewayFullIsRepeatedAtTheOther(t *testing.T) {
	stand := startAPNs(t)
	full, other := startGateway(t, stand, "limits.max_in_flight = 1"), startGateway(t, stand)
	first := shipped(t, full.address)
	held := make(chan error, 1)
	go func() {
		_, err := first.send(heldPrefix + "01")
		held <- err
	}()
	select {
	case <-stand.arrival:
	case err := <-held:
		t.Fatalf("the push that is to be held ended: %v", err)
	}
	client := shipped(t, full.address, other.address)
	// Round robin begins with whoever is ready first.
	for number := 0; client.aborted.Load() == 0; number++ {
		token := fmt.Sprintf("600d%04x", number)
		result, err := client.send(token)
		must(t, err)
		if result.GetOutcome() != pushv1.Outcome_OUTCOME_ACCEPTED || stand.journal()[token] != 1 {
			t.Errorf("the push to %s: %v, and it arrived %d times", token, result, stand.journal()[token])
		}
	}
	stand.release()
	must(t, <-held)
}
