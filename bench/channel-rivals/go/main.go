// The benchmarks of ../channels.bench.ts in Go, in the same shapes.
//
// `main SHAPE OPERATIONS` runs one of them and prints what an operation cost, in nanoseconds; `main parked TASKS` prints
// the bytes that a parked goroutine holds.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const batchSize = 128

var shapes = map[string]func(operations int){
	"unbuffered":          func(n int) { pipe(make(chan int), n) },
	"unbuffered, signal":  func(n int) { pipeWithContext(make(chan int), n) },
	"buffer of 1":         func(n int) { pipe(make(chan int, 1), n) },
	"buffer of 128":       func(n int) { pipe(make(chan int, 128), n) },
	"one task":            oneTask,
	"slices":              slices,
	"select of 2 ready":   selectTwoReady,
	"select of 4 ready":   selectFourReady,
	"select with default": selectWithDefault,
	"select of 2 waits":   selectTwoWaits,
	"select of 4 waits":   selectFourWaits,
	"spawn and join":      spawnAndJoin,
	"scope of one task":   scopeOfOne,
	"cancel a tree":       cancelTree,
	"fan out to 3 tasks":  fanOut,
}

func main() {
	operations, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	if os.Args[1] == "parked" {
		fmt.Println(parked(operations))
		return
	}
	run := shapes[os.Args[1]]
	run(operations / 10)
	startedAt := time.Now()
	run(operations)
	fmt.Println(float64(time.Since(startedAt).Nanoseconds()) / float64(operations))
}

func pipe(c chan int, n int) {
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
	}()
	for i := 0; i < n; i++ {
		<-c
	}
}

// A signal as an argument is a second case in Go.
func pipeWithContext(c chan int, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for i := 0; i < n; i++ {
			select {
			case c <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	for i := 0; i < n; i++ {
		select {
		case <-c:
		case <-ctx.Done():
			return
		}
	}
}

// A scope in Go: a context of its own and a group, left before the next.
func scopeOfOne(n int) {
	for i := 0; i < n; i++ {
		ctx, cancel := context.WithCancel(context.Background())
		var tasks sync.WaitGroup
		tasks.Add(1)
		go func() {
			defer tasks.Done()
			_ = ctx.Done()
		}()
		tasks.Wait()
		cancel()
	}
}

func oneTask(n int) {
	c := make(chan int, 64)
	for i := 0; i < n; i++ {
		c <- i
		<-c
	}
}

// What Go programs do for batches: the channel carries slices.
func slices(n int) {
	c := make(chan []int, 1)
	go func() {
		for i := 0; i < n; i += batchSize {
			batch := make([]int, batchSize)
			for j := range batch {
				batch[j] = i + j
			}
			c <- batch
		}
		close(c)
	}()
	sum := 0
	for batch := range c {
		for _, value := range batch {
			sum += value
		}
	}
	sink = sum
}

var sink int

func selectTwoReady(n int) {
	a, b := make(chan int, 2), make(chan int, 2)
	a <- 0
	b <- 0
	for i := 0; i < n; i++ {
		select {
		case v := <-a:
			a <- v
		case v := <-b:
			b <- v
		}
	}
}

func selectFourReady(n int) {
	a, b, c, d := make(chan int, 2), make(chan int, 2), make(chan int, 2), make(chan int, 2)
	a <- 0
	b <- 0
	c <- 0
	d <- 0
	for i := 0; i < n; i++ {
		select {
		case v := <-a:
			a <- v
		case v := <-b:
			b <- v
		case v := <-c:
			c <- v
		case v := <-d:
			d <- v
		}
	}
}

func selectWithDefault(n int) {
	a, b := make(chan int), make(chan int)
	for i := 0; i < n; i++ {
		select {
		case <-a:
			return
		case <-b:
			return
		default:
		}
	}
}

func selectTwoWaits(n int) {
	a, b := make(chan int), make(chan int)
	go func() {
		for i := 0; i < n; i += 2 {
			a <- i
			b <- i
		}
		close(a)
	}()
	for {
		select {
		case _, ok := <-a:
			if !ok {
				return
			}
		case <-b:
		}
	}
}

func selectFourWaits(n int) {
	a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
	go func() {
		for i := 0; i < n; i += 4 {
			a <- i
			b <- i
			c <- i
			d <- i
		}
		close(a)
	}()
	for {
		select {
		case _, ok := <-a:
			if !ok {
				return
			}
		case <-b:
		case <-c:
		case <-d:
		}
	}
}

func spawnAndJoin(n int) {
	var group sync.WaitGroup
	for i := 0; i < n; i++ {
		group.Add(1)
		go group.Done()
	}
	group.Wait()
}

// Trees of 1,000 contexts, each with four children: built, cancelled at the root, and seen to be done at the last leaf.
func cancelTree(n int) {
	for done := 0; done < n; done += 1000 {
		contexts := make([]context.Context, 1000)
		cancels := make([]context.CancelFunc, 1000)
		contexts[0], cancels[0] = context.WithCancel(context.Background())
		for i := 1; i < len(contexts); i++ {
			contexts[i], cancels[i] = context.WithCancel(contexts[(i-1)/4])
		}
		cancels[0]()
		<-contexts[999].Done()
	}
}

func fanOut(n int) {
	jobs, results := make(chan int, 128), make(chan int, 128)
	var workers sync.WaitGroup
	for w := 0; w < 3; w++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for job := range jobs {
				results <- job + 1
			}
		}()
	}
	go func() {
		for i := 0; i < n; i++ {
			jobs <- i
		}
		close(jobs)
		workers.Wait()
		close(results)
	}()
	for range results {
	}
}

// The bytes of memory that the system gave for each goroutine waiting on a channel of its own.
func parked(n int) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	channels := make([]chan int, n)
	var running, ended sync.WaitGroup
	running.Add(n)
	ended.Add(n)
	for i := range channels {
		c := make(chan int)
		channels[i] = c
		go func() {
			running.Done()
			<-c
			ended.Done()
		}()
	}
	running.Wait()
	runtime.GC()
	runtime.ReadMemStats(&after)
	for _, c := range channels {
		c <- 1
	}
	ended.Wait()
	return float64(after.Sys-before.Sys) / float64(n)
}
