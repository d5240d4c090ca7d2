// SPDX-License-Identifier: Apache-2.0
// A reactor that keeps the number of its listener's duplicate and lets go of the listener: the
// garbage collector's finalizers close both, and the port is gone. The healthy one keeps them. With
// REUSE in the environment files take the listener's number afterwards.
package main

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

type reactor struct {
	descriptor int
	kept       []interface{}
}

func listen(healthy bool) (*reactor, int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		panic(err)
	}
	made := &reactor{descriptor: int(file.Fd())}
	if healthy {
		made.kept = []interface{}{listener, file}
	}
	return made, port
}

func (r *reactor) run() {
	syscall.SetNonblock(r.descriptor, true)
	for {
		client, _, err := syscall.Accept(r.descriptor)
		if err != nil {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		go func() {
			buffer := make([]byte, 64<<10) // garbage, as requests make it
			for {
				n, err := syscall.Read(client, buffer)
				if n <= 0 || err != nil {
					return
				}
			}
		}()
	}
}

func main() {
	made, port := listen(len(os.Args) > 2)
	os.WriteFile(os.Args[1], []byte(fmt.Sprint(port)), 0o644)
	if os.Getenv("REUSE") != "" {
		go func() {
			for range time.Tick(time.Second) {
				if file, err := os.Open("/etc/hostname"); err == nil {
					time.AfterFunc(5*time.Second, func() { file.Close() })
				}
			}
		}()
	}
	go func() {
		var garbage [][]byte
		time.Sleep(15 * time.Second) // until whoever looks has found its place
		for {
			garbage = append(garbage[:0], make([]byte, 1<<20))
			time.Sleep(20 * time.Millisecond)
		}
	}()
	made.run()
}
