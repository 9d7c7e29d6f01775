package balancers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const page = "../../../../docs/load-balancers.md"

// balancer is what spreads calls over two gateways.
type balancer struct {
	name string
	// open starts it, and returns the addresses at which it takes calls.
	open func(t *testing.T, a, b *gateway, edits []edit) []string
	// gateways are settings that gateways need behind it.
	gateways []string
	// quick are edits that shorten what tests would wait for.
	quick []edit
	// refuses is whether it may refuse a call in a rolling restart: nginx may write one to a connection that its gateway is just
	// closing, and nghttpx leaves a gateway alone for a while that was away.
	refuses bool
}

// edit is an old and a new piece of the configuration that the page advises.
type edit struct{ old, new string }

// A gateway goes on taking calls for longer than its balancer takes to see that it is to go, or that the other is back.
const drainDelay = `limits.drain_delay = "1s"`

var (
	roundRobin = balancer{name: "round robin", open: func(_ *testing.T, a, b *gateway, _ []edit) []string {
		return []string{a.address, b.address}
	}}
	nginx       = balancer{name: "nginx", open: startNginx, refuses: true}
	haproxyTCP  = balancer{name: "haproxy, mode tcp", open: startHaproxy("haproxy"), quick: quickChecks}
	haproxyHTTP = balancer{name: "haproxy, mode http", open: startHaproxy("haproxy http"), quick: quickChecks}
	nghttpx     = balancer{name: "nghttpx", open: startNghttpx, quick: []edit{{"backend-max-backoff=1s", "backend-max-backoff=500ms"}},
		gateways: []string{drainDelay}, refuses: true}

	quickChecks = []edit{{"inter 1s", "inter 200ms"}}

	proxies = []balancer{nginx, haproxyTCP, haproxyHTTP, nghttpx}
	all     = append([]balancer{roundRobin}, proxies...)
)

// start starts a balancer before two gateways, as the page advises but for the edits.
func (b balancer) start(t *testing.T, one, other *gateway, edits ...edit) []string {
	return b.open(t, one, other, append(edits, b.quick...))
}

// pair starts two gateways for a balancer.
func (b balancer) pair(t *testing.T, stand *apns, settings ...string) (*gateway, *gateway) {
	settings = append(settings, b.gateways...)
	return startGateway(t, stand, settings...), startGateway(t, stand, settings...)
}

// advised is the configuration of a proxy that the page shows, for these gateways.
func advised(t *testing.T, block, address string, a, b *gateway, edits []edit) string {
	text, err := os.ReadFile(page)
	must(t, err)
	_, after, begins := strings.Cut(string(text), "```"+block+"\n")
	config, _, ends := strings.Cut(after, "```\n")
	if !begins || !ends {
		t.Fatalf("%s shows no configuration of %s", page, block)
	}
	for _, edit := range edits {
		if !strings.Contains(config, edit.old) {
			t.Fatalf("the configuration of %s in %s has no %q", block, page, edit.old)
		}
		config = strings.ReplaceAll(config, edit.old, edit.new)
	}
	return strings.NewReplacer(
		"gateway-a:50051 port 9464", a.address+" port "+port(t, a.admin),
		"gateway-b:50051 port 9464", b.address+" port "+port(t, b.admin),
		"gateway-a:50051", a.address,
		"gateway-b:50051", b.address,
		"gateway-a,50051", strings.Replace(a.address, ":", ",", 1),
		"gateway-b,50051", strings.Replace(b.address, ":", ",", 1),
		"*,50051", strings.Replace(address, ":", ",", 1),
		"bind :50051", "bind "+address,
		"listen 50051", "listen "+address,
	).Replace(config)
}

func startNginx(t *testing.T, a, b *gateway, edits []edit) []string {
	dir, address := t.TempDir(), freeAddress(t)
	config := fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  %[2]s
}
`, dir, advised(t, "nginx", address, a, b, edits))
	file := filepath.Join(dir, "nginx.conf")
	return front(t, address, fromRun(t, "NGINX_BINARY"), file, config,
		"-c", file, "-p", dir, "-e", filepath.Join(dir, "error.log"))
}

func startHaproxy(block string) func(t *testing.T, a, b *gateway, edits []edit) []string {
	return func(t *testing.T, a, b *gateway, edits []edit) []string {
		address, file := freeAddress(t), filepath.Join(t.TempDir(), "haproxy.cfg")
		config := advised(t, block, address, a, b, edits)
		return front(t, address, fromRun(t, "HAPROXY_BINARY"), file, config, "-f", file, "-db", "-q")
	}
}

func startNghttpx(t *testing.T, a, b *gateway, edits []edit) []string {
	address, file := freeAddress(t), filepath.Join(t.TempDir(), "nghttpx.conf")
	// Otherwise a process of its own serves, which would outlive the one that was started here.
	config := advised(t, "nghttpx", address, a, b, edits) + "single-process=yes\nlog-level=ERROR\n"
	return front(t, address, fromRun(t, "NGHTTPX_BINARY"), file, config, "--conf="+file)
}

func front(t *testing.T, address, binary, file, config string, arguments ...string) []string {
	must(t, os.WriteFile(file, []byte(config), 0o600))
	started := start(t, binary, arguments...)
	started.until(t, "its listener", func() bool { return listens(address) })
	return []string{address}
}

func port(t *testing.T, address string) string {
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	return port
}
