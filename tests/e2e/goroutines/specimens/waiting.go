// SPDX-License-Identifier: Apache-2.0
// Goroutines that wait in every way, with the runtime's own profile of them beside it. Prints the
// address of the profile. "churn" starts and ends goroutines all the time as well; "many N" has N of
// them, at seven places.
package main

import (
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type waiter interface{ wait(never chan int) }

type byValue struct{ unused int }

func (byValue) wait(never chan int) { <-never }

// Its method is a wrapper that the compiler makes.
type embeds struct{ byValue }

func send(never chan int)    { never <- 1 }
func inlined(never chan int) { send(never) }
func never() chan int        { return make(chan int) }
func bound(f func(chan int)) { f(never()) }
func accept(l net.Listener)  { l.Accept() }
func lock(mutex *sync.Mutex) { mutex.Lock() }

func readPipe() {
	var ends [2]int
	syscall.Pipe(ends[:])
	syscall.Read(ends[0], make([]byte, 1))
}

func group() {
	var all sync.WaitGroup
	all.Add(1)
	all.Wait()
}

func condition() {
	var mutex sync.Mutex
	mutex.Lock()
	sync.NewCond(&mutex).Wait()
}

func panics() {
	defer func() {
		recover()
		<-never()
	}()
	var nowhere *int
	*nowhere = 1
}

//go:noinline
func deep(n int, never chan int) {
	if n > 0 {
		deep(n-1, never)
		return
	}
	select {
	case <-never:
	case never <- 2:
	}
}

func waitInEveryWay() {
	var mutex sync.Mutex
	mutex.Lock()
	for i := 0; i < 3; i++ {
		go lock(&mutex)
		go inlined(never())
		go deep(3*i, never())
		go time.Sleep(time.Hour)
		var w waiter = &embeds{}
		go w.wait(never())
		go bound(w.wait)
		go func() { <-never() }()
	}
	go readPipe()
	go group()
	go condition()
	go panics()
	go func() { select {} }()
	go func() {
		runtime.LockOSThread()
		<-never()
	}()
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	go accept(listener)
}

//go:noinline
func brief(depth int, done chan int) {
	if depth > 0 {
		brief(depth-1, done)
		return
	}
	time.Sleep(time.Microsecond)
	done <- depth
}

func churn() {
	done := make(chan int, 64)
	for i := 0; ; i++ {
		go brief(i%30, done)
		if i >= 64 {
			<-done
		}
	}
}

func main() {
	argument := func(i int) string {
		if i < len(os.Args) {
			return os.Args[i]
		}
		return ""
	}
	if argument(1) == "many" {
		n, _ := strconv.Atoi(argument(2))
		for i := 0; i < n; i++ {
			go deep(i%7, never())
		}
	} else {
		waitInEveryWay()
	}
	if argument(1) == "churn" {
		for i := 0; i < 2; i++ {
			go churn()
		}
	}
	// The second collection stamps who waits with the time of the first.
	for i := 0; i < 2; i++ {
		time.Sleep(100 * time.Millisecond)
		runtime.GC()
	}
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println(listener.Addr())
	http.Serve(listener, nil)
}
