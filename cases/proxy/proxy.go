// SPDX-License-Identifier: Apache-2.0
// A forward proxy with the flaw of the first mystery: the transport asks for gzip by itself, decodes
// the body and drops its length; the proxy passes the rest on, says neither "chunked" nor "close",
// and keeps the connection. The healthy one says how long the body is.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func serveClient(connection net.Conn, healthy bool) {
	reader := bufio.NewReader(connection)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			connection.Close()
			return
		}
		request.RequestURI = ""
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			fmt.Fprint(connection, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		response.Header.Del("Connection")
		if healthy {
			response.Header.Set("Content-Length", fmt.Sprint(len(body)))
		}
		fmt.Fprintf(connection, "HTTP/1.1 %s\r\n", response.Status)
		response.Header.Write(connection)
		fmt.Fprint(connection, "\r\n")
		connection.Write(body)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	address := []byte(listener.Addr().String())
	os.WriteFile(os.Args[1]+".new", address, 0o644)
	os.Rename(os.Args[1]+".new", os.Args[1])
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serveClient(connection, len(os.Args) > 2)
	}
}
