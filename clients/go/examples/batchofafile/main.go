// Sends a file with a push in ProtoJSON on each line, and writes what became of each: go run ./batchofafile GATEWAY FILE
package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"
	"log"
	"os"

	"google.golang.org/protobuf/encoding/protojson"

	fanfare "fanfare.dev/clients/go"
	"fanfare.dev/clients/go/pushv1"
)

func main() {
	client, err := fanfare.NewClient(os.Args[1], fanfare.Options{Plaintext: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	file, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	for result, err := range client.SendBatch(context.Background(), pushes(bufio.NewScanner(file))) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Push.GetId(), result.Ended, result.Verdict.GetOutcome())
	}
}

func pushes(lines *bufio.Scanner) iter.Seq[*pushv1.Push] {
	return func(yield func(*pushv1.Push) bool) {
		for lines.Scan() {
			push := &pushv1.Push{}
			if err := protojson.Unmarshal(lines.Bytes(), push); err != nil {
				log.Fatal(err)
			}
			if !yield(push) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			log.Fatal(err)
		}
	}
}
