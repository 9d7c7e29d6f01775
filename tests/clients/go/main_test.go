// Senders in Go, each unmodified, against the simulator: sideshow/apns2 and Google's firebase.google.com/go.
package clients

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"testing"

	"fanfare.dev/testing/simulator"
)

// sim serves all tests. Go reads the roots of a process once, so one CA must do for the whole run.
var sim *simulator.Simulator

func TestMain(m *testing.M) {
	// No test may ask for a host outside of this machine, not even by a look-up that a client does on its own.
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("a test asked a name server")
	}}
	var err error
	if sim, err = simulator.Start(); err != nil {
		log.Fatal(err)
	}
	for name, value := range map[string]string{
		// How a program in Go is told what to trust. The folder of the system's roots would be added to it.
		"SSL_CERT_FILE": sim.Path("ca.pem"),
		"SSL_CERT_DIR":  sim.Dir,
		// The metadata server, without its scheme: that is how Google's libraries take it.
		"GCE_METADATA_HOST": sim.Fcm.Metadata[len("http://"):],
	} {
		if err := os.Setenv(name, value); err != nil {
			log.Fatal(err)
		}
	}
	code := m.Run()
	if err := sim.Stop(); err != nil {
		log.Print(err)
		code = 1
	}
	os.Exit(code)
}
