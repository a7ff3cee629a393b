package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// logWeights returns log w = -S - log q of configurations that the pipeline annotated.
func logWeights(ens *lattice.Ensemble) []float64 {
	return measure.LogWeights(ens.Extra["action"], ens.Extra["logq"])
}

// modelChains runs the independence samplers over the configurations of the models.
func (d *dmmc) modelChains() error {
	for i, e := range []struct {
		name    string
		ens     *lattice.Ensemble
		replace bool
	}{{gaussianMC, d.gaussian, false}, {exact, d.proposals, false}, {published, d.reverse, true}} {
		if err := d.addWeights(e.name, e.ens); err != nil {
			return err
		}
		rng := rand.New(rand.NewPCG(d.seed(seedChain+i), 0))
		logw := logWeights(e.ens)
		draws := make([]int, len(logw))
		for j := range draws {
			if draws[j] = j; e.replace {
				draws[j] = rng.IntN(len(logw))
			}
		}
		picked := make([]float64, len(logw))
		for j, k := range draws {
			picked[j] = logw[k]
		}
		c, err := mcmc.DMMC(rng, picked)
		if err != nil {
			return fmt.Errorf("%s: %w", titles[e.name], err)
		}
		index, moved := make([]int, len(c.Index)), make([]float64, len(c.Index)-1)
		for t, k := range c.Index {
			index[t] = draws[k]
			if t > 0 && k != c.Index[t-1] {
				moved[t-1] = 1
			}
		}
		series := []measure.Series{measure.FromEnsemble(d.Action(), e.ens).Pick(index)}
		if err := d.addChain(e.name, series, [][]float64{moved}); err != nil {
			return err
		}
		d.Results().Add(e.name, measure.LongestRejection, stats.Estimate{Value: float64(c.LongestRejection), Error: math.NaN()})
	}
	s := measure.FromEnsemble(d.Action(), d.proposals)
	return d.Results().Of(reweighted).Add(measure.Reweighted(s, logWeights(d.proposals)))
}

// addChain adds the observables of chains and their acceptance.
func (d *dmmc) addChain(name string, series []measure.Series, accepted [][]float64) error {
	d.chains[name] = series
	if err := d.Results().Of(name).Add(measure.Chain(series...)); err != nil {
		return err
	}
	e, err := chainMean(accepted)
	d.Results().Add(name, measure.Acceptance, e)
	return err
}

// addWeights adds what the weights of all configurations of a model say.
func (d *dmmc) addWeights(name string, ens *lattice.Ensemble) error {
	file := d.Results()
	if err := file.Of(name).Add(measure.Likelihood(ens.Extra["action"], ens.Extra["logq"])); err != nil {
		return err
	}
	logw := logWeights(ens)
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return fmt.Errorf("%s: %w", titles[name], err)
	}
	resampled := make([]float64, len(logw))
	b, err := stats.BootstrapFunc(len(logw), stats.BootstrapConfig{Seed: d.o.Seed}, func(idx []int) float64 {
		for j, i := range idx {
			resampled[j] = logw[i]
		}
		ess, err := stats.LogWeightESS(resampled)
		if err != nil {
			return math.NaN()
		}
		return ess
	})
	if err != nil {
		return fmt.Errorf("%s: bootstrap of the ESS: %w", titles[name], err)
	}
	file.Add(name, essBootstrap, stats.Estimate{Value: b.Error, Error: math.NaN()})
	file.Add(name, largestShare, stats.Estimate{Value: w.MaxShare, Error: math.NaN()})
	file.Add(name, paretoK, stats.Estimate{Value: w.ParetoK, Error: math.NaN()})
	file.Add(name, stepError, stats.Estimate{Value: ens.Params["step_error"], Error: math.NaN()})
	return nil
}

const (
	mixtureChains = 4
	// mixtureBatch is the number of proposals that each chain of the mixture draws at once.
	mixtureBatch = 16
	// moves is an array in the file of the mixture: 1 for an accepted proposal of the
	// model, 0 for a rejected one, -1 for a trajectory.
	moves = "moves"
)

// mixture runs the mixture of trajectories and proposals of the model: log q of a field
// that a trajectory has changed is evaluated anew.
func (d *dmmc) mixture(ctx context.Context, m diffusion.ScoreModel, ens *lattice.Ensemble) error {
	if d.o.mixture == 0 {
		return nil
	}
	each := d.o.mixture / mixtureChains
	all, err := d.Ensemble(ctx, mixtureFile, titles[mixed], each*mixtureChains, func(t *progress.Task) (*lattice.Ensemble, error) {
		all, seconds, err := d.runMixture(ctx, t, m, ens, each)
		if err != nil {
			return nil, err
		}
		return all, d.times.set(mixed, seconds)
	})
	if err != nil {
		return err
	}
	var series []measure.Series
	var accepted [][]float64
	for c := range mixtureChains {
		part := all.Slice(c*each, (c+1)*each)
		series = append(series, measure.FromEnsemble(d.Action(), part))
		proposals := slices.DeleteFunc(slices.Clone(part.Extra[moves]), func(v float64) bool { return v < 0 })
		if len(proposals) > 0 {
			accepted = append(accepted, proposals)
		}
	}
	return d.addChain(mixed, series, accepted)
}

// noise returns the variance of the difference of two estimates of log q, 0 for a
// divergence that is known exactly.
func (d *dmmc) noise() float64 {
	sum := 0.0
	for _, e := range d.proposals.Extra["logq_error"] {
		sum += 2 * e * e
	}
	return sum / float64(d.proposals.Len())
}

// runMixture returns the configurations of the chains, and the time of a step with all cores at work.
func (d *dmmc) runMixture(ctx context.Context, t *progress.Task, m diffusion.ScoreModel, ens *lattice.Ensemble, each int) (*lattice.Ensemble, float64, error) {
	action := d.Action()
	cfg := d.o.Flow()
	cfg.Batch = mixtureBatch
	f, err := flow.New(d.Backend(), m, cfg)
	if err != nil {
		return nil, 0, err
	}
	chains := make([]*stage.WalkResult, mixtureChains)
	var done atomic.Int64
	err = parallel(mixtureChains, func(c int) error {
		p, err := flow.NewProposer(f, flow.ProposerConfig{Batch: mixtureBatch})
		if err != nil {
			return err
		}
		propose, err := mcmc.NewIndependence(action, p, mcmc.IndependenceConfig{NoiseVariance: d.noise()})
		if err != nil {
			return err
		}
		trajectory, err := hmc.New(action, hmc.Config{Steps: 10})
		if err != nil {
			return err
		}
		kernel, err := mcmc.NewMixture(nil, trajectory, propose)
		if err != nil {
			return err
		}
		chain, err := mcmc.NewChain(kernel, ens.Config(c*ens.Len()/mixtureChains), d.seed(seedMixture), uint64(c))
		if err != nil {
			return err
		}
		chains[c], err = stage.Walk(ctx, chain, stage.WalkConfig{
			Path: d.Folder().State(mixtureFile, strconv.Itoa(c)), Name: "mixture-" + strconv.Itoa(c), Steps: each, Columns: 3,
			// The configuration, the move, and how many have been accepted.
			Observe: func(chain *mcmc.Chain, columns [][]float64) error {
				accepted := float64(chain.Stats().Accepted)
				move := accepted
				if n := len(columns[2]); n > 0 {
					move -= columns[2][n-1]
				}
				if kernel.Last() == 0 {
					move = -1
				}
				columns[0], columns[1], columns[2] = append(columns[0], chain.Field()...), append(columns[1], move), append(columns[2], accepted)
				return nil
			},
			Progress: func(int) { t.Set(int(done.Add(1)), each*mixtureChains) },
		})
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	all, seconds := lattice.NewEnsemble(action.Layout(), each*mixtureChains), 0.0
	for _, c := range chains {
		all.Data, all.Extra[moves] = append(all.Data, c.Columns[0]...), append(all.Extra[moves], c.Columns[1]...)
		seconds += c.Seconds
	}
	all.Params = action.Params()
	return all, seconds / float64(all.Len()*min(mixtureChains, runtime.GOMAXPROCS(0))), nil
}
