// Dmmc runs the Markov chain with the proposals of a diffusion model (DM-MC,
// arXiv:2309.17082, section 4.4) beside every classical algorithm on the same cores: φ⁴
// theory near its critical point, κ = 0.27, λ = 0.022 on 32×32 by default.
//
//	GOEXPERIMENT=simd go run ./examples/dmmc -out out-dmmc
//
// The rivals are hybrid Monte Carlo with unit trajectories (of 10 leapfrog steps, and the
// same at the cost of the paper's 100), with long trajectories tuned to an acceptance of
// 0.8, local Metropolis, and cluster updates. The chains with a model are
//
//   - gaussian_mc: the proposals of a Gaussian with the measured power spectrum (of two
//     in an ordered phase), no network
//   - dmmc: proposals of the probability flow with the density of the same map, each used
//     once: exact up to the step error of log q, which is printed
//   - dmmc_paper: proposals drawn with replacement from configurations of the reverse
//     stochastic differential equation, weighted with the density of the flow, as the paper
//     does it; approximate
//   - mixture: in each step either an HMC trajectory or a proposal of the model, each with
//     probability ½; exact as dmmc is
//
// and, if -moves asks for them, 64 chains side by side,
//
//   - latent: moves in the latent space of the flow, whose size β adapts to an acceptance of
//     0.4; exact as dmmc is, and mobile where fresh proposals are rejected
//   - hybrid: in each step a proposal of the model and then -updates cluster cycles or HMC
//     trajectories; exact as dmmc is
//
// For each of them the program prints the acceptance observed and predicted from the
// weights, ESS/N with its bootstrap error, the largest share of a single weight, Pareto k̂
// of the weights (above 0.7 no error of a sum over them is right), the longest run of
// rejections, sd(log w) and both R²; for all algorithms the observables, the fraction of
// M > 0, and the cost of an independent configuration, time × 2τ_int(|M|). The observables
// of the proposals reweighted with w (ensemble reweighted) stand beside.
// At the points of an independent C program its values are printed with the deviations.
//
// Free energy: log Z = log⟨w⟩ over the proposals, -log⟨1/w⟩ over equilibrated
// configurations, Bennett's acceptance ratio of both, and thermodynamic integration from
// κ = 0, which knows nothing of the model (-thermodynamic=false leaves it out).
//
// A shipped model is used where one matches the lattice and the couplings; -retrain trains
// one all the same, -model names another. Files: proposals.npz (cfgs, logq, action), dm.npz
// (the same of the reverse process), equilibrium.npz, mixture.npz, hmc.npz, ensemble.npz,
// results.json, times.json (seconds, which no two runs have in common), action.png
// (figure 7), autocorrelation.png (figure 8), magnetization.png, abs_magnetization.png, and
// denoising.png, and with -moves latent.npz and hybrid.npz. Interrupted with Ctrl-C it keeps what is finished, and the same command
// continues.
//
// The preset quick is meant for two cores: a model that is shipped takes about four minutes
// at 32×32, one at 16×16. The preset paper trains the published U-Net and takes its
// sampler and probes, for a GPU.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/settings"
)

const about = `Dmmc runs the Markov chain with the proposals of a diffusion model beside tuned HMC,
Metropolis, cluster updates and a Gaussian sampler, and compares observables, cost per
independent configuration, and log Z.

The preset quick takes about four minutes on two cores at 32x32 with a shipped model, one
at 16x16; the preset paper has the published network, training and sampler, for a GPU.
`

// options are the flags of the program.
type options struct {
	settings.Options
	retrain       bool
	chain         int // steps of the classical chains, all together
	mixture       int // steps of the mixture, all together
	equilibrium   int // equilibrated configurations whose log q is evaluated
	thermodynamic bool
	moves         string // further chains with the model
	moveSteps     int    // steps of each kind of them, all chains together
	update        string // what hybrid chains do beside proposals
	updates       int    // and how often in a step
}

func main() {
	program.Main("dmmc", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	flags := program.Flags{Out: "out-dmmc", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.27, Lambda: 0.022}
	quick := settings.Options{
		Flags: flags, Configurations: 5120, Model: settings.Pretrained, Objective: "target", Steps: 3000, Batch: 64,
		Samples: 1024, ReverseSteps: 60, FlowSteps: flow.DefaultSteps, Probes: 4,
	}
	var o options
	var err error
	o.Options, err = settings.Parse("dmmc", about, args, quick, settings.PaperOptions(flags), func(fs *flag.FlagSet, _ string) {
		fs.BoolVar(&o.retrain, "retrain", false, "train a model although one is shipped")
		fs.IntVar(&o.chain, "chain", 65536, "steps of hybrid Monte Carlo and Metropolis, all chains together; a fourth of it where a step decorrelates more")
		fs.IntVar(&o.mixture, "mixture", 256, "steps of the mixture of HMC and DM-MC; 0: without it")
		fs.IntVar(&o.equilibrium, "equilibrium", 512, "training configurations whose log q is evaluated for log Z, at most -n")
		fs.StringVar(&o.moves, "moves", independent, "how chains move with the model: independent; latent, also in the latent space of its flow;\nhybrid, also with proposals and other updates in turn; or latent,hybrid")
		fs.IntVar(&o.moveSteps, "moving", 4096, "steps of the latent and of the hybrid chains, all chains together")
		fs.StringVar(&o.update, "update", cluster, "update of hybrid chains: cluster, or hmc for a unit trajectory")
		fs.IntVar(&o.updates, "updates", 4, "updates after each proposal of hybrid chains")
		fs.BoolVar(&o.thermodynamic, "thermodynamic", true, "compute log Z by thermodynamic integration too")
	})
	return o, err
}

// check returns an error for a number that makes no sense.
func (o *options) check() error {
	switch {
	case o.chain < 4*leastChain:
		return fmt.Errorf("expected -chain of at least %d, got %d", 4*leastChain, o.chain)
	case o.mixture != 0 && o.mixture < leastChain:
		return fmt.Errorf("expected -mixture of at least %d, or 0, got %d", leastChain, o.mixture)
	case o.equilibrium < 2 || o.equilibrium > o.Configurations:
		return fmt.Errorf("expected -equilibrium between 2 and -n, got %d", o.equilibrium)
	case o.moveSteps < leastChain:
		return fmt.Errorf("expected -moving of at least %d, got %d", leastChain, o.moveSteps)
	case o.update != cluster && o.update != updateHMC:
		return fmt.Errorf("expected -update %s or %s, got %q", cluster, updateHMC, o.update)
	case o.moves != independent && o.Model == settings.UNet:
		return fmt.Errorf("expected -moves %s with the estimated divergence of a U-Net, got %q", independent, o.moves)
	case o.updates < 1:
		return fmt.Errorf("expected -updates of at least 1, got %d", o.updates)
	case o.Samples < leastChain:
		return fmt.Errorf("expected -samples of at least %d, got %d", leastChain, o.Samples)
	}
	if o.retrain {
		if o.Model != settings.Pretrained {
			return fmt.Errorf("expected -retrain with -model pretrained, got -model %s", o.Model)
		}
		o.Model = settings.Hollow
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	d, err := newDMMC(o)
	if err != nil {
		return err
	}
	if err := d.walk(ctx); err != nil {
		return err
	}
	if err := d.plot(); err != nil {
		return err
	}
	if err := d.Results().Write(d.Folder().Path(program.ResultsFile)); err != nil {
		return err
	}
	return d.print(os.Stdout)
}
