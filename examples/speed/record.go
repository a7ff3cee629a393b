package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/provenance"
)

// record is the content of the file of -json. Times are in milliseconds.
type record struct {
	Machine  provenance.Machine `json:"machine"`
	Build    map[string]string  `json:"build"`    // settings of the Go tool
	Versions map[string]string  `json:"versions"` // of Go and of the modules of GoMLX
	Backend  struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Device      string `json:"device"`
	} `json:"backend"`
	Lattice      []int `json:"lattice"`
	FlowSteps    int   `json:"flow_steps"`
	ReverseSteps int   `json:"reverse_steps"`
	Rows         []row `json:"rows"`
}

// row holds the numbers of one network and batch.
type row struct {
	Network    string `json:"network"`
	Weights    int    `json:"weights"`
	Batch      int    `json:"batch"`
	Training   number `json:"training_step_ms"`
	Flow       number `json:"flow_ms_per_configuration"`
	Reverse    number `json:"reverse_sde_ms_per_configuration"`
	Score      number `json:"score_ms"`
	Divergence number `json:"score_divergence_ms"`
}

// number is a time with its range.
type number struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Times  int     `json:"times"`
	// Host is the part of the elapsed time in which the backend executed nothing; nil:
	// not measured.
	Host *float64 `json:"host,omitempty"`
}

// String formats the median, and the part of the host where it was measured.
func (n number) String() string {
	if n.Host == nil {
		return fmt.Sprintf("%.4g", n.Median)
	}
	return fmt.Sprintf("%.4g (%.1f%%)", n.Median, 100**n.Host)
}

// newRecord returns a record without rows.
func newRecord(b *bench) *record {
	p := provenance.New()
	r := &record{
		Machine: p.Machine, Build: p.Build, Versions: map[string]string{"go": runtime.Version()},
		Lattice: b.lattice.Dims(), FlowSteps: b.flowSteps, ReverseSteps: b.reverseSteps, Rows: []row{},
	}
	r.Backend.Name, r.Backend.Description, r.Backend.Device = b.backend.Name(), b.backend.Description(), b.backend.DeviceDescription(0)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	for _, d := range info.Deps {
		if strings.HasPrefix(d.Path, "github.com/gomlx/") {
			r.Versions[d.Path] = d.Version
		}
	}
	return r
}

// write writes the record, atomically.
func (r *record) write(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		if err := e.Encode(r); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		return nil
	})
}
