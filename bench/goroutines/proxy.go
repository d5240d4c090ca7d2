// SPDX-License-Identifier: Apache-2.0
// A Go server for wrk: "direct" answers by itself, "proxy" asks another server for each answer, with
// the client that plumb goroutines --http probes. Prints its address.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func listen(handler http.HandlerFunc) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, handler)
	return "http://" + listener.Addr().String()
}

func main() {
	answer := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello, world\n") }
	if os.Args[1] == "direct" {
		fmt.Println(listen(answer))
		select {}
	}
	behind := os.Args[2]
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	fmt.Println(listen(func(w http.ResponseWriter, r *http.Request) {
		response, err := client.Get(behind)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		io.Copy(w, response.Body)
	}))
	select {}
}
