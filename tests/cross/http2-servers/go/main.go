// Servers that echo, on Go's net/http or on golang.org/x/net/http2 with settings of its own. They print their port, and
// answer 409 to a path that comes a second time. Without TLS, net/http speaks HTTP/1.1 and HTTP/2.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"

	"golang.org/x/net/http2"
)

var seen sync.Map

func echo(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	if _, twice := seen.LoadOrStore(request.URL.Path, true); twice {
		answer.WriteHeader(http.StatusConflict)
	}
	_, _ = answer.Write(body)
}

func main() {
	certificate := flag.String("certificate", "", "the file of the certificate, in PEM; none for no TLS")
	key := flag.String("key", "", "the file of its key")
	xnet := flag.Bool("xnet", false, "use golang.org/x/net/http2, which the settings below need")
	streams := flag.Uint("streams", 0, "SETTINGS_MAX_CONCURRENT_STREAMS")
	frame := flag.Uint("frame", 0, "SETTINGS_MAX_FRAME_SIZE")
	table := flag.Uint("table", 0, "SETTINGS_HEADER_TABLE_SIZE; 0 is the default of 4,096")
	window := flag.Int("window", 0, "SETTINGS_INITIAL_WINDOW_SIZE")
	flag.Parse()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(echo), Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	if *xnet {
		settings := &http2.Server{
			MaxConcurrentStreams:      uint32(*streams),
			MaxReadFrameSize:          uint32(*frame),
			MaxDecoderHeaderTableSize: uint32(*table),
			MaxEncoderHeaderTableSize: uint32(*table),
			MaxUploadBufferPerStream:  int32(*window),
		}
		if err := http2.ConfigureServer(server, settings); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if *certificate == "" {
		log.Fatal(server.Serve(listener))
	}
	log.Fatal(server.ServeTLS(listener, *certificate, *key))
}
