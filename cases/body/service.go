// SPDX-License-Identifier: Apache-2.0
// A service with four periodic jobs on prime periods. One asks a registry, is told 401, and drops the
// answer without closing its body: one connection and two goroutines a run.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

var client = &http.Client{Transport: &http.Transport{}}

func registry() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			w.Write(make([]byte, 8000))
			return
		}
		w.Write([]byte("{}"))
	}))
	return "http://" + listener.Addr().String()
}

func checkImages(base string, healthy bool) {
	request, _ := http.NewRequest("GET", base+"/v2/app/manifests/latest", nil)
	response, err := client.Do(request)
	if err != nil {
		return
	}
	if response.StatusCode == http.StatusUnauthorized {
		if healthy {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		request.Header.Set("Authorization", "Bearer token")
		if response, err = client.Do(request); err != nil {
			return
		}
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

func every(period time.Duration, job func()) {
	for range time.Tick(period) {
		job()
	}
}

func main() {
	base := registry()
	healthy := len(os.Args) > 1
	go every(1700*time.Millisecond, func() { time.Sleep(time.Millisecond) })
	go every(2300*time.Millisecond, func() { checkImages(base, healthy) })
	go every(2900*time.Millisecond, func() { os.ReadFile("/etc/hostname") })
	every(3100*time.Millisecond, func() { os.Getpid() })
}
