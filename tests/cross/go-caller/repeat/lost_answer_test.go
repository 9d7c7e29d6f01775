package repeat

import (
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fanfare "fanfare.dev/clients/go"
)

// What nginx tries at another gateway by itself: a call whose request it has not begun to send. It passes requests on as
// they come and keeps nothing to repeat, so that non_idempotent changes nothing here.
// Source: nginx.org, ngx_http_grpc_module, grpc_next_upstream; nginx, ngx_http_upstream_next, request_body_no_buffering.
const (
	nginxDefault  = "error timeout"
	nonIdempotent = "error timeout non_idempotent"
)

// A push reaches the push service, and its gateway is killed before the answer. The caller must be told UNAVAILABLE;
// whatever repeats the call has the push delivered twice.
func TestAnAnswerThatIsLost(t *testing.T) {
	ordinary := strings.Replace(fanfare.ServiceConfig, `["ABORTED"]`, `["UNAVAILABLE"]`, 1)
	for name, row := range map[string]struct {
		open    func(t *testing.T, a, b *gateway) *caller
		doubles bool
	}{
		"round robin": {
			func(t *testing.T, a, b *gateway) *caller { return shipped(t, a.address, b.address) }, false},
		"a retry policy for UNAVAILABLE": {
			func(t *testing.T, a, b *gateway) *caller { return connect(t, ordinary, a.address, b.address) }, true},
		"nginx": {
			func(t *testing.T, a, b *gateway) *caller { return shipped(t, nginx(t, nginxDefault, a, b)) }, false},
		"nginx with non_idempotent": {
			func(t *testing.T, a, b *gateway) *caller { return shipped(t, nginx(t, nonIdempotent, a, b)) }, false},
		"haproxy in mode tcp": {
			func(t *testing.T, a, b *gateway) *caller { return shipped(t, haproxy(t, a, b)) }, false},
		// It answers a lost gateway with REFUSED_STREAM, which grpc-go repeats whatever the policy says.
		"haproxy in mode http": {
			func(t *testing.T, a, b *gateway) *caller { return shipped(t, haproxyInModeHTTP(t, a, b)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loseAnAnswer(t, row.open, row.doubles)
		})
	}
}

func loseAnAnswer(t *testing.T, open func(t *testing.T, a, b *gateway) *caller, doubles bool) {
	// Each gateway has a push service of its own, so that it is known who has the push.
	standA, standB := startAPNs(t), startAPNs(t)
	a, b := startGateway(t, standA, ""), startGateway(t, standB, "")
	client := open(t, a, b)
	ended := make(chan error, 1)
	go func() {
		_, err := client.send(heldPrefix + "02")
		ended <- err
	}()
	other := standB
	select {
	case <-standA.arrival:
		a.end(t, syscall.SIGKILL)
	case <-standB.arrival:
		b.end(t, syscall.SIGKILL)
		other = standA
	case err := <-ended:
		t.Fatalf("the call ended before its push arrived: %v", err)
	}
	select {
	case <-other.arrival:
		if !doubles {
			t.Error("the push arrived twice")
		}
		other.release()
		<-ended
	case err := <-ended:
		if doubles {
			t.Errorf("expected a push that arrives twice, found the status %v: is docs/calling.md still right?", err)
		} else if status.Code(err) != codes.Unavailable {
			t.Errorf("expected UNAVAILABLE, found %v", err)
		}
	}
}
