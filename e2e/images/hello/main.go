// Command hello is the program inside the test images: a small web server whose
// path or environment chooses how it behaves, so that one image serves every
// scenario. Its environment:
//
//	PORT             where it listens (8080)
//	TARGET           whom it greets (World)
//	H2C=1            speaks HTTP/2 without TLS too, and gRPC on the same port
//	START_DELAY_MS   waits before it listens
//	ASK_AT_START=URL asks there for an identity token before it listens; /asked tells how it went
//	NEVER_LISTEN=1   runs without ever listening
//	EXIT_ONCE=PATH   ends with code 1 unless the file is there, which it makes
//	EXIT_AT_START=N  prints LAST_LINE to stderr and exits with code N
//	TERM_DELAY_MS    goes on serving for so long after SIGTERM
//	IGNORE_TERM=1    does not react to SIGTERM at all
//	BEAT_URL=URL     tells there ten times a second that it works; /beats tells what was heard at /beat
//
// As a job's task it serves nothing:
//
//	TASK=1           ends with code 0, its arguments and environment in the termination message
//	SLEEP_MS         works for so long; only in the first SLEEP_ATTEMPTS=N attempts
//	FAIL_CODE=N      ends with code N instead, LAST_LINE on stderr
//	FAIL_INDEX=N     only the task with this index fails
//	FAIL_ATTEMPTS=N  only the first N attempts fail
//	FAIL_AT_ONCE=1   what fails does not work before
//	ALLOCATE_MB=N    takes so much memory
//	WRITE_FILE=PATH  writes a file; AWAIT_FILE=PATH waits for one
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	if code := os.Getenv("EXIT_AT_START"); code != "" {
		fmt.Fprintln(os.Stderr, os.Getenv("LAST_LINE"))
		os.Exit(number(code, 1))
	}
	if path := os.Getenv("EXIT_ONCE"); path != "" {
		exitOnce(path)
	}
	if os.Getenv("TASK") == "1" {
		runTask()
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM, syscall.SIGINT)

	if url := os.Getenv("BEAT_URL"); url != "" {
		go work(url)
	}
	server := newServer()
	failed := make(chan error, 1)
	go listen(server, failed)
	for {
		select {
		case err := <-failed:
			fmt.Fprintln(os.Stderr, "hello:", err)
			os.Exit(1)
		case <-terminated:
			if os.Getenv("IGNORE_TERM") == "1" {
				continue
			}
			stop(server)
			return
		}
	}
}

func newServer() *http.Server {
	server := &http.Server{Addr: ":" + or(os.Getenv("PORT"), "8080"), Handler: newHandler()}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(os.Getenv("H2C") == "1")
	return server
}

func listen(server *http.Server, failed chan<- error) {
	time.Sleep(milliseconds(os.Getenv("START_DELAY_MS"), 0))
	if url := os.Getenv("ASK_AT_START"); url != "" {
		askAtStart(url)
	}
	if os.Getenv("NEVER_LISTEN") == "1" {
		fmt.Println("hello: not listening, as told")
		return
	}
	fmt.Println("hello: listening on", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		failed <- err
	}
}

// stop lets the requests that are inside finish.
func stop(server *http.Server) {
	fmt.Println("hello: terminating")
	time.Sleep(milliseconds(os.Getenv("TERM_DELAY_MS"), 0))
	if err := server.Shutdown(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
	}
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func number(text string, fallback int) int {
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return fallback
}

func milliseconds(text string, fallback int) time.Duration {
	return time.Duration(number(text, fallback)) * time.Millisecond
}

// exitOnce ends the process the first time that it is asked in the life of a volume.
func exitOnce(path string) {
	if _, err := os.Stat(path); err == nil {
		return
	}
	os.WriteFile(path, nil, 0o644)
	os.Exit(1)
}
