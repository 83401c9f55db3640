package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"cloud.google.com/go/compute/metadata"
)

// google reports what Google's own client library finds out about where it runs,
// and the identity token for ?audience= that it gets.
func google(w http.ResponseWriter, r *http.Request) {
	found := map[string]any{"onGCE": metadata.OnGCEWithContext(r.Context())}
	identity := "instance/service-accounts/default/identity?format=full&audience=" + r.FormValue("audience")
	ask := map[string]func(context.Context) (string, error){
		"projectID":        metadata.ProjectIDWithContext,
		"numericProjectID": metadata.NumericProjectIDWithContext,
		"instanceID":       metadata.InstanceIDWithContext,
		"zone":             metadata.ZoneWithContext,
		"email":            func(ctx context.Context) (string, error) { return metadata.EmailWithContext(ctx, "default") },
		"identity":         func(ctx context.Context) (string, error) { return metadata.GetWithContext(ctx, identity) },
	}
	for name, get := range ask {
		value, err := get(r.Context())
		if err != nil {
			http.Error(w, name+": "+err.Error(), http.StatusBadGateway)
			return
		}
		found[name] = value
	}
	answer(w, found)
}

// asked is what came of ASK_AT_START; it is written before anybody can ask.
var asked map[string]any

func askAtStart(url string) {
	start := time.Now()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		asked = map[string]any{"error": err.Error()}
		return
	}
	request.Header.Set("Metadata-Flavor", "Google")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		asked = map[string]any{"error": err.Error()}
		return
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	asked = map[string]any{"status": response.StatusCode, "body": string(body), "ms": time.Since(start).Milliseconds()}
}
