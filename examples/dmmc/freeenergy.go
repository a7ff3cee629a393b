package main

import (
	"context"
	"math"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// logZ adds log Z of the theory in every way that there is.
func (d *dmmc) logZ(ctx context.Context, m diffusion.ScoreModel, ens *lattice.Ensemble) error {
	// Configurations far apart in the training ensemble are independent.
	chosen := lattice.NewEnsemble(ens.Layout, d.o.equilibrium)
	for i := range d.o.equilibrium {
		chosen.Data = append(chosen.Data, ens.Config(i*ens.Len()/d.o.equilibrium)...)
	}
	chosen, err := d.density(ctx, m, chosen)
	if err != nil {
		return err
	}
	q, p := logWeights(d.proposals), logWeights(chosen)
	fromQ, err := stats.LogMeanExp(q)
	if err != nil {
		return err
	}
	inverse := make([]float64, len(p))
	for i, w := range p {
		inverse[i] = -w
	}
	fromP, err := stats.LogMeanExp(inverse)
	if err != nil {
		return err
	}
	fromP.Value = -fromP.Value
	bridge, err := usable(stats.BridgeLogZ(q, p))
	if err != nil {
		return err
	}
	if err := d.forward(ctx, m, ens, chosen); err != nil {
		return err
	}
	file := d.Results()
	file.Add(freeEnergy, logZProposals, fromQ)
	file.Add(freeEnergy, logZEquilib, fromP)
	file.Add(freeEnergy, logZBridge, bridge)
	file.Add(freeEnergy, stepError, stats.Estimate{Value: chosen.Params["step_error"], Error: math.NaN()})
	if !d.o.thermodynamic {
		return nil
	}
	return d.Task(ctx, "thermodynamic integration", func(t *progress.Task) error {
		a := d.Action()
		path, err := phi4.HoppingPath(a.Layout(), a.Kappa(), a.Lambda())
		if err != nil {
			return err
		}
		r, err := mcmc.ThermodynamicIntegration(ctx, path, mcmc.ThermodynamicConfig{
			Breaks: breaks(a), Steps: 3000, Seed: d.seed(seedThermodynamic), Progress: t.Set,
			Checkpoint: d.Folder().Path(thermodynamicState),
		})
		if err != nil {
			return err
		}
		file.Add(freeEnergy, logZThermo, r.LogZ)
		file.Add(freeEnergy, quadratureOfIt, stats.Estimate{Value: r.QuadratureError, Error: math.NaN()})
		return nil
	})
}

// density evaluates log q of configurations by the flow.
func (d *dmmc) density(ctx context.Context, m diffusion.ScoreModel, ens *lattice.Ensemble) (*lattice.Ensemble, error) {
	return d.Ensemble(ctx, equilibriumFile, "log q of equilibrated fields", ens.Len(), func(t *progress.Task) (*lattice.Ensemble, error) {
		f, err := d.Flow(m, t, equilibriumFile)
		if err != nil {
			return nil, err
		}
		l, err := f.LogProb(ctx, ens, d.FlowSeed())
		if err != nil {
			return nil, err
		}
		return d.Annotate(ctx, f, ens, l, d.FlowSeed())
	})
}

// breaks divides the way to a point of the broken phase around the transition, which is
// somewhat above the classical value κ = (1-2λ)/(2d) of (4.4).
func breaks(action *lattice.Phi4) []float64 {
	classical := (1 - 2*action.Lambda()) / (2 * float64(action.Layout().Dim()))
	if classical <= 0 || action.Kappa() <= 1.35*classical {
		return nil
	}
	return []float64{classical, 1.3 * classical}
}
