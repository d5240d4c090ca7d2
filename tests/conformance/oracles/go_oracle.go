// SPDX-License-Identifier: Apache-2.0

// What Go's HTTP server does with each request: reads hexadecimal lines, prints A (answered 2xx),
// r (refused or closed) or w (waits for more) for each.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const wait = 500 * time.Millisecond

func ask(address string, bytes []byte) string {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return "r"
	}
	defer connection.Close()
	connection.Write(bytes)
	connection.SetReadDeadline(time.Now().Add(wait))
	line, err := bufio.NewReader(connection).ReadString('\n')
	if strings.HasPrefix(line, "HTTP/1.") && len(line) > 9 {
		if line[9] == '2' {
			return "A"
		}
		return "r"
	}
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return "w"
	}
	return "r"
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			answer.WriteHeader(http.StatusBadRequest)
		}
	})
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(listener)

	var asked sync.WaitGroup
	var verdicts [1000]string
	count := 0
	lines := bufio.NewScanner(os.Stdin)
	for ; lines.Scan(); count++ {
		bytes, err := hex.DecodeString(lines.Text())
		if err != nil {
			log.Fatal(err)
		}
		asked.Add(1)
		go func(index int) {
			defer asked.Done()
			verdicts[index] = ask(listener.Addr().String(), bytes)
		}(count)
	}
	asked.Wait()
	fmt.Println(strings.Join(verdicts[:count], "\n"))
}
