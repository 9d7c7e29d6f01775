// Sends one push: go run ./onepush GATEWAY
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
	client, err := fanfare.NewClient(os.Args[1], fanfare.Options{Plaintext: true})
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
