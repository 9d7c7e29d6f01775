package repeat

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

const (
	app   = "shop"
	topic = "com.example.shop"
)

// gateway is one that ends and starts again at the same address.
type gateway struct {
	*process
	address string
	config  string
	ready   string
}

// startGateway runs a gateway that sends to the stand-in; limits are lines of the configuration's [limits].
func startGateway(t *testing.T, stand *apns, limits string) *gateway {
	dir := t.TempDir()
	started := &gateway{
		address: freeAddress(t),
		config:  filepath.Join(dir, "fanfare.toml"),
		ready:   filepath.Join(dir, "ready.json"),
	}
	config := fmt.Sprintf(`
[grpc]
listen = %q
[admin]
listen = "127.0.0.1:0"
[log]
filter = "error"
[limits]
%s
[apns]
production = "https://%s"
ca_files = ["%s/ca.pem"]
[apps.%s.apns]
environment = "production"
topics = [%q]
[apps.%[5]s.apns.token]
key_file = "%[4]s/AuthKey.p8"
key_id = "STANDKEY01"
team_id = "STANDTEAM1"
`, started.address, limits, stand.address, stand.dir, app, topic)
	must(t, os.WriteFile(started.config, []byte(config), 0o600))
	started.again(t)
	return started
}

// again starts the gateway, which has ended.
func (g *gateway) again(t *testing.T) {
	_ = os.Remove(g.ready)
	g.process = start(t, fromRun(t, "FANFARE_BIN"), "serve", "--config", g.config, "--ready-file", g.ready)
	g.until(t, "the gateway's ready file", func() bool {
		_, err := os.Stat(g.ready)
		return err == nil
	})
}

// drain ends the gateway politely, and starts it again.
func (g *gateway) drain(t *testing.T) {
	g.end(t, syscall.SIGTERM)
	if code := g.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("a drained gateway ended with %d", code)
	}
	g.again(t)
}

// kill ends the gateway at once, and starts it again.
func (g *gateway) kill(t *testing.T) {
	g.end(t, syscall.SIGKILL)
	g.again(t)
}
