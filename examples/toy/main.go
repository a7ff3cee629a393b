// Toy reproduces figure 3 of arXiv:2309.17082: the drift and the effective action that
// a diffusion model learns of a single variable with the action (3.19),
// S = μ²/2 φ² + g/4! φ⁴, in a single and in a double well, and samples from it. All of
// it is compared with quadrature.
//
//	GOEXPERIMENT=simd go run ./examples/toy -out out-toy
//
// The process is that of the paper, dφ = 25^t dW for 0 ≤ t ≤ 1, whose noise level σ(t)
// grows to 9.85; the paper calls τ = 1 - t the time of the reverse process. The drift
// ∂ log p_σ/∂φ is that of the density with noise, in the convention of machine learning
// and of stochastic quantization alike; it becomes K = -∂S/∂φ for σ → 0.
//
// There are three models. The plain one is a network for the whole drift, as in the paper.
// The wrapped one is a network for what a Gaussian with the variance of the data leaves,
// or, in a double well, a mixture of two. Both are trained by denoising score matching,
// whose accuracy ends at the statistics of the data; the model called target is the wrapped
// one trained on the drift K of the action instead. The Gaussian part alone is the baseline.
// The preset paper trains wider networks for 500 epochs of batches of 64, as the paper does.
//
// The program prints its tables and writes plots, models and results.json into the
// output folder. Interrupted with Ctrl-C it keeps what is finished, and the same command
// continues. Beside the names of observables that all programs share, results.json has
//
//   - drift_rms_tau_X: the error of the drift at τ = X, rms over p_σ; drift_rms_tau_X of
//     the ensemble exact is the rms of the drift itself
//   - drift_rms: σ times that error, rms over all levels in log σ
//   - kl_bound: ∫ σ² ⟨error²⟩ d log σ = ½ ∫ g² ⟨error²⟩ dt in nats, which with the
//     divergence at the largest level bounds the Kullback–Leibler divergence of e^{-S} from
//     the end of the reverse equation (Song et al., arXiv:2101.09258, theorem 1)
//   - ks_d, ks_p: the Kolmogorov–Smirnov test of samples against e^{-S}
//   - logq_rms, logq_median: the error of log q over samples of the flow, against
//     quadrature, its rms and the median of its size; the rms is that of a few samples
//     in the tails
//   - logq_step_error: the part of it that the steps of the flow make, estimated
//
// For every potential, such as mu2_-1_g_0.4, it has the ensembles exact_P (quadrature),
// data_P (the training data), gaussian_P, plain_P, wrapped_P and target_P (the models). Of
// each model it has samples: of the reverse equation by the Euler–Maruyama scheme of the
// paper, plain_euler_P, by ancestral sampling, plain_ancestral_P, and of the probability
// flow, plain_flow_P. Plots show the drift, the action S_DM with its minimum at that of S,
// its flow (3.20) and histograms.
//
// Several processes share the training with -task: with m models, model j of potential i is of share
// i·m+j mod n, and merge/n does the rest.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("toy", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// Values of the flag -preset.
const (
	quick = "quick"
	paper = "paper"
)

// options are the flags of the program.
type options struct {
	program.Flags
	Preset         string
	Mu2, G         string
	Models         string
	Configurations int
	Steps, Batch   int
	Samples        int
	ReverseSteps   int
	FlowSteps      int
	task           program.Task
}

func parse(args []string) (options, error) {
	var o options
	common := flag.NewFlagSet("", flag.ContinueOnError)
	o.Register(common, program.Flags{Out: "out-toy", Seed: 1, Backend: "go"})
	fs := flag.NewFlagSet("toy", flag.ContinueOnError)
	common.VisitAll(func(f *flag.Flag) {
		switch f.Name {
		// A single variable has no lattice.
		case "out", "seed", "backend":
			fs.Var(f.Value, f.Name, f.Usage)
		}
	})
	fs.StringVar(&o.Preset, "preset", quick, "quick, or paper for the training of the paper, 500 epochs")
	fs.StringVar(&o.Mu2, "mu2", "1,-1", "μ² of the potentials, a list")
	fs.StringVar(&o.G, "g", "0.4", "coupling g of the potentials, one for all or a list")
	fs.StringVar(&o.Models, "model", "plain,wrapped,target", "models, a list: plain, wrapped (by denoising) and target (wrapped, by target score matching)")
	fs.IntVar(&o.Configurations, "n", 5120, "training configurations")
	fs.IntVar(&o.Steps, "steps", 0, "training steps; 0: those of the preset")
	fs.IntVar(&o.Batch, "batch", 0, "training batch; 0: that of the preset")
	fs.IntVar(&o.Samples, "samples", 1024, "samples to draw from each model, by each method")
	fs.IntVar(&o.ReverseSteps, "reverse-steps", 0, "steps of the reverse stochastic differential equation; 0: those of the preset")
	fs.IntVar(&o.FlowSteps, "flow-steps", 48, "steps of the probability flow, one evaluation each")
	o.task.Register(fs, false)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Toy compares the drift that a diffusion model learns of a single variable with quadrature (figure 3 of the paper).")
		fs.PrintDefaults()
	}
	return o, program.Parse(fs, args)
}

// setPreset fills in what the preset decides.
func (o *options) setPreset() error {
	steps, batch, reverse := 4000, 128, 200
	switch o.Preset {
	case quick:
	case paper:
		const epochs, published = 500, 250
		training := diffusion.PaperTraining(o.Configurations)
		steps, batch, reverse = epochs/published*training.Steps, training.Batch, 500
	default:
		return fmt.Errorf("expected -preset quick or paper, got %q", o.Preset)
	}
	for _, n := range []struct {
		value  *int
		preset int
	}{{&o.Steps, steps}, {&o.Batch, batch}, {&o.ReverseSteps, reverse}} {
		if *n.value == 0 {
			*n.value = n.preset
		}
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	t, err := newToy(o)
	if err != nil {
		return err
	}
	return t.run(ctx)
}
