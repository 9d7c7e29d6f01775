package balancers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	app   = "shop"
	topic = "com.example.shop"
)

// gateway is one that ends and starts again at the same addresses.
type gateway struct {
	*process
	address string
	admin   string
	config  string
	ready   string
}

// startGateway runs a gateway that sends to the stand-in; a setting is a line of TOML with the whole key.
func startGateway(t *testing.T, stand *apns, settings ...string) *gateway {
	dir := t.TempDir()
	started := &gateway{
		address: freeAddress(t),
		admin:   freeAddress(t),
		config:  filepath.Join(dir, "fanfare.toml"),
		ready:   filepath.Join(dir, "ready.json"),
	}
	config := fmt.Sprintf(`
grpc.listen = %q
admin.listen = %q
log.filter = "error"
apns.production = "https://%s"
apns.ca_files = ["%[4]s/ca.pem"]
%[5]s
[apps.%[6]s.apns]
environment = "production"
topics = [%[7]q]
[apps.%[6]s.apns.token]
key_file = "%[4]s/AuthKey.p8"
key_id = "STANDKEY01"
team_id = "STANDTEAM1"
`, started.address, started.admin, stand.address, stand.dir, strings.Join(settings, "\n"), app, topic)
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
