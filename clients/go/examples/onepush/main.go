// Sends one push: go run ./onepush GATEWAY
//
// It uses TLS if FANFARE_CA names the authorities of the gateway, and shows the token that is in FANFARE_TOKEN_FILE.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

func main() {
	authorities := os.Getenv("FANFARE_CA")
	client, err := fanfare.NewClient(os.Args[1], fanfare.Options{
		Plaintext: authorities == "",
		CAFile:    authorities,
		TokenFile: os.Getenv("FANFARE_TOKEN_FILE"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	result, err := client.Send(context.Background(), &pushv1.Push{
		App:     "demo",
		Target:  &pushv1.Target{Target: &pushv1.Target_Apns{Apns: &pushv1.ApnsDevice{Token: "900d0001"}}},
		Content: &pushv1.Content{Notification: &pushv1.Notification{Title: "Hello", Body: "World"}},
	})
	if err != nil {
		log.Fatalf("%s: %v", result.Ended, err)
	}
	fmt.Println(result.Push.GetId(), result.Verdict.GetOutcome())
}
