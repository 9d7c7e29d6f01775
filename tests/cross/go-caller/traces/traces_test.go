// Package traces has callers in Go, Node and Python hand their traces on, and looks at what a collector is sent of them.
package traces

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"fanfare.dev/clients/go/pushv1"
)

const (
	startTakes = 20 * time.Second
	callTakes  = 20 * time.Second
	method     = "fanfare.push.v1.PushService/SendPush"
	token      = "600d600d600d600d600d600d600d600d600d600d600d600d600d600d600d600d"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func env(t *testing.T, variable string) string {
	t.Helper()
	value := os.Getenv(variable)
	if value == "" {
		t.Fatalf("%s is not set: run tests/cross/run", variable)
	}
	return value
}

// collector stands in for a collector of OpenTelemetry, and keeps every span.
type collector struct {
	collectorv1.UnimplementedTraceServiceServer
	address string
	lock    sync.Mutex
	spans   []*tracev1.Span
}

func startCollector(t *testing.T) *collector {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	stand, server := &collector{address: listener.Addr().String()}, grpc.NewServer()
	collectorv1.RegisterTraceServiceServer(server, stand)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return stand
}

func (c *collector) Export(_ context.Context, request *collectorv1.ExportTraceServiceRequest) (
	*collectorv1.ExportTraceServiceResponse, error,
) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &collectorv1.ExportTraceServiceResponse{}, nil
}

// child waits until a span has a child of this name, and returns the child.
func (c *collector) child(t *testing.T, trace, parent, name string) *tracev1.Span {
	t.Helper()
	for end := time.Now().Add(callTakes); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c.lock.Lock()
		spans := c.spans
		c.lock.Unlock()
		for _, span := range spans {
			if hex.EncodeToString(span.TraceId) == trace && hex.EncodeToString(span.ParentSpanId) == parent && span.Name == name {
				return span
			}
		}
	}
	t.Fatalf("no %s came as a child of %s in %s", name, parent, trace)
	return nil
}

// expect looks for call, push and attempt below a caller's span.
func (c *collector) expect(t *testing.T, trace, caller string) {
	t.Helper()
	call := c.child(t, trace, caller, method)
	push := c.child(t, trace, hex.EncodeToString(call.SpanId), "push")
	attempt := c.child(t, trace, hex.EncodeToString(push.SpanId), "attempt")
	for span, kind := range map[*tracev1.Span]tracev1.Span_SpanKind{
		call: tracev1.Span_SPAN_KIND_SERVER, push: tracev1.Span_SPAN_KIND_INTERNAL, attempt: tracev1.Span_SPAN_KIND_CLIENT,
	} {
		if span.Kind != kind || span.Status.GetCode() == tracev1.Status_STATUS_CODE_ERROR {
			t.Errorf("expected %v and no error, found %v", kind, span)
		}
	}
}

// serve runs a gateway that traces nothing but what its callers trace, and returns its address.
func serve(t *testing.T, collector string) string {
	folder := env(t, "FANFARE_SIMULATOR")
	config, err := os.ReadFile(filepath.Join(folder, "gateway.toml"))
	must(t, err)
	traces := fmt.Sprintf("[traces]\nendpoint = \"http://%s\"\nsample_ratio = 0.0\nbatch_delay = \"10ms\"\n", collector)
	file, ready := filepath.Join(folder, "traces.toml"), filepath.Join(t.TempDir(), "ready.json")
	must(t, os.WriteFile(file, append(config, traces...), 0o600))
	gateway := exec.Command(env(t, "FANFARE_BIN"), "serve", "--config", file, "--ready-file", ready)
	gateway.Stderr = os.Stderr
	must(t, gateway.Start())
	t.Cleanup(func() {
		_ = gateway.Process.Signal(syscall.SIGTERM)
		_ = gateway.Wait()
	})
	for end := time.Now().Add(startTakes); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var addresses struct{ Grpc string }
		if text, err := os.ReadFile(ready); err == nil && json.Unmarshal(text, &addresses) == nil {
			return addresses.Grpc
		}
	}
	t.Fatal("the gateway did not start")
	return ""
}

// send has the SDK of Go begin a span and hand it on. It returns the trace and the span that the gateway is told.
func send(t *testing.T, address string) (string, string) {
	provider := sdktrace.NewTracerProvider()
	recorder := &lastClientSpan{}
	provider.RegisterSpanProcessor(recorder)
	handler := otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(provider), otelgrpc.WithPropagators(propagation.TraceContext{}))
	channel, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(handler))
	must(t, err)
	defer func() { _ = channel.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), callTakes)
	defer cancel()
	push := &pushv1.Push{
		App:     "demo",
		Target:  &pushv1.Target{Target: &pushv1.Target_Apns{Apns: &pushv1.ApnsDevice{Token: token}}},
		Content: &pushv1.Content{Notification: &pushv1.Notification{Title: "Hello"}},
	}
	response, err := pushv1.NewPushServiceClient(channel).SendPush(ctx, &pushv1.SendPushRequest{Push: push})
	must(t, err)
	if outcome := response.GetResult().GetOutcome(); outcome != pushv1.Outcome_OUTCOME_ACCEPTED {
		t.Fatalf("expected an accepted push, found %v", response)
	}
	span := recorder.span.SpanContext()
	return span.TraceID().String(), span.SpanID().String()
}

// lastClientSpan keeps the span that ended last.
type lastClientSpan struct{ span sdktrace.ReadOnlySpan }

func (*lastClientSpan) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (l *lastClientSpan) OnEnd(span sdktrace.ReadOnlySpan)              { l.span = span }
func (*lastClientSpan) Shutdown(context.Context) error                  { return nil }
func (*lastClientSpan) ForceFlush(context.Context) error                { return nil }

func TestCallersHandTheirTracesOn(t *testing.T) {
	collector := startCollector(t)
	address := serve(t, collector.address)
	t.Run("go", func(t *testing.T) {
		trace, span := send(t, address)
		collector.expect(t, trace, span)
	})
	cross := filepath.Join("..", "..")
	venv := os.Getenv("FANFARE_VENV")
	if venv == "" {
		venv = filepath.Join(cross, "..", "..", "target", "cross", "venv")
	}
	for name, command := range map[string][]string{
		"python": {filepath.Join(venv, "bin", "python"), filepath.Join(cross, "python", "trace_caller.py")},
		"node":   {"node", filepath.Join(cross, "node", "trace-caller.mjs")},
	} {
		t.Run(name, func(t *testing.T) {
			caller := exec.Command(command[0], append(command[1:], address, token)...)
			caller.Stderr = os.Stderr
			said, err := caller.Output()
			must(t, err)
			// A caller says which trace and which span it handed on.
			trace, span, found := strings.Cut(strings.TrimSpace(string(said)), " ")
			if !found {
				t.Fatalf("expected a trace and a span, found %q", said)
			}
			collector.expect(t, trace, span)
		})
	}
}
