package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	metadataServer = "http://metadata.google.internal"
	tokenFolder    = "/var/run/secrets/kubernetes.io"
)

// metadataPaths are those that the container contract lists.
var metadataPaths = []string{
	"project/project-id",
	"project/numeric-project-id",
	"instance/region",
	"instance/zone",
	"instance/id",
	"instance/service-accounts/default/email",
	"instance/service-accounts/default/identity?audience=contract",
	"instance/service-accounts/default/token",
}

// report is all that the program finds; with a request, how that arrived.
func report(r *http.Request) map[string]any {
	folder, _ := os.Getwd()
	_, tokenErr := os.Stat(tokenFolder)
	all := map[string]any{
		"program":  "go",
		"env":      environment(),
		"pid":      os.Getpid(),
		"uid":      os.Getuid(),
		"gid":      os.Getgid(),
		"folder":   folder,
		"writable": map[string]bool{".": isWritable(folder), "/tmp": isWritable("/tmp")},
		"mounts":   mounts(),
		"volume":   volume("/volume"),
		"token":    tokenErr == nil,
		"status":   pairs("/proc/self/status", ":"),
		"limits":   openFiles(),
		"cgroup":   cgroup(),
		"cpus":     runtime.NumCPU(),
		"kernel": map[string]string{
			"fileMax":     text("/proc/sys/fs/file-max"),
			"maxMapCount": text("/proc/sys/vm/max_map_count"),
			"product":     text("/sys/class/dmi/id/product_name"),
		},
		"addresses": addresses("metadata.google.internal"),
		"metadata":  metadata(),
	}
	if r != nil {
		all["request"] = map[string]any{
			"method": r.Method, "uri": r.RequestURI, "host": r.Host, "protocol": r.Proto, "headers": lower(r.Header),
		}
	}
	return all
}

func environment() map[string]string {
	all := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		all[name] = value
	}
	return all
}

// isWritable writes a file, reads it back and removes it.
func isWritable(folder string) bool {
	name := filepath.Join(folder, "contract-probe")
	defer os.Remove(name)
	if os.WriteFile(name, []byte("written"), 0o600) != nil {
		return false
	}
	return text(name) == "written"
}

func mounts() []string {
	var all []string
	for line := range strings.Lines(text("/proc/self/mountinfo")) {
		if fields := strings.Fields(line); len(fields) > 4 {
			all = append(all, fields[4])
		}
	}
	return all
}

// volume is the kind and the size of what is mounted at a path.
func volume(path string) map[string]any {
	for line := range strings.Lines(text("/proc/self/mountinfo")) {
		mount, kind, _ := strings.Cut(line, " - ")
		var space syscall.Statfs_t
		if strings.Fields(mount)[4] == path && syscall.Statfs(path, &space) == nil {
			return map[string]any{"type": strings.Fields(kind)[0], "bytes": space.Blocks * uint64(space.Bsize)}
		}
	}
	return nil
}

// openFiles is RLIMIT_NOFILE as the kernel tells it: the runtime has raised its own soft limit by now.
func openFiles() map[string]string {
	for line := range strings.Lines(text("/proc/self/limits")) {
		if rest, found := strings.CutPrefix(line, "Max open files"); found {
			fields := strings.Fields(rest)
			return map[string]string{"soft": fields[0], "hard": fields[1]}
		}
	}
	return nil
}

// cgroup is what the kernel holds the container to, in cores and bytes; 0 is no limit (cgroup v2, else v1). Its weight beside
// others follows from the CPU request.
func cgroup() map[string]float64 {
	const root = "/sys/fs/cgroup/"
	cpu := strings.Fields(text(root + "cpu.max"))
	memory := text(root + "memory.max")
	weight := text(root + "cpu.weight")
	if len(cpu) < 2 {
		cpu = []string{text(root + "cpu/cpu.cfs_quota_us"), text(root + "cpu/cpu.cfs_period_us")}
		memory = text(root + "memory/memory.limit_in_bytes")
		weight = text(root + "cpu/cpu.shares")
	}
	return map[string]float64{
		"cpus": share(cpu[0], cpu[1]), "cpuWeight": share(weight, "1"), "memoryBytes": share(memory, "1"),
	}
}

func share(quota, period string) float64 {
	q, _ := strconv.ParseFloat(quota, 64)
	p, _ := strconv.ParseFloat(period, 64)
	if q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}

func addresses(name string) []string {
	found, err := net.LookupHost(name)
	if err != nil {
		return []string{}
	}
	return found
}

func metadata() map[string]any {
	answers := map[string]any{}
	for _, path := range metadataPaths {
		answers[path] = ask(path, map[string]string{"Metadata-Flavor": "Google"})
	}
	id := "instance/id"
	return map[string]any{
		"answers":       answers,
		"withoutHeader": ask(id, nil),
		"forwarded":     ask(id, map[string]string{"Metadata-Flavor": "Google", "X-Forwarded-For": "10.0.0.1"}),
	}
}

// client goes to the server itself: no proxy stands between a program and its metadata.
var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}

func ask(path string, headers map[string]string) map[string]any {
	request, _ := http.NewRequest(http.MethodGet, metadataServer+"/computeMetadata/v1/"+path, nil)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return map[string]any{"status": 0, "body": err.Error()}
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return map[string]any{
		"status": response.StatusCode, "flavor": response.Header.Get("Metadata-Flavor"), "body": string(body),
	}
}

func lower(headers http.Header) map[string]string {
	all := map[string]string{}
	for name, values := range headers {
		all[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return all
}

// pairs reads lines of a name, a separator and a value.
func pairs(file, separator string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text(file)) {
		name, value, _ := strings.Cut(line, separator)
		all[name] = strings.TrimSpace(value)
	}
	return all
}

// text is a file's content, empty when it cannot be read.
func text(file string) string {
	content, _ := os.ReadFile(file)
	return strings.TrimSpace(string(content))
}
