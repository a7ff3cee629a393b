package pipeline

import (
	"context"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// seedFurther is the part of the seed of the first further draw, clear of the others.
const seedFurther = 128

// LongestRejection is the longest run of rejections of a chain in results.json.
const LongestRejection = "longest_rejection"

// Action returns the action of the run.
func (r *Run) Action() *lattice.Phi4 { return r.action }

// Folder returns the output folder, after Open.
func (r *Run) Folder() *program.Run { return r.folder }

// Results returns the table of the run, after Open; what is added to it is written by
// Execute, or by the program.
func (r *Run) Results() *results.File { return r.table }

// Further draws n configurations by the reverse process without their likelihood, in
// addition to those of Reverse, and keeps them in a file of the folder. Draws with other
// numbers are independent.
func (r *Run) Further(ctx context.Context, m diffusion.ScoreModel, number int, file string, n int) (*lattice.Ensemble, error) {
	if r.folder.Has(file) {
		return r.Read(file, n)
	}
	var ens *lattice.Ensemble
	err := r.Task(ctx, "reverse SDE, further draws", func(t *progress.Task) error {
		var err error
		ens, err = r.reverse(ctx, m, n, r.seed(seedFurther+number), diffusion.SamplerConfig{Progress: t.Set})
		if err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(file), ens)
	})
	return ens, err
}

// reverse draws n configurations by the reverse SDE.
func (r *Run) reverse(ctx context.Context, m diffusion.ScoreModel, n int, seed uint64, cfg diffusion.SamplerConfig) (*lattice.Ensemble, error) {
	if r.o.Preset == Paper && r.o.Model == UNet {
		cfg.Scheme, cfg.Process, cfg.IsotropicPrior, cfg.Steps = diffusion.EulerMaruyama, diffusion.VE{}, true, r.o.ReverseSteps
	} else {
		low, _ := diffusion.Levels(m)
		cfg.Levels = diffusion.LogSigma(r.sigmaMax(m), low, r.o.ReverseSteps)
	}
	sampler, err := diffusion.NewSampler(r.backend, m, cfg)
	if err != nil {
		return nil, err
	}
	return sampler.Sample(ctx, n, seed)
}

// Propose draws n configurations through the flow of any model, with the density of the
// same map, and keeps them in a file of the folder. All models start from one latent
// noise.
func (r *Run) Propose(ctx context.Context, m diffusion.ScoreModel, file string, n int) (*lattice.Ensemble, error) {
	if r.folder.Has(file) {
		return r.Read(file, n)
	}
	var ens *lattice.Ensemble
	err := r.Task(ctx, "proposals by the flow", func(t *progress.Task) error {
		f, err := r.flow(m, t)
		if err != nil {
			return err
		}
		s, err := f.Sample(ctx, n, r.seed(seedFlow))
		if err != nil {
			return err
		}
		if ens, err = r.Annotate(ctx, f, s.Ensemble, &s.Likelihood); err != nil {
			return err
		}
		return lattice.WriteEnsemble(r.folder.Path(file), ens)
	})
	return ens, err
}

// AddProposals adds to the table what the log-weights of proposals say, and the
// acceptance and the longest rejection of the chain that they drive.
func (r *Run) AddProposals(name string, proposals *lattice.Ensemble) (mcmc.DMMCResult, error) {
	if _, err := measure.AddLikelihood(r.table, name, proposals.Extra["action"], proposals.Extra["logq"]); err != nil {
		return mcmc.DMMCResult{}, err
	}
	c, err := r.chain(name, proposals)
	if err != nil {
		return c, err
	}
	r.table.Add(name, LongestRejection, stats.Estimate{Value: float64(c.LongestRejection)})
	return c, nil
}
