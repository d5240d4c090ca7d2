// SPDX-License-Identifier: Apache-2.0
// A handler asks in a goroutine and waits a moment for what it says. Where it comes later nobody takes
// it from the channel, which has no room, and the goroutine waits for ever. The healthy one has room.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"
)

func lookup(answer chan<- int) {
	time.Sleep(20 * time.Millisecond)
	answer <- 42
}

func handle(w http.ResponseWriter, room int) {
	answer := make(chan int, room)
	go lookup(answer)
	select {
	case found := <-answer:
		fmt.Fprint(w, found)
	case <-time.After(5 * time.Millisecond):
		w.WriteHeader(http.StatusGatewayTimeout)
	}
}

func main() {
	room := 0
	if len(os.Args) > 1 {
		room = 1
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(w, room)
	}))
	for range time.Tick(700 * time.Millisecond) {
		response, err := http.Get(server.URL)
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
}
