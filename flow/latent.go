package flow

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// Latent draws n latent fields at σ_max, one after the other, in the basis of modes, for
// [ProbabilityFlow.Transport].
func (f *ProbabilityFlow) Latent(rng *rand.Rand, n int) []float64 { return f.prior.Modes(rng, n) }

// Perturb moves latent fields by a step of size beta, from 0, not at all, to 1, a fresh
// draw, that is reversible with respect to their distribution; see [diffusion.Prior].
func (f *ProbabilityFlow) Perturb(rng *rand.Rand, latent []float64, beta float64) []float64 {
	return f.prior.Perturb(rng, latent, beta)
}

// Transport maps given latent fields to configurations, with the density of the map as
// [ProbabilityFlow.Sample] does for fields that it draws. The seed determines the probes of a
// divergence that is not known. It returns an error for latent fields of the wrong length or
// that are not finite, and those of Sample.
func (f *ProbabilityFlow) Transport(ctx context.Context, latent []float64, seed uint64) (*Samples, error) {
	v := f.layout.Size()
	if len(latent) == 0 || len(latent)%v != 0 {
		return nil, fmt.Errorf("flow: expected latent fields of %d numbers each, got %d numbers", v, len(latent))
	}
	if err := lattice.CheckField(latent, len(latent)); err != nil {
		return nil, fmt.Errorf("flow: latent fields: %w", err)
	}
	return f.transport(ctx, 0, len(latent)/v, seed, "", func(_, lo, hi int) []float64 { return latent[lo*v : hi*v] })
}

// Map is Transport for the chains of mcmc.Latent. It returns an error for a model whose
// divergence is estimated: the noise of log q would move their equilibrium.
func (f *ProbabilityFlow) Map(ctx context.Context, latent []float64) (fields, logq []float64, err error) {
	if err := f.checkExact(); err != nil {
		return nil, nil, err
	}
	s, err := f.Transport(ctx, latent, 0)
	if err != nil {
		return nil, nil, err
	}
	return s.Ensemble.Data, s.LogQ, nil
}

// LogDensity is [ProbabilityFlow.LogProb] for the chains of mcmc.Composite, of configurations
// one after the other. It returns an error for fields of the wrong length, for a model whose
// divergence is estimated, and those of LogProb.
func (f *ProbabilityFlow) LogDensity(ctx context.Context, fields []float64) (logq []float64, err error) {
	if err := f.checkExact(); err != nil {
		return nil, err
	}
	if v := f.layout.Size(); len(fields) == 0 || len(fields)%v != 0 {
		return nil, fmt.Errorf("flow: expected configurations of %d numbers each, got %d numbers", v, len(fields))
	}
	ens := &lattice.Ensemble{Layout: f.layout, Data: fields}
	if err := f.checkFields(ens); err != nil {
		return nil, err
	}
	l, err := f.logProb(ctx, ens, "", f.run(0, f.reporter(ens.Len())))
	if err != nil {
		return nil, err
	}
	return l.LogQ, nil
}

// checkExact returns an error if log q has the noise of probes.
func (f *ProbabilityFlow) checkExact() error {
	if f.cfg.Divergence.random() {
		return fmt.Errorf("flow: expected a divergence that is known, or that of Jacobian, for exact chains of many fields, got the estimate %v", f.cfg.Divergence)
	}
	return nil
}

// Layout returns the layout of the configurations.
func (f *ProbabilityFlow) Layout() lattice.Layout { return f.layout }
