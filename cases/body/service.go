// SPDX-License-Identifier: Apache-2.0
// A service with four periodic jobs on prime periods. One asks a registry, is told 401, and drops the
// answer without closing its body: one connection and two goroutines a run. MODE in the environment:
// "tls" speaks TLS, "idle" lets the registry close what is idle, "queue" refuses with a long text.
package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"time"
)

var client = &http.Client{Transport: &http.Transport{}}

func registry(mode string) string {
	refusal := make([]byte, 8000)
	if mode == "queue" {
		refusal = make([]byte, 6<<20)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			w.Write(refusal)
			return
		}
		w.Write([]byte("{}"))
	}))
	if mode == "idle" {
		server.Config.IdleTimeout = time.Second
	}
	if mode == "tls" {
		server.StartTLS()
		client = server.Client()
	} else {
		server.Start()
	}
	return server.URL
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
	base := registry(os.Getenv("MODE"))
	healthy := len(os.Args) > 1
	go every(1700*time.Millisecond, func() { time.Sleep(time.Millisecond) })
	go every(2300*time.Millisecond, func() { checkImages(base, healthy) })
	go every(2900*time.Millisecond, func() { os.ReadFile("/etc/hostname") })
	every(3100*time.Millisecond, func() { os.Getpid() })
}
