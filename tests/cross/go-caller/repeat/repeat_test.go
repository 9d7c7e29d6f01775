// Package repeat shows that repeating a call is safe with the service config of clients/go: 20,000 calls while two
// gateways are drained and killed in turn, and the push service's own journal as the judge.
package repeat

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"fanfare.dev/clients/go/pushv1"
)

const pushes = 20_000

func TestRoundRobinDoublesNothing(t *testing.T) {
	underFaults(t, "round robin", 0, func(a, b *gateway) *caller { return shipped(t, a.address, b.address) })
}

func TestNginxDoublesNothing(t *testing.T) {
	// A call that nginx writes to a connection which its gateway is closing fails with UNAVAILABLE; nothing was sent.
	underFaults(t, "nginx", atOnce, func(a, b *gateway) *caller { return shipped(t, nginx(t, nginxDefault, a, b)) })
}

func TestHaproxyInModeTCPDoublesNothing(t *testing.T) {
	underFaults(t, "haproxy in mode tcp", 0, func(a, b *gateway) *caller { return shipped(t, haproxy(t, a, b)) })
}

// underFaults allows a drain to cost so many calls, of which none arrives.
func underFaults(t *testing.T, name string, drainCosts int, open func(a, b *gateway) *caller) {
	stand := startAPNs(t)
	a, b := startGateway(t, stand, ""), startGateway(t, stand, "")
	client := open(a, b)
	ends := traffic(t, client, 1, pushes/2, a.drain, b.drain)
	lost, journal := 0, stand.journal()
	for token, end := range ends {
		if end.code != codes.OK {
			lost++
			if journal[token] != 0 {
				t.Errorf("%s: while gateways drained the call to %s ended with %s, and arrived", name, token, end.code)
			}
		}
	}
	if lost > 2*drainCosts {
		t.Errorf("%s: two drains cost %d calls", name, lost)
	}
	maps.Copy(ends, traffic(t, client, pushes/2+1, pushes, a.kill, b.kill))
	balance(t, name, client, ends, stand.journal())
}

// Its requests are one body, which is larger than what nginx takes by default.
func TestABatchGoesThroughNginxHoweverLargeItIs(t *testing.T) {
	stand := startAPNs(t)
	client := shipped(t, nginx(t, nginxDefault, startGateway(t, stand, ""), startGateway(t, stand, "")))
	const items, each = 4_000, 1_000
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	defer cancel()
	stream, err := client.SendBatch(ctx)
	must(t, err)
	// It reads while it writes: nginx passes nothing on, in either direction, while results wait for a caller that does not.
	read := make(chan error, 1)
	accepted := 0
	go func() {
		for {
			answer, err := stream.Recv()
			if err != nil {
				read <- err
				return
			}
			for _, result := range answer.Results {
				if result.Outcome == pushv1.Outcome_OUTCOME_ACCEPTED {
					accepted++
				}
			}
		}
	}()
	for first := 0; first < items; first += each {
		message := &pushv1.SendBatchRequest{}
		for number := first; number < first+each; number++ {
			push := pushTo(fmt.Sprintf("600d%04x", number))
			push.Content.Notification.Body = strings.Repeat("x", 500)
			message.Pushes = append(message.Pushes, push)
		}
		must(t, stream.Send(message))
	}
	must(t, stream.CloseSend())
	if err := <-read; err != io.EOF {
		t.Fatal(err)
	}
	if accepted != items || len(stand.journal()) != items {
		t.Errorf("%d of %d items were accepted, %d arrived", accepted, items, len(stand.journal()))
	}
}

func TestACallThatFindsAGatewayFullIsRepeatedAtTheOther(t *testing.T) {
	stand := startAPNs(t)
	full, other := startGateway(t, stand, "max_in_flight = 1"), startGateway(t, stand, "")
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
