package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/export"
	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/stats/interchange"
)

// Names of the algorithms, which are the ensembles in results.json.
const (
	unitHMC     = "hmc"
	paperHMC    = "hmc_100_steps" // unitHMC with more integrator steps, for its time only
	tunedHMC    = "hmc_tuned"
	metropolis  = "metropolis"
	cluster     = "cluster"
	gaussianMC  = "gaussian_mc"
	exact       = "dmmc"
	published   = "dmmc_paper"
	mixed       = "mixture"
	latentSpace = "latent"
	composite   = "hybrid"
	reweighted  = "reweighted" // proposals with their weights, no chain
)

var titles = map[string]string{
	unitHMC: "HMC, unit trajectories", paperHMC: "HMC, unit, 100 steps", tunedHMC: "HMC, long, tuned",
	metropolis: "Metropolis", cluster: "cluster", gaussianMC: "Gaussian MC", exact: "DM-MC", published: "DM-MC as published (approx.)",
	mixed: "HMC and DM-MC mixed", latentSpace: "latent space of DM", composite: "DM-MC and updates in turn", reweighted: "DM, reweighted",
}

// Files in the output folder beside those of the pipeline.
const (
	equilibriumFile = "equilibrium.npz"
	mixtureFile     = "mixture.npz"
	timesFile       = "times.json"
	// thermodynamicState holds the thermodynamic integration, also when it is finished.
	thermodynamicState = "thermodynamic.state"
)

// leastChain is the least number of steps whose observables have errors.
const leastChain = 32

// Observables in results.json that measure does not name.
const (
	largestShare   = "largest_weight_share"
	paretoK        = "pareto_k"            // of the tail of the weights
	essBootstrap   = "ess_bootstrap_error" // standard deviation of ESS/N over resamplings
	stepError      = "step_error"          // of log q, rms, estimated with twice as many steps
	logZProposals  = "log_z_proposals"     // log⟨w⟩_q
	logZEquilib    = "log_z_equilibrium"   // -log⟨1/w⟩_p
	logZBridge     = "log_z_bridge"        // Bennett
	logZThermo     = "log_z_thermodynamic" // integral over κ
	quadratureOfIt = "quadrature_error"    // of that integral, an overestimate
	freeEnergy     = "free_energy"         // the ensemble of these
)

// dmmc is one run of the program.
type dmmc struct {
	*pipeline.Run
	o      options
	kinds  []string // of chains in -moves
	times  *times
	chains map[string][]measure.Series

	gaussian, reverse, proposals *lattice.Ensemble

	// finished, if not nil, is told of the files that stages leave.
	finished func(file string)
}

// newDMMC checks all input.
func newDMMC(o options) (*dmmc, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d := &dmmc{o: o, chains: map[string][]measure.Series{}}
	var err error
	if d.kinds, err = parseMoves(o.moves); err != nil {
		return nil, err
	}
	if d.Run, err = pipeline.New(o.Options); err != nil {
		return nil, err
	}
	d.Run.Share = o.task
	// Four observables after every step, and every configuration of the mixture.
	if err := program.CheckSize("chain", o.chain, 4); err != nil {
		return nil, err
	}
	if err := program.CheckSize("moving", o.moveSteps, d.Action().Layout().Size()); err != nil {
		return nil, err
	}
	return d, program.CheckSize("mixture", o.mixture, d.Action().Layout().Size())
}

// seed returns the seed of one part of the run, clear of those of the pipeline.
func (d *dmmc) seed(part int) uint64 { return d.o.Seed<<8 + 64 + uint64(part) }

const (
	seedTuning = iota
	seedMixture
	seedThermodynamic
	seedChain     // of a model: two of them, further seeds follow
	seedLatent    = 12
	seedComposite = 13
	seedRival     = 16
)

// open opens the folder of the run.
func (d *dmmc) open() error {
	err := d.Open(map[string]any{
		"chain": d.o.chain, "mixture": d.o.mixture, "equilibrium": d.o.equilibrium, "thermodynamic": d.o.thermodynamic,
		"moves": d.o.moves, "moving": d.o.moveSteps, "update": d.o.update, "updates": d.o.updates,
	})
	if err != nil {
		return err
	}
	d.times, err = openTimes(d.Folder())
	return err
}

// walk goes through the stages.
func (d *dmmc) walk(ctx context.Context) error {
	if err := d.open(); err != nil {
		return err
	}
	ens, err := d.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	d.left(program.EnsembleFile)
	if err := d.rivals(ctx, ens); err != nil {
		return err
	}
	m, err := d.Train(ctx, ens)
	if err != nil {
		return err
	}
	if err := d.draw(ctx, m, ens); err != nil {
		return err
	}
	if err := d.modelChains(); err != nil {
		return err
	}
	if err := d.mixture(ctx, m, ens); err != nil {
		return err
	}
	d.left(mixtureFile)
	if err := d.move(ctx, m); err != nil {
		return err
	}
	for _, name := range d.names() {
		if err := d.Results().Of(name).Add(measure.Signs(d.chains[name]...)); err != nil {
			return err
		}
	}
	if d.o.export {
		if err := d.export(); err != nil {
			return err
		}
	}
	return d.logZ(ctx, m, ens)
}

// export writes the series of all algorithms for other programs.
func (d *dmmc) export() error {
	var ensembles []interchange.Ensemble
	for _, name := range d.names() {
		ensembles = append(ensembles, measure.Interchange(name, d.chains[name]...))
	}
	description := fmt.Sprintf("φ⁴ on %v, κ = %v, λ = %v, seed %d", d.Action().Layout().Lattice, d.o.Kappa, d.o.Lambda, d.o.Seed)
	return export.Save(d.Folder(), description, ensembles...)
}

func (d *dmmc) left(file string) {
	if d.finished != nil {
		d.finished(file)
	}
}

// names returns the algorithms of the run in the order of the tables.
func (d *dmmc) names() []string {
	var names []string
	for _, n := range []string{unitHMC, tunedHMC, metropolis, cluster, gaussianMC, exact, published, mixed, latentSpace, composite} {
		if d.chains[n] != nil {
			names = append(names, n)
		}
	}
	return names
}

// draw makes all configurations of the models, and times it.
func (d *dmmc) draw(ctx context.Context, m diffusion.ScoreModel, ens *lattice.Ensemble) error {
	start := time.Now()
	var err error
	if d.gaussian, err = d.Gaussian(ctx, ens); err != nil {
		return err
	}
	if err := d.times.set(gaussianMC, time.Since(start).Seconds()/float64(d.o.Samples)); err != nil {
		return err
	}
	if d.o.task.Part == program.Merge {
		if err := d.merge(); err != nil {
			return err
		}
	}
	if d.proposals, err = d.drawProposals(ctx, m); err != nil {
		return err
	}
	d.left(program.ProposalsFile)
	// A file of an earlier run comes with the time of that run.
	have, err := d.Folder().Has(program.ReverseFile)
	if err != nil {
		return err
	}
	start = time.Now()
	if d.reverse, err = d.Reverse(ctx, m); err != nil {
		return err
	}
	d.left(program.ReverseFile)
	if have || d.Joined != nil {
		return nil
	}
	return d.times.set(published, time.Since(start).Seconds()/float64(d.o.Samples))
}

// drawProposals draws through the flow. Its time is that of the draws, without the check
// of the step size.
func (d *dmmc) drawProposals(ctx context.Context, m diffusion.ScoreModel) (*lattice.Ensemble, error) {
	return d.Ensemble(ctx, program.ProposalsFile, "proposals by the flow", d.o.Samples, func(t *progress.Task) (*lattice.Ensemble, error) {
		f, err := d.Flow(m, t, program.ProposalsFile)
		if err != nil {
			return nil, err
		}
		if d.Joined != nil {
			return d.Join(ctx, f, program.ProposalsFile, d.o.Samples)
		}
		start := time.Now()
		s, err := f.Sample(ctx, d.o.Samples, d.FlowSeed())
		if err != nil {
			return nil, err
		}
		if err := d.times.set(exact, time.Since(start).Seconds()/float64(d.o.Samples)); err != nil {
			return nil, err
		}
		return d.Annotate(ctx, f, s.Ensemble, &s.Likelihood, d.FlowSeed())
	})
}

// chainMean returns the mean over chains with an error for their autocorrelation.
func chainMean(replicas [][]float64) (stats.Estimate, error) {
	g, err := stats.GammaMethod(replicas, stats.GammaConfig{})
	return usable(g.Mean, err)
}

// usable drops the error of an estimate from a series that is short for its
// autocorrelation. One that fluctuates to a negative τ_int has a value, but no error bar.
func usable(e stats.Estimate, err error) (stats.Estimate, error) {
	if errors.Is(err, stats.ErrNegativeVariance) {
		return stats.Estimate{Value: e.Value, Error: math.NaN()}, nil
	}
	return e, measure.Usable(err)
}
