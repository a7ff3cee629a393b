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

// FlowSeed returns the seed of the draws through the flow.
func (r *Run) FlowSeed() uint64 { return r.seed(seedFlow) }

// FlowConfig returns the configuration of the flow of m in the run, without progress.
func (r *Run) FlowConfig(m diffusion.ScoreModel) flow.Config {
	cfg := flow.Config{Steps: r.o.FlowSteps, SigmaMax: r.o.SigmaMax, Probes: r.o.Probes}
	if r.o.Preset == Paper && r.o.Model == UNet {
		cfg.Divergence = flow.GaussianProbes
	}
	return cfg
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
		l, err := f.LogProb(ctx, out, r.seed(seedFlow))
		if err != nil {
			return err
		}
		if out, err = r.Annotate(ctx, f, out, l); err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(file), out)
	})
	return out, err
}
