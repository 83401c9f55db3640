// argocd tells what Argo CD makes of objects: whether what is live is in sync
// with what was applied, by Argo CD's own comparison, and how healthy it is, by
// the script that Argo CD has for the kind, or by one that is given.
//
//	stdin:  {"scripts": {"GROUP/KIND": "LUA"}, "objects": [{"live": {...}, "config": {...}}]}
//	stdout: [{"outOfSync": false, "health": {"status": "Healthy", "message": "..."}}]
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"

	customizations "github.com/argoproj/argo-cd/v3/resource_customizations"
	"github.com/argoproj/gitops-engine/pkg/diff"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/klog/v2/textlogger"
	luajson "layeh.com/gopher-json"
)

type input struct {
	Scripts map[string]string `json:"scripts"`
	Objects []struct {
		Live   map[string]any `json:"live"`
		Config map[string]any `json:"config"`
	} `json:"objects"`
}

type view struct {
	OutOfSync bool            `json:"outOfSync"`
	Health    json.RawMessage `json:"health"`
}

func main() {
	var given input
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		fail(err)
	}
	views := make([]view, 0, len(given.Objects))
	for _, object := range given.Objects {
		live := &unstructured.Unstructured{Object: object.Live}
		seen := view{}
		var err error
		if seen.Health, err = health(live, given.Scripts); err != nil {
			fail(err)
		}
		if seen.OutOfSync, err = outOfSync(live, &unstructured.Unstructured{Object: object.Config}); err != nil {
			fail(err)
		}
		views = append(views, seen)
	}
	if err := json.NewEncoder(os.Stdout).Encode(views); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "argocd:", err)
	os.Exit(1)
}

// The comparison that an application has without any option.
func outOfSync(live, config *unstructured.Unstructured) (bool, error) {
	log := textlogger.NewLogger(textlogger.NewConfig())
	result, err := diff.Diff(config, live, diff.WithLogr(log))
	if err != nil {
		return false, err
	}
	return result.Modified, nil
}

// With the libraries and globals that Argo CD gives a script.
func health(live *unstructured.Unstructured, scripts map[string]string) (json.RawMessage, error) {
	kind := live.GroupVersionKind()
	name := kind.Group + "/" + kind.Kind
	script, given := scripts[name]
	if !given {
		text, err := fs.ReadFile(customizations.Embedded, name+"/health.lua")
		if err != nil {
			return nil, fmt.Errorf("there is no script for %s: %w", name, err)
		}
		script = string(text)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, open := range []lua.LGFunction{lua.OpenPackage, lua.OpenBase, lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Call(0, 0)
	}
	text, err := json.Marshal(live.Object)
	if err != nil {
		return nil, err
	}
	object, err := luajson.Decode(state, text)
	if err != nil {
		return nil, err
	}
	state.SetGlobal("obj", object)
	if err := state.DoString(script); err != nil {
		return nil, fmt.Errorf("the script for %s: %w", name, err)
	}
	return luajson.Encode(state.Get(-1))
}
