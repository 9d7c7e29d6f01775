// Package simulator starts `fanfare simulate` for tests in Go and talks to its control API, and a gateway that sends to it.
//
// It needs nothing but the standard library, so this file can be copied into any module.
package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Longer than the longest wait for the journal, which is 60 s.
const callTime = 70 * time.Second

// Facts is the part of simulator.json that most tests need; docs/simulator.md lists the rest.
type Facts struct {
	Production string   `json:"production"`
	Sandbox    string   `json:"sandbox"`
	TeamID     string   `json:"team_id"`
	KeyID      string   `json:"key_id"`
	Topics     []string `json:"topics"`
	Control    string   `json:"control"`
	Fcm        struct {
		Origin   string   `json:"origin"`
		TokenURI string   `json:"token_uri"`
		Metadata string   `json:"metadata"`
		Projects []string `json:"projects"`
	} `json:"fcm"`
	WebPush struct {
		Origin    string `json:"origin"`
		PublicKey string `json:"public_key"`
	} `json:"web_push"`
	Mattermost struct {
		Origin    string `json:"origin"`
		TLSOrigin string `json:"tls_origin"`
	} `json:"mattermost"`
}

// Entry is what the journal says of one request.
type Entry struct {
	Number         uint64 `json:"number"`
	Connection     uint64 `json:"connection"`
	Service        string `json:"service"`
	Token          string `json:"token"`
	ApnsID         string `json:"apns_id"`
	Outcome        string `json:"outcome"`
	Status         int    `json:"status"`
	Reason         string `json:"reason"`
	MayBeDelivered bool   `json:"may_be_delivered"`
	// Read is nil until the request was read to its end.
	Read *struct {
		Body struct {
			Text string `json:"text"`
		} `json:"body"`
	} `json:"read"`
}

// Filter says which entries are meant. A field that is empty fits all of them.
type Filter struct{ Service, Token, ApnsID, Stage string }

// Simulator is a running `fanfare simulate`.
type Simulator struct {
	Facts
	// Dir has the clients' files: ca.pem, AuthKey.p8, service-account.json, vapid.pem, subscriptions/NAME.json.
	Dir string

	process *process
	client  http.Client
}

// New starts a simulator that ends with the test.
func New(t testing.TB, flags ...string) *Simulator {
	t.Helper()
	simulator, err := Start(flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := simulator.Stop(); err != nil {
			t.Error(err)
		}
	})
	return simulator
}

// Start is for TestMain, where one simulator serves all tests. FANFARE_BIN names the binary if it is not on the path.
func Start(flags ...string) (*Simulator, error) {
	dir, err := os.MkdirTemp("", "fanfare-")
	if err != nil {
		return nil, err
	}
	// Calls never go through a proxy that the environment names: the control API is on loopback.
	s := &Simulator{Dir: dir, client: http.Client{Timeout: callTime, Transport: &http.Transport{}}}
	words := append([]string{"simulate", "--quiet", "--dir", dir}, flags...)
	if s.process, err = start(words, s.Path("simulator.json"), &s.Facts); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// Stop ends the process, which lets the requests under way be answered, and removes the folder.
func (s *Simulator) Stop() error {
	return errors.Join(s.process.stop(), os.RemoveAll(s.Dir))
}

// Path returns the path of one of the clients' files, such as Path("ca.pem").
func (s *Simulator) Path(name string) string { return filepath.Join(s.Dir, name) }

// Call calls the control API; the paths and bodies are those of docs/simulator.md. The answer is written to out.
func (s *Simulator) Call(method, path string, body, out any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.Control+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", method, path, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

func (s *Simulator) must(t testing.TB, method, path string, body, out any) {
	t.Helper()
	if err := s.Call(method, path, body, out); err != nil {
		t.Fatal(err)
	}
}

type page struct {
	Entries []Entry `json:"entries"`
	Last    uint64  `json:"last"`
	More    bool    `json:"more"`
	Reached bool    `json:"reached"`
}

func (f Filter) query() url.Values {
	query := url.Values{}
	for name, value := range map[string]string{
		"service": f.Service, "token": f.Token, "apns_id": f.ApnsID, "stage": f.Stage,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// Journal reads all entries that fit, page by page.
func (s *Simulator) Journal(t testing.TB, filter Filter) []Entry {
	t.Helper()
	var entries []Entry
	query := filter.query()
	query.Set("limit", "1000")
	for more := true; more; {
		var next page
		s.must(t, "GET", "/v1/journal?"+query.Encode(), nil, &next)
		entries = append(entries, next.Entries...)
		more = next.More
		query.Set("after", strconv.FormatUint(next.Last, 10))
	}
	return entries
}

// Wait waits until so many entries fit, and returns all that do; the test fails when the time is over.
func (s *Simulator) Wait(t testing.TB, count int, timeout time.Duration, filter Filter) []Entry {
	t.Helper()
	query := filter.query()
	query.Set("wait", strconv.Itoa(count))
	query.Set("timeout", fmt.Sprintf("%dms", timeout.Milliseconds()))
	query.Set("limit", "1")
	var first page
	s.must(t, "GET", "/v1/journal?"+query.Encode(), nil, &first)
	if !first.Reached {
		t.Fatalf("the journal has fewer than %d entries with %+v after %s", count, filter, timeout)
	}
	return s.Journal(t, filter)
}

// ClearJournal forgets all entries.
func (s *Simulator) ClearJournal(t testing.TB) {
	t.Helper()
	s.must(t, "DELETE", "/v1/journal", nil, nil)
}

// Fault scripts a fault, such as `{"fault": {"refuse": "unavailable"}, "times": 20}`.
func (s *Simulator) Fault(t testing.TB, rule string) {
	t.Helper()
	s.must(t, "POST", "/v1/faults", json.RawMessage(rule), nil)
}

// ClearFaults removes all faults.
func (s *Simulator) ClearFaults(t testing.TB) {
	t.Helper()
	s.must(t, "DELETE", "/v1/faults", nil, nil)
}

// Fate sets what becomes of the pushes to a token, such as Fate(t, "apns", "0a01", `{"like": "dead"}`).
func (s *Simulator) Fate(t testing.TB, service, token, fate string) {
	t.Helper()
	s.must(t, "PUT", "/v1/fates/"+service+"/"+url.PathEscape(token), json.RawMessage(fate), nil)
}

// Forward moves the clock that judges tokens.
func (s *Simulator) Forward(t testing.TB, by time.Duration) {
	t.Helper()
	s.must(t, "POST", "/v1/clock", map[string]string{"forward": fmt.Sprintf("%dms", by.Milliseconds())}, nil)
}

// ExpireTokens ends the provider tokens and access tokens that were seen so far; new ones are good.
func (s *Simulator) ExpireTokens(t testing.TB) {
	t.Helper()
	s.must(t, "POST", "/v1/tokens/expire", nil, nil)
}

// Reset brings everything back to how it was at the start.
func (s *Simulator) Reset(t testing.TB) { t.Helper(); s.must(t, "POST", "/v1/reset", nil, nil) }
