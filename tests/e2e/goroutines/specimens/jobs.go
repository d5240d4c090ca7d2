// SPDX-License-Identifier: Apache-2.0
// A service with four periodic jobs. One of them goes through a transport that asks a registry again
// with a token after a 401, and forgets to close the body of that first answer. Its healthy twin
// closes it.
//
//	jobs leak|healthy http|https|http2
//
// Prints "ready" once every job has run.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"
)

var healthy = os.Args[1] == "healthy"

type bearerTransport struct {
	inner http.RoundTripper
}

func (t *bearerTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.inner.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, err
	}
	if healthy {
		if response.ProtoMajor == 1 {
			io.Copy(io.Discard, response.Body)
		}
		response.Body.Close()
	}
	again := request.Clone(request.Context())
	again.Header.Set("Authorization", "Bearer of-news")
	return t.inner.RoundTrip(again)
}

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	if err != nil {
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
}

//go:noinline
func checkImages(client *http.Client, base string) {
	get(client, base+"/v2/app/manifests/latest?scope=pull&token=hush")
}

//go:noinline
func checkHealth(client *http.Client, base string) { get(client, base+"/health") }

//go:noinline
func readFeed(client *http.Client, base string) { get(client, base+"/feed") }

//go:noinline
func pushMetrics(client *http.Client, base string) {
	response, err := client.Post(base+"/metrics", "text/plain", strings.NewReader("up 1\n"))
	if err == nil {
		response.Body.Close()
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/v2/") && r.Header.Get("Authorization") == "":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"errors":[{"code":"UNAUTHORIZED"}]}`)
		if r.ProtoMajor == 2 {
			// A whole answer ends its stream in HTTP/2, whoever reads it; one that goes on does not.
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	case r.URL.Path == "/slow":
		select {
		case <-r.Context().Done():
		case <-time.After(time.Hour):
		}
	default:
		fmt.Fprintln(w, strings.Repeat("news ", 1000))
	}
}

func main() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	switch os.Args[2] {
	case "http":
		server.Start()
	case "https":
		server.StartTLS()
	case "http2":
		server.EnableHTTP2 = true
		transport.ForceAttemptHTTP2 = true
		server.StartTLS()
	}
	client := &http.Client{Transport: &bearerTransport{transport}}
	go get(client, server.URL+"/slow")
	var once sync.WaitGroup
	for index, job := range []func(*http.Client, string){checkImages, checkHealth, readFeed, pushMetrics} {
		once.Add(1)
		go func(pause time.Duration, job func(*http.Client, string)) {
			time.Sleep(400 * time.Millisecond)
			for first := true; ; first = false {
				job(client, server.URL)
				if first {
					once.Done()
				}
				time.Sleep(pause)
			}
		}(time.Duration(100+40*index)*time.Millisecond, job)
	}
	once.Wait()
	fmt.Println("ready")
	select {}
}
