package balancers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	startsWithin = 20 * time.Second
	endsWithin   = 30 * time.Second
)

// process is one that was started here, and that ends with its test.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
}

func start(t *testing.T, binary string, arguments ...string) *process {
	command := exec.Command(binary, arguments...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	// Where the test binary is killed or times out, no cleanup runs. Source: prctl(2), PR_SET_PDEATHSIG.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(t, command.Start())
	started := &process{command, make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(started.ended)
	}()
	t.Cleanup(func() { started.end(t, syscall.SIGKILL) })
	return started
}

// end sends a signal, and waits until the process has ended.
func (p *process) end(t *testing.T, signal os.Signal) {
	_ = p.command.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(endsWithin):
		t.Errorf("%s did not end within %v", p.command.Path, endsWithin)
		_ = p.command.Process.Kill()
	}
}

// until waits for a condition while the process runs.
func (p *process) until(t *testing.T, what string, condition func() bool) {
	for deadline := time.Now().Add(startsWithin); !condition(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("%s has ended before %s", p.command.Path, what)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come to be within %v", what, startsWithin)
		}
	}
}

// Ports that are handed out stay below those that the kernel gives to connections, which could otherwise take the port of a
// gateway while it is away. Source: Linux, ip_local_port_range, 32768 to 60999 by default.
const (
	firstPort = 10_000
	lastPort  = 32_000
)

var nextPort atomic.Int64

func init() { nextPort.Store(firstPort + rand.Int64N(lastPort-firstPort)) }

// freeAddress is one of loopback that nobody listens on. No two are the same.
func freeAddress(t *testing.T) string {
	for range lastPort - firstPort {
		port := firstPort + nextPort.Add(1)%(lastPort-firstPort)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			must(t, listener.Close())
			return listener.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

func listens(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}

// fromRun is what tests/cross/run tells.
func fromRun(t *testing.T, name string) string {
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run tests/cross/run", name)
	}
	return value
}
