// SPDX-License-Identifier: Apache-2.0
// Diseases of Go programs and their healthy twins: `leaks DISEASE [healthy]`.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

var (
	healthy  bool
	kept     []any // what a leak keeps reachable, so that no finalizer closes it
	listener net.Listener
	pair     [2]int // for passing descriptors
)

func doneWith(c io.Closer) {
	if healthy {
		c.Close()
		return
	}
	kept = append(kept, c)
}

func doneWithNumber(fd int, err error) {
	must(err)
	if healthy {
		syscall.Close(fd)
	}
}

//go:noinline
func readSettings() {
	file, err := os.Open("/etc/passwd")
	must(err)
	doneWith(file)
}

//go:noinline
func askServer() {
	conn, err := net.Dial("tcp", listener.Addr().String())
	must(err)
	doneWith(conn)
}

//go:noinline
func serveOne() {
	conn, err := listener.Accept()
	must(err)
	doneWith(conn)
}

//go:noinline
func startWorker() {
	command := exec.Command("true")
	out, err := command.StdoutPipe()
	must(err)
	must(command.Start())
	if healthy {
		command.Wait()
	} else {
		command.Process.Wait() // unlike Command.Wait it does not close the pipe
	}
	kept = append(kept[:len(kept):len(kept)], out)
	if healthy {
		kept = nil
	}
}

//go:noinline
func makeSignal() {
	fd, _, code := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0)
	if code != 0 {
		must(code)
	}
	doneWithNumber(int(fd), nil)
}

//go:noinline
func watchOne() {
	doneWithNumber(syscall.EpollCreate1(syscall.EPOLL_CLOEXEC))
}

//go:noinline
func followDirectory() {
	doneWithNumber(syscall.InotifyInit1(syscall.IN_CLOEXEC))
}

//go:noinline
func copyOutput() {
	doneWithNumber(syscall.Dup(2))
}

func passOn() {
	file, err := os.Open("/dev/zero")
	must(err)
	defer file.Close()
	must(syscall.Sendmsg(pair[0], []byte("x"), syscall.UnixRights(int(file.Fd())), nil, 0))
}

//go:noinline
func takeDescriptor() {
	control := make([]byte, syscall.CmsgSpace(4))
	_, length, _, _, err := syscall.Recvmsg(pair[1], make([]byte, 1), control, syscall.MSG_CMSG_CLOEXEC)
	must(err)
	messages, err := syscall.ParseSocketControlMessage(control[:length])
	must(err)
	numbers, err := syscall.ParseUnixRights(&messages[0])
	doneWithNumber(numbers[0], err)
}

//go:noinline
func openValid(turn int) error {
	file, err := os.Open("/etc/hostname")
	must(err)
	if turn%3 == 0 {
		doneWith(file)
		return errors.New("not what we want")
	}
	return file.Close()
}

// Only the duplicate of the listener is kept: the collector closes the listener itself.
//
//go:noinline
func keepDuplicateOnly() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	file, err := listener.(*net.TCPListener).File()
	must(err)
	duplicate, err := syscall.Dup(int(file.Fd()))
	must(err)
	if healthy {
		kept = append(kept, listener, file)
	}
	return duplicate
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	disease := os.Args[1]
	healthy = len(os.Args) > 2 && os.Args[2] == "healthy"
	var err error
	listener, err = net.Listen("tcp", "127.0.0.1:0")
	must(err)
	pair, err = syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	must(err)
	if disease == "tcp" {
		go func() {
			for {
				conn, err := listener.Accept()
				must(err)
				conn.Close()
			}
		}()
	}
	if disease == "finalizer" {
		keepDuplicateOnly()
	}
	for turn := 0; turn < 900; turn++ {
		switch disease {
		case "file":
			readSettings()
		case "tcp":
			askServer()
		case "accept":
			conn, err := net.Dial("tcp", listener.Addr().String())
			must(err)
			serveOne()
			conn.Close()
		case "child-pipe":
			startWorker()
		case "eventfd":
			makeSignal()
		case "epoll":
			watchOne()
		case "inotify":
			if turn%10 == 0 { // a user may have 128
				followDirectory()
			}
		case "dup":
			copyOutput()
		case "passed":
			passOn()
			takeDescriptor()
		case "error-path":
			_ = openValid(turn)
		case "finalizer":
			runtime.GC()
		}
		time.Sleep(40 * time.Millisecond)
	}
	select {}
}
