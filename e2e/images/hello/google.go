package main

import (
	"context"
	"net/http"

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
