package repeat

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const page = "../../../../docs/calling.md"

// advised is the configuration of a proxy that the page shows, for these gateways.
func advised(t *testing.T, proxy, address string, a, b *gateway) string {
	text, err := os.ReadFile(page)
	must(t, err)
	_, after, begins := strings.Cut(string(text), "```"+proxy+"\n")
	shown, _, ends := strings.Cut(after, "```\n")
	if !begins || !ends {
		t.Fatalf("%s shows no configuration of %s", page, proxy)
	}
	return strings.NewReplacer(
		"gateway-a:50051", a.address,
		"gateway-b:50051", b.address,
		"bind :50051", "bind "+address,
		"listen 50051", "listen "+address,
	).Replace(shown)
}

// nginx starts an nginx before two gateways, as the page advises but for what it may try at another gateway; its
// address is returned.
func nginx(t *testing.T, tries string, a, b *gateway) string {
	dir, address := t.TempDir(), freeAddress(t)
	server := advised(t, "nginx", address, a, b)
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
  grpc_next_upstream %[2]s;
  %[3]s
}
`, dir, tries, server)
	file := filepath.Join(dir, "nginx.conf")
	return front(t, address, fromRun(t, "NGINX_BINARY"), file, config,
		"-c", file, "-p", dir, "-e", filepath.Join(dir, "error.log"))
}

// haproxy starts a haproxy before two gateways, as the page advises.
func haproxy(t *testing.T, a, b *gateway) string {
	address := freeAddress(t)
	return startHaproxy(t, address, advised(t, "haproxy", address, a, b))
}

// haproxyInModeHTTP is what the page advises against.
func haproxyInModeHTTP(t *testing.T, a, b *gateway) string {
	address := freeAddress(t)
	config := strings.NewReplacer(
		"mode tcp", "mode http",
		"bind "+address, "bind "+address+" proto h2",
		"server a "+a.address, "server a "+a.address+" proto h2",
		"server b "+b.address, "server b "+b.address+" proto h2",
	).Replace(advised(t, "haproxy", address, a, b))
	return startHaproxy(t, address, config)
}

func startHaproxy(t *testing.T, address, config string) string {
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	return front(t, address, fromRun(t, "HAPROXY_BINARY"), file, config, "-f", file, "-db")
}

func front(t *testing.T, address, binary, file, config string, arguments ...string) string {
	must(t, os.WriteFile(file, []byte(config), 0o600))
	started := start(t, binary, arguments...)
	started.until(t, "its listener", func() bool { return listens(address) })
	return address
}
