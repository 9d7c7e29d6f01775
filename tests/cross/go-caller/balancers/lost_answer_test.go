package balancers

import (
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fanfare "fanfare.dev/clients/go"
)

// What nginx may try at another gateway changes nothing: it passes requests on as they come and keeps nothing to repeat.
// Source: nginx.org, ngx_http_grpc_module, grpc_next_upstream; nginx, ngx_http_upstream_next, request_body_no_buffering.
var nonIdempotent = edit{"grpc_next_upstream error timeout;", "grpc_next_upstream error timeout non_idempotent;"}

// A push reaches the push service, and its gateway is killed before the answer. The caller must be told UNAVAILABLE;
// whatever repeats the call has the push delivered twice.
func TestAnAnswerThatIsLost(t *testing.T) {
	ordinary := strings.Replace(fanfare.ServiceConfig, `["ABORTED"]`, `["UNAVAILABLE"]`, 1)
	for name, row := range map[string]struct {
		balancer balancer
		config   string
		edits    []edit
		doubles  bool
		status   codes.Code // where the answer is lost
	}{
		"round robin":                    {roundRobin, fanfare.ServiceConfig, nil, false, codes.Unavailable},
		"a retry policy for UNAVAILABLE": {roundRobin, ordinary, nil, true, codes.Unavailable},
		"nginx":                          {nginx, fanfare.ServiceConfig, nil, false, codes.Unavailable},
		"nginx with non_idempotent":      {nginx, fanfare.ServiceConfig, []edit{nonIdempotent}, false, codes.Unavailable},
		"haproxy in mode tcp":            {haproxyTCP, fanfare.ServiceConfig, nil, false, codes.Unavailable},
		// It answers a lost gateway with REFUSED_STREAM, which grpc-go repeats whatever the policy says.
		"haproxy in mode http": {haproxyHTTP, fanfare.ServiceConfig, nil, true, codes.Unavailable},
		"nghttpx":              {nghttpx, fanfare.ServiceConfig, nil, false, codes.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loseAnAnswer(t, row.doubles, row.status, func(a, b *gateway) *caller {
				return connect(t, row.config, row.balancer.start(t, a, b, row.edits...)...)
			})
		})
	}
}

func loseAnAnswer(t *testing.T, doubles bool, expected codes.Code, open func(a, b *gateway) *caller) {
	// Each gateway has a push service of its own, so that it is known who has the push.
	standA, standB := startAPNs(t), startAPNs(t)
	a, b := startGateway(t, standA), startGateway(t, standB)
	client := open(a, b)
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
			t.Errorf("expected a push that arrives twice, found the status %v: is docs/load-balancers.md still right?", err)
		} else if status.Code(err) != expected {
			t.Errorf("expected %s, found %v", expected, err)
		}
	}
}
