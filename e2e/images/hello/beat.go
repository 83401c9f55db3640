package main

import (
	"net/http"
	"os"
	"sync"
	"time"
)

// A worker shows that it works by telling so, ten times a second, to another
// instance of this program (BEAT_URL); that one keeps when each was heard.
const beatEvery = 100 * time.Millisecond

// work tells BEAT_URL of this instance until the program ends.
func work(url string) {
	client := &http.Client{Timeout: time.Second}
	for range time.Tick(beatEvery) {
		response, err := client.Post(url+"?from="+instance+"&revision="+os.Getenv("CLOUD_RUN_WORKER_POOL_REVISION"), "text/plain", nil)
		if err == nil {
			response.Body.Close()
		}
	}
}

// life is when a worker was heard first and last, in milliseconds since 1970.
type life struct {
	Revision string `json:"revision"`
	First    int64  `json:"first"`
	Last     int64  `json:"last"`
}

var (
	lives   = map[string]life{}
	livesMu sync.Mutex
)

func beat(_ http.ResponseWriter, r *http.Request) {
	livesMu.Lock()
	defer livesMu.Unlock()
	now := time.Now().UnixMilli()
	known, there := lives[r.FormValue("from")]
	if !there {
		known = life{Revision: r.FormValue("revision"), First: now}
	}
	known.Last = now
	lives[r.FormValue("from")] = known
}

func beats(w http.ResponseWriter, _ *http.Request) {
	livesMu.Lock()
	defer livesMu.Unlock()
	answer(w, lives)
}
