// SPDX-License-Identifier: Apache-2.0
// An HTTP server of Go's library: at the limit it waits up to a second between tries.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	os.WriteFile(os.Args[1], []byte(fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)), 0o644)
	http.Serve(listener, http.NotFoundHandler())
}
