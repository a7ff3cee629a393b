// Autocorrelation reproduces figure 8 and the table of τ_int of section 4.4 of
// arXiv:2309.17082 (κ = 0.27, λ = 0.022, 32×32) and puts them right: the autocorrelation
// function of |M| for Metropolis with global and local proposals, hybrid Monte Carlo,
// cluster updates, and the Markov chain with the proposals of a diffusion model.
//
//	GOEXPERIMENT=simd go run ./examples/autocorrelation -out out-autocorrelation
//
// Everything is computed twice. As the paper does it: from one chain of 1024
// configurations, with the sum (4.14) cut at t_max = 100, so that it can never exceed
// 100.5. And properly: from 16 chains that start in equilibrium, with the automatic
// window of Wolff (hep-lat/0306017). The long chains, cut into pieces of 1024
// configurations, also tell what the paper's estimate gives on average and how much it
// scatters. |M| is |(1/V)Σφ|; the quantity that (4.12) prints, (1/V)Σ|φ|, has a column of
// its own.
//
// One step of each algorithm:
//
//   - Metropolis, global: the paper's "MC", one proposal φ → φ + N(0,1) for all sites at
//     once. With this width nothing is ever accepted, and a chain that stands still has no
//     τ_int. The same with its width tuned to an acceptance of 0.234 does move.
//   - Metropolis, local: one sweep over the lattice with two proposals per site.
//   - HMC: a trajectory of length 1 in 100 leapfrog steps of 0.01, as in the paper.
//   - HMC, long: a trajectory of length 10 ± 50 % in about 20 steps of Omelyan's integrator.
//   - Cluster: mcmc.Recommended, a Metropolis sweep, three overrelaxation sweeps, and two
//     Wolff clusters.
//   - DM-MC: one proposal of the diffusion model with the accept step (4.13). The
//     proposals come from the probability flow whose density is evaluated, each once.
//   - DM-MC as published: the proposals are drawn with replacement from 1024
//     configurations of the reverse stochastic differential equation, but weighted with the
//     density of the flow. Its stationary distribution is not e^{-S}, but the weights of
//     these draws show fields that the flow proposes too rarely.
//   - Gaussian: DM-MC without a network, from the power spectrum alone.
//
// Preset quick (the default; about ten minutes on two cores, most of them for the proposals)
// takes the shipped model of 32×32 in place of the paper's network, 2048 proposals, 50 steps
// of the reverse process, and chains of 65536 steps. Preset paper trains the published U-Net
// for 250 epochs, draws by 500 Euler–Maruyama steps, takes ten probes of the divergence, and
// has chains of 524288 steps: it is meant for a GPU with -backend xla:cuda; the classical
// chains alone take ten minutes on two cores.
//
// Interrupted with Ctrl-C it keeps what is finished, and the same command continues.
//
// In results.json every algorithm is an ensemble. Beside the observables of all programs
// it has tau_int_mean_abs_phi, the τ_int of (1/V)Σ|φ|; tau_exp_abs_m; window, where the
// sum ended; reliable, 0 if the chains are too short for their τ_int, or have proposals that
// miss fields of a large weight: it is then a lower bound; short_tau_int_abs_m, the paper's
// estimate from its one chain, null where that does not move; short_mean and short_spread,
// mean and standard deviation over all pieces of that length that do move, with
// short_frozen, the fraction that does not; published, the paper's number, at its
// parameters; and for dmmc_published max_weight, the largest weight e^{-S}/q of its pool
// over the mean weight of the proposals of the flow.
//
// With -task several processes share the algorithms without a model, and -task merge/n makes of
// their chains, and of those with a model, which it runs itself, the results of one process.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/settings"
)

func main() {
	program.Main("autocorrelation", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	settings.Options
	Chain int
	Short int
	TMax  int
	// Proposals is the number of proposals of DM-MC.
	Proposals int
	task      program.Task
}

const about = `Autocorrelation measures τ_int of |M| for Metropolis, HMC, cluster updates and DM-MC at
κ = 0.27 (figure 8 and the table of section 4.4 of arXiv:2309.17082): once as the paper
does, from one chain of 1024 configurations cut at t_max = 100, and once from long chains
with an automatic window. It prints one table and writes autocorrelation.png and
results.json.

  -preset quick  the shipped model of 32x32 instead of the paper's network, chains of
                 65536 steps: 10 minutes on two cores with GOEXPERIMENT=simd
  -preset paper  the published U-Net, training and samplers, chains of 524288 steps:
                 hours on a GPU (-backend xla:cuda), days on a few cores
`

func parse(args []string) (options, error) {
	flags := program.Flags{Out: "out-autocorrelation", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.27, Lambda: 0.022}
	quick := settings.Options{
		Flags: flags, Configurations: 5120, Model: settings.Pretrained, Objective: "target", Steps: 3000, Batch: 64,
		Samples: 1024, ReverseSteps: 50, FlowSteps: flow.DefaultSteps, Probes: 4,
	}
	paper := settings.PaperOptions(flags)
	var o options
	var err error
	o.Options, err = settings.Parse("autocorrelation", about, args, quick, paper, func(fs *flag.FlagSet, preset string) {
		chain, proposals := 65536, 2048
		if preset == settings.Paper {
			chain, proposals = 524288, 10240
		}
		fs.IntVar(&o.Chain, "chain", chain, "steps of each of the 16 long chains of the classical algorithms (a 16th of it for\nthose that decorrelate in a few steps)")
		o.task.Register(fs, false)
		fs.IntVar(&o.Short, "short", 1024, "configurations of the chain from which the paper computes")
		fs.IntVar(&o.Proposals, "proposals", proposals, "proposals of DM-MC, through the flow; -samples is the number of the other draws")
		fs.IntVar(&o.TMax, "tmax", 100, "where the paper cuts the sum (4.14)")
	})
	return o, err
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	p, err := newAutocorrelation(o)
	if err != nil {
		return err
	}
	return p.run(ctx)
}
