package balancers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// heldPrefix begins the device tokens whose pushes are answered only after release.
	heldPrefix = "4e1d"
	// slowPrefix begins those whose pushes are answered only after answerLate.
	slowPrefix = "510e"
	// answerLate is longer than a gateway that drains waits for calls that were already on their way (2 s).
	answerLate = 4 * time.Second
	// answerTakes keeps some pushes in flight at each moment, so that a fault meets them.
	answerTakes = 5 * time.Millisecond
)

// apns is a stand-in for APNs. It judges nothing: it counts how often a whole push arrived for each device token.
type apns struct {
	address string
	dir     string        // of its CA, and of the key by which gateways sign their provider tokens
	takes   time.Duration // until a push is answered
	held    chan struct{}
	arrival chan string // the token of each push that is held or answered late

	lock    sync.Mutex
	arrived map[string]int
}

func startAPNs(t *testing.T) *apns {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	stand := &apns{
		address: strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1),
		dir:     t.TempDir(),
		takes:   answerTakes,
		held:    make(chan struct{}),
		arrival: make(chan string, 100),
		arrived: map[string]int{},
	}
	server := &http.Server{Handler: stand, TLSConfig: &tls.Config{Certificates: []tls.Certificate{stand.identity(t)}}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() {
		stand.release()
		_ = server.Close()
	})
	return stand
}

func (a *apns) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	if _, err := io.Copy(io.Discard, request.Body); err != nil {
		return // A push that did not arrive whole was not delivered.
	}
	token := path.Base(request.URL.Path)
	a.lock.Lock()
	a.arrived[token]++
	a.lock.Unlock()
	takes := a.takes
	switch {
	case strings.HasPrefix(token, heldPrefix):
		a.arrival <- token
		<-a.held
	case strings.HasPrefix(token, slowPrefix):
		a.arrival <- token
		takes = answerLate
	}
	time.Sleep(takes)
	answer.Header().Set("apns-id", request.Header.Get("apns-id"))
}

// release has the pushes that are held answered, and holds none any more.
func (a *apns) release() {
	a.lock.Lock()
	defer a.lock.Unlock()
	select {
	case <-a.held:
	default:
		close(a.held)
	}
}

// journal says how often a push arrived for each device token.
func (a *apns) journal() map[string]int {
	a.lock.Lock()
	defer a.lock.Unlock()
	journal := make(map[string]int, len(a.arrived))
	for token, times := range a.arrived {
		journal[token] = times
	}
	return journal
}

// identity writes the CA and the provider key, and returns the certificate of localhost.
func (a *apns) identity(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	localhost := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: from, NotAfter: until,
		DNSNames: []string{"localhost"},
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	must(t, err)
	leaf, err := x509.CreateCertificate(rand.Reader, localhost, authority, &key.PublicKey, key)
	must(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	a.write(t, "ca.pem", &pem.Block{Type: "CERTIFICATE", Bytes: ca})
	a.write(t, "AuthKey.p8", &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}
}

func (a *apns) write(t *testing.T, name string, block *pem.Block) {
	must(t, os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(block), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
