package pipeline

import (
	"context"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
)

// Backend returns the backend of the run.
func (r *Run) Backend() compute.Backend { return r.backend }

// FlowConfig returns the configuration of the flow of m in the run, without progress.
func (r *Run) FlowConfig(m diffusion.ScoreModel) flow.Config {
	cfg := flow.Config{Steps: r.o.FlowSteps, SigmaMin: sigmaMin, SigmaMax: r.sigmaMax(m), Seed: r.seed(seedFlow)}
	switch network, ok := m.(*diffusion.Model); {
	case !ok || isExact(network.Network()):
		// The divergence is known.
	case r.o.Preset == Paper:
		cfg.Divergence, cfg.Probes = flow.GaussianProbes, r.o.Probes
	case maxColours(r.lat) > 1:
		cfg.Divergence, cfg.Probes = flow.Probing, min(r.o.Probes, maxColours(r.lat))
	default:
		cfg.Probes = r.o.Probes
	}
	return cfg
}

func isExact(network diffusion.Architecture) bool {
	_, ok := network.(diffusion.ExactNetwork)
	return ok
}

// maxColours returns the largest number of colours that probing has for lat: the
// powers of two in its extents.
func maxColours(lat *lattice.Lattice) int {
	colours := 1
	for _, n := range lat.Dims() {
		colours *= n & -n
	}
	return colours
}

// Density evaluates log q of every configuration of ens by the flow, and keeps both in a
// file of the folder.
func (r *Run) Density(ctx context.Context, m diffusion.ScoreModel, file string, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	if r.folder.Has(file) {
		return r.Read(file, ens.Len())
	}
	out := &lattice.Ensemble{Layout: ens.Layout, Data: ens.Data}
	err := r.Task(ctx, "log q of equilibrated fields", func(t *progress.Task) error {
		f, err := r.flow(m, t)
		if err != nil {
			return err
		}
		l, err := f.LogProb(ctx, out)
		if err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(file), r.Annotate(out, l))
	})
	return out, err
}
