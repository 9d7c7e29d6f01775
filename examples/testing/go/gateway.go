package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const (
	startTime = 20 * time.Second
	endTime   = 20 * time.Second
)

// Gateway is a running `fanfare serve` that sends to a simulator; its app is called `demo`. Both are addresses.
type Gateway struct {
	Grpc  string `json:"grpc"`
	Admin string `json:"admin"`
}

// Gateway starts a gateway that ends with the test. It remembers who failed, so each test has its own.
func (s *Simulator) Gateway(t testing.TB) Gateway {
	t.Helper()
	var gateway Gateway
	ready := filepath.Join(t.TempDir(), "gateway.json")
	words := []string{"serve", "--config", s.Path("fanfare.toml"), "--ready-file", ready}
	process, err := start(words, ready, &gateway, "FANFARE__GRPC__LISTEN=127.0.0.1:0", "FANFARE__ADMIN__LISTEN=127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := process.stop(); err != nil {
			t.Error(err)
		}
	})
	return gateway
}

// process is a command of fanfare that has started.
type process struct {
	command *exec.Cmd
	ended   chan error
}

// start runs `fanfare words`. It has started when it has written its facts, which it does in one step.
func start(words []string, file string, facts any, variables ...string) (*process, error) {
	binary := os.Getenv("FANFARE_BIN")
	if binary == "" {
		binary = "fanfare"
	}
	log, err := os.Create(file + ".log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(binary, words...)
	command.Stdout, command.Stderr, command.Env = log, log, append(os.Environ(), variables...)
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, ended: make(chan error, 1)}
	go func() { p.ended <- command.Wait() }()
	for deadline := time.Now().Add(startTime); ; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil {
			return p, json.Unmarshal(text, facts)
		}
		if len(p.ended) > 0 || time.Now().After(deadline) {
			said, _ := os.ReadFile(log.Name())
			return nil, errors.Join(fmt.Errorf("fanfare %s did not start: %s", words[0], said), p.stop())
		}
	}
}

// stop ends the process, which lets what is under way be answered.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		return err
	case <-time.After(endTime):
		return errors.Join(fmt.Errorf("fanfare did not end within %s", endTime), p.command.Process.Kill())
	}
}
