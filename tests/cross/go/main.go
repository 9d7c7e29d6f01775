// A stand-in for APNs on Go's net/http: HTTP/2 over TLS as Go's standard library speaks it. It judges nothing; it
// records what arrived, and goes away when it is told to.
//
// Commands come on standard input, a line each, and are answered on standard output by a line of JSON:
//
//	shutdown   http.Server.Shutdown (GOAWAY, and the answers still owed), after another server has taken the port
//	report     what arrived
//
// It ends when standard input does.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"sync"
	"time"
)

// Request is one that arrived in full.
type Request struct {
	Token  string `json:"token"`
	ID     string `json:"id"`
	Digest string `json:"digest"`
	Proto  string `json:"proto"`
}

// Report says what arrived, over all servers.
type Report struct {
	Requests []Request `json:"requests"`
	// Requests whose body could not be read to its end.
	Broken int `json:"broken"`
	// The most requests in flight on one connection.
	Peak        int `json:"peak"`
	Connections int `json:"connections"`
	// How many requests were in flight on the servers that shut down, at that moment.
	InFlight []int `json:"inFlight"`
}

type connection struct{ inFlight int }

type connectionKey struct{}

type standIn struct {
	answerTakes time.Duration
	certificate string
	key         string

	lock     sync.Mutex
	report   Report
	inFlight int
}

func (s *standIn) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	on := request.Context().Value(connectionKey{}).(*connection)
	s.count(on, 1)
	// This runs before the end of the answer is written, so nobody can have opened a stream in its place.
	defer s.count(on, -1)
	body, err := io.ReadAll(request.Body)
	if err != nil {
		s.lock.Lock()
		s.report.Broken++
		s.lock.Unlock()
		return
	}
	digest := sha256.Sum256(body)
	id := request.Header.Get("apns-id")
	s.lock.Lock()
	s.report.Requests = append(s.report.Requests, Request{
		Token: path.Base(request.URL.Path), ID: id, Digest: hex.EncodeToString(digest[:]), Proto: request.Proto,
	})
	s.lock.Unlock()
	time.Sleep(s.answerTakes)
	answer.Header().Set("apns-id", id)
	answer.WriteHeader(http.StatusOK)
}

func (s *standIn) count(on *connection, by int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.inFlight += by
	on.inFlight += by
	if on.inFlight > s.report.Peak {
		s.report.Peak = on.inFlight
	}
}

// serve answers on a listener until its server is shut down.
func (s *standIn) serve(listener net.Listener) *http.Server {
	server := &http.Server{
		Handler: s,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			s.lock.Lock()
			defer s.lock.Unlock()
			s.report.Connections++
			return context.WithValue(ctx, connectionKey{}, &connection{})
		},
	}
	go func() {
		if err := server.ServeTLS(listener, s.certificate, s.key); err != http.ErrServerClosed {
			log.Fatal(err)
		}
	}()
	return server
}

// noteInFlight waits until something is in flight, and notes how much.
func (s *standIn) noteInFlight() error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s.lock.Lock()
		inFlight := s.inFlight
		if inFlight > 0 {
			s.report.InFlight = append(s.report.InFlight, inFlight)
		}
		s.lock.Unlock()
		if inFlight > 0 {
			return nil
		}
	}
	return errors.New("nothing was in flight for 10 s")
}

// replace has another server take the port, and shuts the present one down.
func (s *standIn) replace(old *http.Server, listener net.Listener) (*http.Server, net.Listener, error) {
	if err := s.noteInFlight(); err != nil {
		return nil, nil, err
	}
	address := listener.Addr().String()
	// It closes its listener first, then waits for what is in flight.
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := old.Shutdown(ctx); err != nil {
			log.Fatal(err)
		}
	}()
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if listener, err = net.Listen("tcp", address); err == nil {
			return s.serve(listener), listener, nil
		}
	}
	return nil, nil, err
}

func main() {
	stand := &standIn{report: Report{Requests: []Request{}, InFlight: []int{}}}
	flag.StringVar(&stand.certificate, "certificate", "", "the file of the certificate, in PEM")
	flag.StringVar(&stand.key, "key", "", "the file of its key")
	flag.DurationVar(&stand.answerTakes, "answer-takes", 0, "from a request to its answer")
	flag.Parse()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := stand.serve(listener)
	say := json.NewEncoder(os.Stdout)
	_ = say.Encode(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port})

	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		switch command := commands.Text(); command {
		case "shutdown":
			if server, listener, err = stand.replace(server, listener); err != nil {
				log.Fatal(err)
			}
			_ = say.Encode(struct{}{})
		case "report":
			stand.lock.Lock()
			_ = say.Encode(stand.report)
			stand.lock.Unlock()
		default:
			log.Fatalf("no such command: %s", command)
		}
	}
}
