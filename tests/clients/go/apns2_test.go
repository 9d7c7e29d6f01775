package clients

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sideshow/apns2"
	"github.com/sideshow/apns2/payload"
	"github.com/sideshow/apns2/token"
)

const atOnce = 2000

// apns is a client whose host is the simulator's; what it trusts comes from SSL_CERT_FILE.
func apns(t *testing.T) *apns2.Client {
	t.Helper()
	key, err := token.AuthKeyFromFile(sim.Path("AuthKey.p8"))
	if err != nil {
		t.Fatal(err)
	}
	client := apns2.NewTokenClient(&token.Token{AuthKey: key, KeyID: sim.KeyID, TeamID: sim.TeamID})
	client.Host = sim.Production
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func push(device string) *apns2.Notification {
	return &apns2.Notification{
		DeviceToken: device,
		Topic:       sim.Topics[0],
		Payload:     payload.NewPayload().Alert("Hello"),
	}
}

func send(t *testing.T, client *apns2.Client, notification *apns2.Notification) *apns2.Response {
	t.Helper()
	response, err := client.Push(notification)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestApns2ReportsEachOutcome(t *testing.T) {
	sim.Reset(t)
	client := apns(t)
	for _, expected := range []struct {
		device string
		status int
		reason string
	}{
		{"0a01", 200, ""},
		{"dead01", 410, apns2.ReasonUnregistered},
		{"d1ff01", 400, apns2.ReasonDeviceTokenNotForTopic},
		{"0bad01", 400, apns2.ReasonBadDeviceToken},
		{"f10d01", 429, apns2.ReasonTooManyRequests},
		{"050301", 503, apns2.ReasonServiceUnavailable},
	} {
		response := send(t, client, push(expected.device))
		if response.StatusCode != expected.status || response.Reason != expected.reason {
			t.Errorf("%s: %d %s, not %d %s", expected.device, response.StatusCode, response.Reason,
				expected.status, expected.reason)
		}
		if response.Sent() != (expected.status == 200) {
			t.Errorf("%s: Sent() is %v", expected.device, response.Sent())
		}
		if response.ApnsID == "" {
			t.Errorf("%s: no apns-id", expected.device)
		}
		// The simulator's dead tokens are so since a day.
		if at := response.Timestamp.Time; expected.status == 410 && (at.IsZero() || !at.Before(time.Now())) {
			t.Errorf("%s: dead since %v", expected.device, at)
		}
	}
}

func TestApns2IsToldOfATooLargePayload(t *testing.T) {
	sim.Reset(t)
	client := apns(t)
	large := push("0a01")
	large.Payload = payload.NewPayload().Alert(strings.Repeat("x", 4096))
	if response := send(t, client, large); response.StatusCode != 413 || response.Reason != apns2.ReasonPayloadTooLarge {
		t.Errorf("%+v", response)
	}
}

func TestApns2IsToldOfAnExpiredProviderToken(t *testing.T) {
	sim.Reset(t)
	client := apns(t)
	if response := send(t, client, push("0a01")); !response.Sent() {
		t.Fatalf("%+v", response)
	}
	sim.ExpireTokens(t)
	response := send(t, client, push("0a02"))
	if response.StatusCode != 403 || response.Reason != apns2.ReasonExpiredProviderToken {
		t.Errorf("%+v", response)
	}
	// With the clock an hour ahead, a new token is as old.
	sim.Reset(t)
	sim.Forward(t, 61*time.Minute)
	if response := send(t, apns(t), push("0a03")); response.Reason != apns2.ReasonExpiredProviderToken {
		t.Errorf("%+v", response)
	}
}

func TestApns2SendsTwoThousandAtOnce(t *testing.T) {
	sim.Reset(t)
	client := apns(t)
	var all sync.WaitGroup
	for i := range atOnce {
		all.Go(func() {
			response, err := client.Push(push(device(i)))
			if err != nil || !response.Sent() {
				t.Errorf("push %d: %+v, %v", i, response, err)
			}
		})
	}
	all.Wait()
	delivered(t, "apns_production", atOnce)
}
