// SPDX-License-Identifier: Apache-2.0
// A Go server that asks another one for every fourth request, and closes what it is answered.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
)

func main() {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "from the origin")
	}))
	var requests atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	os.WriteFile(os.Args[1], []byte(fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)), 0o644)
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%4 == 0 {
			if response, err := http.Get(origin.URL); err == nil {
				io.Copy(w, response.Body)
				response.Body.Close()
				return
			}
		}
		fmt.Fprint(w, "hello")
	}))
}
