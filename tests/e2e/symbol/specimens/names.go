// SPDX-License-Identifier: Apache-2.0
// A Go program that opens files from a function that was inlined, from a generic one, and in a
// goroutine of its own.
package main

import (
	"os"
	"runtime"
	"time"
)

//go:noinline
func openFile(name string) *os.File {
	file, err := os.Open(name)
	if err != nil {
		panic(err)
	}
	return file
}

func inlinedOpen(name string) *os.File { return openFile(name) }

//go:noinline
func generic[T any](value T) T {
	inlinedOpen("/dev/null").Close()
	return value
}

//go:noinline
func caller(round int) { generic(round) }

func main() {
	done := make(chan bool)
	for round := 0; round < 20; round++ {
		go func() {
			caller(1)
			done <- true
		}()
		<-done
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
}
