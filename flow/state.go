package flow

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/chunk"
)

// open returns the state of a call in the file of the configuration, nil without one and for
// calls without a name. It fills in what finished chunks gave.
func (f *ProbabilityFlow) open(name string, r run, n int, out *Likelihood, e efforts, more ...chunk.Column) (*chunk.State, error) {
	if name == "" || f.cfg.Checkpoint == "" {
		return nil, nil
	}
	flow, err := f.Fingerprint()
	if err != nil {
		return nil, fmt.Errorf("flow: checkpoint: %w", err)
	}
	run := fmt.Sprintf("%s from chunk %d on with the seed %d through the flow of the %s", name, r.first, r.seed, flow)
	part := func(x []float64) func(c, lo, hi int) []float64 {
		return func(_, lo, hi int) []float64 { return x[lo:hi] }
	}
	columns := append(more, chunk.Column{Name: "logq", Of: part(out.LogQ)}, chunk.Column{Name: "probe_error", Of: part(out.ProbeError)},
		chunk.Column{Name: "effort", Of: func(c, _, _ int) []float64 { return e[c][:] }})
	s, err := chunk.Open(f.cfg.Checkpoint, f.cfg.CheckpointEvery, run, n, f.cfg.Batch, columns...)
	if err != nil {
		return nil, fmt.Errorf("flow: checkpoint: %w", err)
	}
	return s, nil
}

// Fingerprint says which flow it is, by a digest of the weights of the model, the layout, the settings
// and the backend: the same draws come from flows with the same one. It returns an error if the
// weights cannot be read.
func (f *ProbabilityFlow) Fingerprint() (string, error) {
	id, err := chunk.Identity(f.m)
	if err != nil {
		return "", fmt.Errorf("flow: weights of the model: %w", err)
	}
	cfg := f.cfg
	cfg.Progress, cfg.Checkpoint, cfg.CheckpointEvery = nil, "", 0
	return fmt.Sprintf("model %s on %v, %+v, on the backend %s", id, f.layout, cfg, f.backend.Name()), nil
}

// efforts are the numbers of every chunk, in the form in which a state keeps them.
type efforts [][3]float64

func newEfforts(chunks int) efforts { return make(efforts, chunks) }

func (e efforts) set(c int, x Effort) {
	e[c] = [3]float64{float64(x.Accepted), float64(x.Rejected), float64(x.Evaluations)}
}

func (e efforts) addTo(x *Effort) {
	for _, c := range e {
		x.Accepted += int(c[0])
		x.Rejected += int(c[1])
		x.Evaluations += int(c[2])
	}
}

// digest returns a digest of numbers.
func digest(x []float64) string {
	h := sha256.New()
	var b [8]byte
	for _, v := range x {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
