// The jobs as loops that a Go programmer writes by hand: encoding/json, a map, a buffered writer. They
// guarantee nothing after a crash.
//
// JOB PARALLELISM TURNS OUT IN...: prints what each turn cost, as JSON.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type bid struct {
	Auction  int64 `json:"auction"`
	Bidder   int64 `json:"bidder"`
	Price    int64 `json:"price"`
	DateTime int64 `json:"dateTime"`
}

type highest struct{ bids, highest int64 }

// A job: it gets every bid in order, and then the end.
type loop struct {
	bid func(b *bid)
	end func()
}

func main() {
	turns, err := strconv.Atoi(os.Args[3])
	check(err)
	for turn := 0; turn < turns; turn++ {
		cpu, wall := cpuTime(), time.Now()
		run(os.Args[1], filepath.Join(os.Args[4], fmt.Sprintf("turn-%d", turn)), os.Args[5])
		fmt.Printf("{\"cpuMs\":%.1f,\"wallMs\":%.1f,\"peakBytes\":%d}\n",
			float64((cpuTime()-cpu).Microseconds())/1e3, float64(time.Since(wall).Microseconds())/1e3, peakBytes())
	}
}

func run(job, out, input string) {
	check(os.MkdirAll(filepath.Join(out, "lines"), 0o755))
	output, err := os.Create(filepath.Join(out, "lines", "part"))
	check(err)
	defer output.Close()
	writer := bufio.NewWriterSize(output, 64*1024)
	defer writer.Flush()
	in, err := os.Open(input)
	check(err)
	defer in.Close()
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 1<<20), 1<<20)
	loop := loops[job](writer)
	for scanner.Scan() {
		var b bid
		check(json.Unmarshal(scanner.Bytes(), &b))
		loop.bid(&b)
	}
	check(scanner.Err())
	loop.end()
}

var loops = map[string]func(w *bufio.Writer) loop{
	"stateless": stateless,
	"tumbling":  tumbling,
	"sliding":   sliding,
	"running":   running,
	"total":     total,
}

func stateless(w *bufio.Writer) loop {
	return loop{
		bid: func(b *bid) {
			if b.Auction%2 == 0 {
				fmt.Fprintf(w, "{\"auction\":%d,\"price\":%d,\"bidder\":%d}\n", b.Auction, b.Price*2, b.Bidder)
			}
		},
		end: func() {},
	}
}

func tumbling(w *bufio.Writer) loop {
	start, counts := int64(-1), map[int64]*highest{}
	end := func() {
		for auction, h := range counts {
			fmt.Fprintf(w, "{\"auction\":%d,\"start\":%d,\"bids\":%d,\"highest\":%d}\n", auction, start, h.bids, h.highest)
		}
		counts = map[int64]*highest{}
	}
	return loop{
		bid: func(b *bid) {
			if window := b.DateTime - b.DateTime%10_000; window != start {
				end()
				start = window
			}
			counts[b.Auction] = counts[b.Auction].add(b.Price)
		},
		end: end,
	}
}

func (h *highest) add(price int64) *highest {
	if h == nil {
		h = &highest{}
	}
	h.bids++
	if price > h.highest {
		h.highest = price
	}
	return h
}

func sliding(w *bufio.Writer) loop {
	windows := map[int64]map[int64]int64{}
	endUpTo := func(time int64) {
		for start, counts := range windows {
			if start+10_000 > time {
				continue
			}
			for auction, n := range counts {
				fmt.Fprintf(w, "{\"auction\":%d,\"start\":%d,\"bids\":%d}\n", auction, start, n)
			}
			delete(windows, start)
		}
	}
	last := int64(-1)
	return loop{
		bid: func(b *bid) {
			slice := b.DateTime - b.DateTime%1000
			if slice != last {
				endUpTo(slice)
				last = slice
			}
			for start := slice - 9000; start <= slice; start += 1000 {
				counts := windows[start]
				if counts == nil {
					counts = map[int64]int64{}
					windows[start] = counts
				}
				counts[b.Auction]++
			}
		},
		end: func() { endUpTo(1 << 62) },
	}
}

func running(w *bufio.Writer) loop {
	totals := map[int64]*highest{}
	return loop{
		bid: func(b *bid) {
			h := totals[b.Auction].add(b.Price)
			totals[b.Auction] = h
			fmt.Fprintf(w, "{\"auction\":%d,\"bids\":%d,\"highest\":%d}\n", b.Auction, h.bids, h.highest)
		},
		end: func() {},
	}
}

func total(w *bufio.Writer) loop {
	totals := map[int64]int64{}
	return loop{
		bid: func(b *bid) { totals[b.Auction]++ },
		end: func() {
			for auction, n := range totals {
				fmt.Fprintf(w, "{\"auction\":%d,\"bids\":%d}\n", auction, n)
			}
		},
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func peakBytes() int64 {
	status, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmHWM:") {
			kb, err := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
			check(err)
			return kb * 1024
		}
	}
	return 0
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
