package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// seen is what a task tells about itself; a test reads it in the pod's status.
type seen struct {
	Args []string
	Env  map[string]string
}

// runTask does what the environment says and ends the process.
func runTask() {
	tell()
	if os.Getenv("IGNORE_TERM") == "1" {
		signal.Ignore(syscall.SIGTERM)
	}
	if megabytes := number(os.Getenv("ALLOCATE_MB"), 0); megabytes > 0 {
		takeMemory(megabytes)
	}
	if awaited := os.Getenv("AWAIT_FILE"); awaited != "" {
		await(awaited)
	}
	if path := os.Getenv("WRITE_FILE"); path != "" {
		os.WriteFile(path, []byte("here"), 0o644)
	}
	if attempt() < number(os.Getenv("SLEEP_ATTEMPTS"), always) && (os.Getenv("FAIL_AT_ONCE") != "1" || !isToFail()) {
		time.Sleep(milliseconds(os.Getenv("SLEEP_MS"), 0))
	}
	if !isToFail() {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, os.Getenv("LAST_LINE"))
	os.Exit(number(os.Getenv("FAIL_CODE"), 1))
}

// isToFail says whether this index and this attempt are among those that fail.
func isToFail() bool {
	if os.Getenv("FAIL_CODE") == "" {
		return false
	}
	index := os.Getenv("FAIL_INDEX")
	if index != "" && index != os.Getenv("CLOUD_RUN_TASK_INDEX") {
		return false
	}
	return attempt() < number(os.Getenv("FAIL_ATTEMPTS"), always)
}

// always is more attempts than there are.
const always = 1_000

func attempt() int { return number(os.Getenv("CLOUD_RUN_TASK_ATTEMPT"), 0) }

// tell leaves arguments and environment in the termination message, unless the last line of the log is to be there.
func tell() {
	if os.Getenv("LAST_LINE") != "" {
		return
	}
	env := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if name != "PATH" {
			env[name] = value
		}
	}
	text, _ := json.Marshal(seen{os.Args[1:], env})
	os.WriteFile("/dev/termination-log", text, 0o644)
}

// takeMemory takes memory and uses it, so that the kernel has to give it.
func takeMemory(megabytes int) {
	held := make([][]byte, 0, megabytes)
	for range megabytes {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		held = append(held, block)
	}
	fmt.Println("hello: took", len(held), "MiB")
}

// await ends once another container of the task has written a file.
func await(path string) {
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
