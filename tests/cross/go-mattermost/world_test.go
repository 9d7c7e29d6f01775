package mattermost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startsWithin = 20 * time.Second
	endsWithin   = 30 * time.Second
	// How long a server waits for its push proxy.
	callTakes = 30 * time.Second
)

// world is a gateway that is a push proxy, in front of the simulated push services.
type world struct {
	// What PushNotificationServer of a Mattermost server would say.
	proxy, withPassword, withPath string
	control                       string
}

// table is the listener and its callers. Both platforms are those of one app, and what is not served here is forwarded.
const table = `
[grpc]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[log]
filter = "warn"
[[http]]
listen = "127.0.0.1:0"
serve = ["mattermost"]
caller = "mattermost"
networks = ["127.0.0.1/32"]
[http.mattermost]
platforms = { apple_rn = "demo", apple_rnbeta = "demo", android_rn = "demo" }
forward = %q
[callers.mattermost]
apps = ["*"]
providers = ["*"]
rpcs = ["SendPush"]
service_classes = ["*"]
[callers.other]
apps = ["*"]
providers = ["*"]
rpcs = ["SendPush"]
service_classes = ["*"]
key_sha256 = [%q]
`

func start(t *testing.T) *world { return startWith(t, 0) }

// startWith is a world whose gateway has so many descriptors; with 0 it has what this process has.
func startWith(t *testing.T, descriptors int) *world {
	binary := os.Getenv("FANFARE_BIN")
	if binary == "" {
		t.Fatal("FANFARE_BIN is not set: run tests/cross/run")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run(t, binary, in("simulator.json"), "simulate", "--dir", dir)
	var simulator struct {
		Control    string
		Mattermost struct{ Origin string }
	}
	readJSON(t, in("simulator.json"), &simulator)

	must(t, exec.Command(binary, "caller-key", in("key")).Run())
	digest, err := exec.Command(binary, "caller-key", "--show", in("key")).Output()
	must(t, err)
	key, err := os.ReadFile(in("key"))
	must(t, err)
	sample, err := os.ReadFile(in("fanfare.toml"))
	must(t, err)
	config := string(sample) + fmt.Sprintf(table, simulator.Mattermost.Origin, strings.TrimSpace(string(digest)))
	must(t, os.WriteFile(in("gateway.toml"), []byte(config), 0o600))
	serve := []string{binary, "serve", "--config", in("gateway.toml"), "--ready-file", in("ready.json")}
	if descriptors > 0 {
		// The shell gives its place to the gateway, so the signal that ends it reaches that.
		limit := fmt.Sprintf("ulimit -n %d && exec \"$@\"", descriptors)
		serve = append([]string{"sh", "-c", limit, "sh"}, serve...)
	}
	run(t, serve[0], in("ready.json"), serve[1:]...)
	var ready struct{ HTTP []string }
	readJSON(t, in("ready.json"), &ready)
	secret := strings.TrimSpace(string(key))
	user := url.URL{Scheme: "http", User: url.UserPassword("mattermost", secret), Host: ready.HTTP[0]}
	return &world{
		proxy:        "http://" + ready.HTTP[0],
		withPassword: user.String(),
		withPath:     "http://" + ready.HTTP[0] + "/k/" + secret,
		control:      simulator.Control,
	}
}

// run starts a program that ends with its test, and waits until it has written a file.
func run(t *testing.T, binary, writes string, arguments ...string) {
	command := exec.Command(binary, arguments...)
	command.Stderr = os.Stderr
	// Where the test binary is killed or times out, no cleanup runs. Source: prctl(2), PR_SET_PDEATHSIG.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, command.Start())
	ended := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(endsWithin):
			t.Errorf("%s %s did not end within %v", binary, arguments[0], endsWithin)
			_ = command.Process.Kill()
		}
	})
	for deadline := time.Now().Add(startsWithin); ; time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(writes); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s %s has ended", binary, arguments[0])
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not written within %v", writes, startsWithin)
		}
	}
}

// post sends JSON as a Mattermost server does: without a content type.
func post(t *testing.T, to string, value any) (int, []byte) {
	body, err := json.Marshal(value)
	must(t, err)
	request, err := http.NewRequest(http.MethodPost, to, bytes.NewReader(body))
	must(t, err)
	client := http.Client{Timeout: callTakes}
	answer, err := client.Do(request)
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer.StatusCode, read
}

// arrived are the requests of push services that name this device.
func (w *world) arrived(t *testing.T, device string) []map[string]any {
	answer, err := http.Get(w.control + "/v1/journal?stage=settled&wait=1&token=" + url.QueryEscape(device))
	must(t, err)
	defer func() { _ = answer.Body.Close() }()
	var page struct{ Entries []map[string]any }
	must(t, json.NewDecoder(answer.Body).Decode(&page))
	return page.Entries
}

func readJSON(t *testing.T, file string, into any) {
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, json.Unmarshal(text, into))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
