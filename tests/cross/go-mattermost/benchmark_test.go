package mattermost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

const (
	// As many workers as a server of six cores has: eight for each core.
	workers = 50
	pushes  = 10_000
)

// The gateway began as an answer to a push proxy that ran out of descriptors: 50 at once, 4,096 open files, each answer counted. It
// was asked by a client that is made anew for each push, and is asked here by one that is shared as well.
func TestFiftyAtOnceWithFewDescriptors(t *testing.T) {
	world := startWith(t, 4096)
	shared := &http.Client{Timeout: callTakes, Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	for _, kind := range []struct {
		name   string
		client func() (*http.Client, func())
	}{
		{"a client for each push", func() (*http.Client, func()) {
			transport := &http.Transport{}
			return &http.Client{Timeout: callTakes, Transport: transport}, transport.CloseIdleConnections
		}},
		{"one client", func() (*http.Client, func()) { return shared, func() {} }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			var next atomic.Int64
			var answers sync.Map
			var group sync.WaitGroup
			began := time.Now()
			for range workers {
				group.Go(func() {
					for {
						number := next.Add(1)
						if number > pushes {
							return
						}
						client, done := kind.client()
						answer := ask(client, world.proxy+sendPush, int(number))
						done()
						count, _ := answers.LoadOrStore(answer, new(atomic.Int64))
						count.(*atomic.Int64).Add(1)
					}
				})
			}
			group.Wait()
			took := time.Since(began)
			total := int64(0)
			answers.Range(func(answer, count any) bool {
				total += count.(*atomic.Int64).Load()
				if answer != model.PushStatusOk {
					t.Errorf("%d answers are %v", count.(*atomic.Int64).Load(), answer)
				}
				return true
			})
			if total != pushes {
				t.Errorf("%d answers to %d pushes", total, pushes)
			}
			t.Logf("%d answers, %.0f pushes/s", total, pushes/took.Seconds())
		})
	}
}

// ask sends a message to a device of its own, and says what became of it.
func ask(client *http.Client, to string, number int) string {
	made := notification(device("apple_rn-v2", number))
	made.Type, made.Message, made.ChannelName, made.Badge = model.PushTypeMessage, "@ann: hi", "Town Square", 1
	body, err := json.Marshal(made)
	if err != nil {
		return err.Error()
	}
	answer, err := client.Post(to, "", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	var response model.PushResponse
	if err := json.Unmarshal(read, &response); err != nil || answer.StatusCode != 200 {
		return fmt.Sprintf("%d %s", answer.StatusCode, read)
	}
	return response[model.PushStatus] + response[model.PushStatusErrorMsg]
}
