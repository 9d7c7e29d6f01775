// Package repeat shows that repeating a call is safe with the service config of clients/go: 20,000 calls while two
// gateways are drained and killed in turn, and the push service's own journal as the judge.
package repeat

import (
	"maps"
	"testing"

	"google.golang.org/grpc/codes"
)

const pushes = 20_000

func TestRoundRobinDoublesNothing(t *testing.T) {
	underFaults(t, "round robin", func(a, b *gateway) *caller { return shipped(t, a.address, b.address) })
}

func TestNginxDoublesNothing(t *testing.T) {
	underFaults(t, "nginx", func(a, b *gateway) *caller { return shipped(t, nginx(t, nginxDefault, a, b)) })
}

func TestHaproxyInModeTCPDoublesNothing(t *testing.T) {
	underFaults(t, "haproxy in mode tcp", func(a, b *gateway) *caller { return shipped(t, haproxy(t, "tcp", a, b)) })
}

func underFaults(t *testing.T, name string, open func(a, b *gateway) *caller) {
	stand := startAPNs(t)
	a, b := startGateway(t, stand, ""), startGateway(t, stand, "")
	client := open(a, b)
	ends := traffic(t, client, 1, pushes/2, a.drain, b.drain)
	for token, end := range ends {
		if end.code != codes.OK {
			t.Errorf("%s: a drain cost a call: that to %s ended with %s", name, token, end.code)
		}
	}
	maps.Copy(ends, traffic(t, client, pushes/2+1, pushes, a.kill, b.kill))
	balance(t, name, client, ends, stand.journal())
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
	<-stand.arrival
	client := shipped(t, full.address, other.address)
	ends := traffic(t, client, 1, 4)
	for token, end := range ends {
		if end.code != codes.OK || stand.journal()[token] != 1 {
			t.Errorf("the call to %s ended with %s, and arrived %d times", token, end.code, stand.journal()[token])
		}
	}
	if client.aborted.Load() == 0 {
		t.Error("no call met the gateway that is full")
	}
	stand.release()
	must(t, <-held)
}
