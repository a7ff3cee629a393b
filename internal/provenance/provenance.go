// Package provenance says where the numbers of a program come from: the version of the code,
// the command, the machine, the time, and the files that were read.
package provenance

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Record is the object "provenance" of results.json. It differs between runs with the same
// numbers.
type Record struct {
	// Module is the path of this module and Version its version, "(devel)" in a work tree.
	Module  string `json:"module"`
	Version string `json:"version"`
	// Build holds what the Go tool knows: Go's version, the revision and whether the work tree
	// was modified (vcs.revision, vcs.modified, not in what `go run` builds), tags and
	// experiments.
	Build map[string]string `json:"build"`
	// Executable is the SHA-256 digest of the program, which tells builds without a revision
	// from each other; empty where it cannot be read.
	Executable string `json:"executable"`
	// Command are the arguments of the process, the program first.
	Command []string `json:"command"`
	// Seed and Backend are those of the run, if it has them, and Device is what the backend says
	// of its device.
	Seed    any     `json:"seed,omitempty"`
	Backend any     `json:"backend,omitempty"`
	Device  string  `json:"device,omitempty"`
	Machine Machine `json:"machine"`
	// Started is when the process began that wrote the results, and Seconds how long it took;
	// an interrupted run has had others before.
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	// Inputs are the SHA-256 digests, in hexadecimal, of the files that the user named.
	Inputs map[string]string `json:"inputs,omitempty"`
	// Shares are the records of the processes whose shares a run has merged.
	Shares []*Record `json:"shares,omitempty"`
}

// module is the path of this module.
const module = "github.com/latdiff/latdiff"

// started is when the process began, but for the time to load it.
var started = time.Now()

// New returns the record of this process.
func New() *Record {
	r := &Record{
		Module: module, Build: map[string]string{"go": runtime.Version()}, Executable: executable(), Command: os.Args, Machine: DescribeMachine(),
		Started: started.UTC(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		r.Version = version(info)
		for _, s := range info.Settings {
			if slices.Contains([]string{"-tags", "CGO_ENABLED", "GOEXPERIMENT", "GOAMD64", "vcs.revision", "vcs.time", "vcs.modified"}, s.Key) {
				r.Build[s.Key] = s.Value
			}
		}
	}
	r.Finish()
	return r
}

// executable returns the digest of the running program, once.
var executable = sync.OnceValue(func() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	d, err := Digest(path)
	if err != nil {
		return ""
	}
	return d
})

// version returns the version of this module in a binary, which may be of another module.
func version(info *debug.BuildInfo) string {
	if info.Main.Path == module {
		return info.Main.Version
	}
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return ""
}

// Finish sets the duration to the time that has passed.
func (r *Record) Finish() { r.Seconds = time.Since(started).Seconds() }

// Input adds the digest of a file.
func (r *Record) Input(path string) error {
	d, err := Digest(path)
	if err != nil {
		return err
	}
	if r.Inputs == nil {
		r.Inputs = map[string]string{}
	}
	r.Inputs[path] = d
	return nil
}

// Digest returns the SHA-256 digest of a file in hexadecimal.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("digest: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("digest of %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
