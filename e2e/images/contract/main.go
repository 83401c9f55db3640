// Command contract tells from inside a container what it finds there, so that a
// test can compare it with what Cloud Run's documents say (container contract).
// contract-node is the same program in JavaScript. Its environment:
//
//	CONTRACT_MODE  service (when left out): answers each request with the report;
//	               job: writes the report to stdout and exits with EXIT_CODE;
//	               worker: writes the report and stays
//	IGNORE_TERM=1  writes lines after SIGTERM until it is killed
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	switch mode := os.Getenv("CONTRACT_MODE"); mode {
	case "", "service":
		go serve()
	case "job":
		say(report(nil))
		os.Exit(number(os.Getenv("EXIT_CODE")))
	case "worker":
		say(report(nil))
	default:
		fmt.Fprintln(os.Stderr, "contract: CONTRACT_MODE must be service, job or worker, not", mode)
		os.Exit(2)
	}
	<-terminated
	last()
}

// last tells of SIGTERM, and that it is still alive until it is killed if it is to.
func last() {
	start := time.Now()
	say(map[string]any{"signal": "SIGTERM"})
	for os.Getenv("IGNORE_TERM") == "1" {
		time.Sleep(250 * time.Millisecond)
		say(map[string]any{"aliveMs": time.Since(start).Milliseconds()})
	}
}

func serve() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { answer(w, report(r)) })
	http.HandleFunc("/cpu", func(w http.ResponseWriter, _ *http.Request) { answer(w, cgroup()) })
	http.HandleFunc("/allocate", allocate)
	http.HandleFunc("/write", write)
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		fmt.Fprintln(os.Stderr, "contract:", err)
		os.Exit(1)
	}
}

var kept [][]byte

// allocate takes ?mb= megabytes of memory and keeps them.
func allocate(w http.ResponseWriter, r *http.Request) {
	for range number(r.FormValue("mb")) {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
	}
	answer(w, map[string]any{"keptMb": len(kept)})
}

// write writes ?mb= megabytes to a file in the folder ?in= and leaves it there.
func write(w http.ResponseWriter, r *http.Request) {
	file, err := os.CreateTemp(r.FormValue("in"), "written-")
	for range number(r.FormValue("mb")) {
		if err == nil {
			_, err = file.Write(make([]byte, 1<<20))
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
		return
	}
	answer(w, map[string]any{"file": file.Name()})
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}

func say(value any) { json.NewEncoder(os.Stdout).Encode(value) }

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
