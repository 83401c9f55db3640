package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// instance tells one start of the program from every other.
var instance = rand.Text()

// unreadyUntil is when /ready answers 200 again, in milliseconds since 1970.
var unreadyUntil atomic.Int64

// inside counts the requests that are in the program now, most how many there ever were at once.
var inside, most atomic.Int64

func newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", greet)
	mux.HandleFunc("/env", environment)
	mux.HandleFunc("/headers", headers)
	mux.HandleFunc("/id", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, instance) })
	mux.HandleFunc("/sleep", sleep)
	mux.HandleFunc("/busy", busy)
	mux.HandleFunc("/alloc", allocate)
	mux.HandleFunc("/status", status)
	mux.HandleFunc("/ready", ready)
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/sse", events)
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/upload", upload)
	mux.HandleFunc("/ws", webSocket)
	mux.HandleFunc("/fetch", fetch)
	mux.HandleFunc("/google", google)
	mux.HandleFunc("/beat", beat)
	mux.HandleFunc("/beats", beats)
	mux.HandleFunc("/asked", func(w http.ResponseWriter, _ *http.Request) { answer(w, asked) })
	mux.HandleFunc("/exit", func(_ http.ResponseWriter, r *http.Request) { os.Exit(number(r.FormValue("code"), 0)) })
	mux.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { go panic("crashed, as told") })

	rpc := newGRPC()
	counted := count(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("K-Revision", os.Getenv("K_REVISION"))
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			rpc.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/concurrency" {
			concurrency(w, r)
			return
		}
		counted.ServeHTTP(w, r)
	})
}

func count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := inside.Add(1)
		defer inside.Add(-1)
		for high := most.Load(); now > high && !most.CompareAndSwap(high, now); high = most.Load() {
		}
		next.ServeHTTP(w, r)
	})
}

// concurrency reports the highest number of requests at once; ?reset=1 starts anew.
func concurrency(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{"instance": instance, "now": inside.Load(), "most": most.Load()})
	if r.FormValue("reset") == "1" {
		most.Store(inside.Load())
	}
}

func greet(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "Hello %s!\n", or(os.Getenv("TARGET"), "World"))
}

func environment(w http.ResponseWriter, _ *http.Request) {
	all := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		all[name] = value
	}
	answer(w, all)
}

func headers(w http.ResponseWriter, r *http.Request) {
	answer(w, map[string]any{
		"method": r.Method, "uri": r.RequestURI, "proto": r.Proto, "host": r.Host,
		"remote": r.RemoteAddr, "headers": r.Header, "transferEncoding": r.TransferEncoding,
	})
}

// ready is what a readiness probe asks. It answers 503 for ?unready=MS from then on, and who it is.
func ready(w http.ResponseWriter, r *http.Request) {
	if ms := r.FormValue("unready"); ms != "" {
		unreadyUntil.Store(time.Now().Add(milliseconds(ms, 0)).UnixMilli())
	} else if time.Now().UnixMilli() < unreadyUntil.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, instance)
}

func sleep(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(milliseconds(r.FormValue("ms"), 1000)):
		fmt.Fprintln(w, "slept")
	case <-r.Context().Done():
	}
}

func busy(w http.ResponseWriter, r *http.Request) {
	end := time.Now().Add(milliseconds(r.FormValue("ms"), 100))
	sum := sha256.Sum256([]byte(instance))
	for time.Now().Before(end) {
		sum = sha256.Sum256(sum[:])
	}
	fmt.Fprintln(w, "busy", hex.EncodeToString(sum[:4]))
}

// allocate keeps ?mb= megabytes in use for ?ms=, by default for a second.
func allocate(w http.ResponseWriter, r *http.Request) {
	block := make([]byte, number(r.FormValue("mb"), 10)<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	time.Sleep(milliseconds(r.FormValue("ms"), 1000))
	fmt.Fprintln(w, "used", len(block))
}

func status(w http.ResponseWriter, r *http.Request) {
	code := number(r.FormValue("code"), http.StatusOK)
	w.WriteHeader(code)
	fmt.Fprintln(w, code)
}

// stream sends ?n= lines, one every ?ms=, each as soon as it is written.
func stream(w http.ResponseWriter, r *http.Request) {
	each(w, r, func(i int) { fmt.Fprintf(w, "line %d\n", i) })
}

func events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	each(w, r, func(i int) { fmt.Fprintf(w, "id: %d\ndata: event %d\n\n", i, i) })
}

func each(w http.ResponseWriter, r *http.Request, write func(int)) {
	flush := http.NewResponseController(w)
	pause := milliseconds(r.FormValue("ms"), 100)
	for i := range number(r.FormValue("n"), 5) {
		if i > 0 {
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
		}
		write(i)
		flush.Flush()
	}
}

// echo answers with the body while it is still coming in.
func echo(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.EnableFullDuplex()
	w.Header().Set("Content-Type", or(r.Header.Get("Content-Type"), "application/octet-stream"))
	w.WriteHeader(http.StatusOK)
	control.Flush()
	chunk := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(chunk)
		w.Write(chunk[:n])
		control.Flush()
		if err != nil {
			return
		}
	}
}

func upload(w http.ResponseWriter, r *http.Request) {
	hash := sha256.New()
	n, err := io.Copy(hash, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, map[string]any{"bytes": n, "sha256": hex.EncodeToString(hash.Sum(nil))})
}

func webSocket(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer socket.CloseNow()
	socket.SetReadLimit(32 << 20)
	for {
		kind, message, err := socket.Read(r.Context())
		if err != nil {
			return
		}
		if socket.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}

// fetch gets ?url= from where the program runs, with each ?header=NAME:VALUE, and
// passes on the answer.
func fetch(w http.ResponseWriter, r *http.Request) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, header := range r.Form["header"] {
		name, value, _ := strings.Cut(header, ":")
		request.Header.Add(name, strings.TrimSpace(value))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	io.Copy(w, response.Body)
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
