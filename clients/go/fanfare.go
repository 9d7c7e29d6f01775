// Package fanfare has what a channel to a Fanfare gateway is opened with. The stubs are in pushv1.
package fanfare

import (
	_ "embed"

	// Health checking works in grpc-go only where this package is linked in.
	// Source: github.com/grpc/grpc-go, examples/features/health/README.md.
	_ "google.golang.org/grpc/health"
)

// ServiceConfig is the service config for grpc.WithDefaultServiceConfig, beside grpc.WithDisableServiceConfig, without
// which DNS may have another in its place: round robin over all addresses, health checking, and a retry policy that repeats
// ABORTED alone, by which the gateway says that nothing was sent.
//
// Do not add another status to the policy: libraries and proxies make the others by themselves, also when only the
// answer was lost, and a push would be sent twice.
//
//go:embed service_config.json
var ServiceConfig string
