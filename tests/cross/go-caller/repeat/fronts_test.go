package repeat

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// nginx starts an nginx that spreads calls over gateways, as docs/calling.md has it but for what it may repeat; its
// address is returned.
func nginx(t *testing.T, repeats string, gateways ...*gateway) string {
	dir, address := t.TempDir(), freeAddress(t)
	servers := ""
	for _, gateway := range gateways {
		servers += fmt.Sprintf("server %s max_fails=0;", gateway.address)
	}
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
  upstream gateways { %[2]s keepalive 32; }
  server {
    listen %[3]s http2;
    keepalive_requests 1000000;
    location / {
      grpc_pass grpc://gateways;
      grpc_next_upstream %[4]s;
    }
    location /grpc.health.v1.Health/ {
      default_type application/grpc;
      add_header grpc-status 12;
      return 200;
    }
  }
}
`, dir, servers, address, repeats)
	return front(t, address, fromRun(t, "NGINX_BINARY"), filepath.Join(dir, "nginx.conf"), config,
		"-c", filepath.Join(dir, "nginx.conf"), "-p", dir, "-e", filepath.Join(dir, "error.log"))
}

// haproxy starts a haproxy that spreads connections (mode tcp) or calls (mode http) over gateways.
func haproxy(t *testing.T, mode string, gateways ...*gateway) string {
	dir, address := t.TempDir(), freeAddress(t)
	protocol, servers := "", ""
	if mode == "http" {
		protocol = "proto h2"
	}
	for number, gateway := range gateways {
		servers += fmt.Sprintf("  server gateway-%d %s %s\n", number, gateway.address, protocol)
	}
	config := fmt.Sprintf(`
defaults
  mode %s
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  option redispatch 1
frontend callers
  bind %s %s
  default_backend gateways
backend gateways
  balance roundrobin
%s`, mode, address, protocol, servers)
	file := filepath.Join(dir, "haproxy.cfg")
	return front(t, address, fromRun(t, "HAPROXY_BINARY"), file, config, "-f", file, "-db")
}

func front(t *testing.T, address, binary, file, config string, arguments ...string) string {
	must(t, os.WriteFile(file, []byte(config), 0o600))
	started := start(t, binary, arguments...)
	started.until(t, "its listener", func() bool { return listens(address) })
	return address
}
