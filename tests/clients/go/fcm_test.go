package clients

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"fanfare.dev/testing/simulator"
	firebase "firebase.google.com/go/v4"
	"firebase.google.com/go/v4/errorutils"
	"firebase.google.com/go/v4/messaging"
	"google.golang.org/api/option"
)

// What SendEach takes at once.
const chunk = 500

// fcm is Google's client at the simulator's address: an option of that client is the only difference.
func fcm(t *testing.T, credentials ...option.ClientOption) *messaging.Client {
	t.Helper()
	options := append(credentials, option.WithEndpoint(sim.Fcm.Origin+"/v1"))
	app, err := firebase.NewApp(context.Background(), &firebase.Config{ProjectID: sim.Fcm.Projects[0]}, options...)
	if err != nil {
		t.Fatal(err)
	}
	client, err := app.Messaging(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The service account's token_uri is the simulator's, so its access tokens are as well.
func serviceAccount() option.ClientOption {
	return option.WithCredentialsFile(sim.Path("service-account.json"))
}

func message(token string) *messaging.Message {
	return &messaging.Message{Token: token, Notification: &messaging.Notification{Title: "Hello"}}
}

func TestFirebaseReportsEachOutcome(t *testing.T) {
	sim.Reset(t)
	client := fcm(t, serviceAccount())
	name, err := client.Send(context.Background(), message("ok:1"))
	if prefix := "projects/" + sim.Fcm.Projects[0] + "/messages/"; err != nil || !strings.HasPrefix(name, prefix) {
		t.Fatalf("%q, %v", name, err)
	}
	for token, expected := range map[string]struct {
		is     func(error) bool
		status int
	}{
		"unregistered:1": {messaging.IsUnregistered, http.StatusNotFound},
		"mismatch:1":     {messaging.IsSenderIDMismatch, http.StatusForbidden},
		"quota:1":        {messaging.IsQuotaExceeded, http.StatusTooManyRequests},
		"invalid:1":      {messaging.IsInvalidArgument, http.StatusBadRequest},
		"apns-auth:1":    {messaging.IsThirdPartyAuthError, http.StatusUnauthorized},
		"internal:1":     {messaging.IsInternal, http.StatusInternalServerError},
	} {
		_, err := client.Send(context.Background(), message(token))
		if err == nil || !expected.is(err) || errorutils.HTTPResponse(err).StatusCode != expected.status {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestFirebaseSeesHowLongAQuotaLasts(t *testing.T) {
	sim.Reset(t)
	_, err := fcm(t, serviceAccount()).Send(context.Background(), message("quota-device:1"))
	if !messaging.IsQuotaExceeded(err) || errorutils.HTTPResponse(err).Header.Get("Retry-After") == "" {
		t.Errorf("%v", err)
	}
}

func TestFirebaseIsToldOfATooLargeMessage(t *testing.T) {
	sim.Reset(t)
	large := message("ok:1")
	large.Notification.Body = strings.Repeat("x", 4097)
	if _, err := fcm(t, serviceAccount()).Send(context.Background(), large); !messaging.IsInvalidArgument(err) {
		t.Errorf("%v", err)
	}
}

func TestFirebaseIsToldOfAnExpiredAccessToken(t *testing.T) {
	sim.Reset(t)
	client := fcm(t, serviceAccount())
	if _, err := client.Send(context.Background(), message("ok:1")); err != nil {
		t.Fatal(err)
	}
	sim.ExpireTokens(t)
	if _, err := client.Send(context.Background(), message("ok:2")); !errorutils.IsUnauthenticated(err) {
		t.Errorf("%v", err)
	}
	// A client that asks for a new access token is accepted.
	if _, err := fcm(t, serviceAccount()).Send(context.Background(), message("ok:3")); err != nil {
		t.Error(err)
	}
}

// Without a key file, Google's library finds the metadata server that GCE_METADATA_HOST names.
func TestFirebaseFindsTheMetadataServer(t *testing.T) {
	sim.Reset(t)
	// A file of the machine's owner would come first.
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	if _, err := fcm(t).Send(context.Background(), message("ok:1")); err != nil {
		t.Fatal(err)
	}
	if len(sim.Journal(t, simulator.Filter{Service: "google_metadata"})) == 0 {
		t.Error("the metadata server was not asked")
	}
}

func TestFirebaseSendsTwoThousandAtOnce(t *testing.T) {
	sim.Reset(t)
	client := fcm(t, serviceAccount())
	done := make(chan error, atOnce/chunk)
	for from := 0; from < atOnce; from += chunk {
		var messages []*messaging.Message
		for i := from; i < from+chunk; i++ {
			messages = append(messages, message(fmt.Sprintf("ok:%d", i)))
		}
		go func() {
			batch, err := client.SendEach(context.Background(), messages)
			if err == nil && batch.SuccessCount != chunk {
				for _, response := range batch.Responses {
					if response.Error != nil {
						err = fmt.Errorf("%d of %d, one of them: %w", batch.SuccessCount, chunk, response.Error)
						break
					}
				}
			}
			done <- err
		}()
	}
	for range atOnce / chunk {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Fatal("2,000 messages take longer than a minute")
		}
	}
	delivered(t, "fcm", atOnce)
}
