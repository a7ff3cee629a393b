// Symmetric reproduces figures 6, 7, 11 and 12 and table 1 of arXiv:2309.17082: φ⁴
// theory on 32×32 in the symmetric phase, κ = 0.21, λ = 0.022.
//
//	GOEXPERIMENT=simd go run ./examples/symmetric -out out-symmetric
//
// A diffusion model is trained on 5120 equilibrated configurations. Table 1 compares the
// training set, a testing set of hybrid Monte Carlo and what the model generates with the
// truth, a long run of cluster and Metropolis updates, and with the numbers that the
// paper prints. Figure 6 is the distribution of the magnetisation, figure 7 the effective
// action -log q against S, with both definitions of R² and with sd(log w), which decides
// the acceptance of DM-MC. Figure 11 trains further models on every (N/n)-th
// configuration of the training set, each with the same number of steps; figure 12 takes
// more and more of the generated configurations, so that its points are not independent.
//
// The preset quick takes about three minutes on two cores. It differs from the preset paper
// in the network (hollow, with an exact divergence and target score matching, in place of
// the published U-Net), in the training (250 steps of 32 configurations, not 20000 of 64),
// in the sampler (30 ancestral steps for 500 Euler–Maruyama steps), and in the number of
// generated configurations of figures 11 (512, not 1024) and 12 (1024, not 51200). The
// preset paper has the published parameters and is meant for a GPU.
//
// Errors are those of the jackknife. That of U_L fluctuates much: for n independent
// configurations with Gaussian M it should be √(24/n)/3, 0.023 for 5120 and 0.051 for 1024.
//
// The program writes the plots, the ensembles, the model and results.json into the output
// folder, and the models of figure 11 into the folders training-N in it. Interrupted with
// Ctrl-C it keeps what is finished, and the same command continues. Ensembles in
// results.json are those of the quickstart, and
//
//   - training, testing: the configurations of table 1
//   - training_n_N, dm_n_N: a training set of N configurations, and what a model of it
//     generates (figure 11)
//   - dm_samples_N: the first N generated configurations (figure 12)
//
// with the further observables ks_d and ks_p, the Kolmogorov–Smirnov test of the
// magnetisation against that of the testing set.
//
// Several processes share the work with -task: train makes the model, i/n draws one of n blocks and
// trains the models of every n-th size of figure 11, whose folders stay those of the shares, and
// merge/n does the rest.
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

const about = `Symmetric reproduces figures 6, 7, 11 and 12 and table 1 of arXiv:2309.17082:
φ⁴ theory in the symmetric phase, against a long run of cluster and Metropolis updates.

The preset quick takes about three minutes on two cores: a hollow network, 250 training
steps of 32 configurations, 30 steps of the reverse process, 512 generated configurations
for every size of the training set in figure 11, and 1024 in all for figure 12.
The preset paper has the published U-Net, 250 epochs, 500 Euler–Maruyama steps, ten probes
of the divergence and 51200 generated configurations; by its operations it takes about
three hours at 10 TFLOP/s.
With -model gaussian there is no network and nothing to train; with -model pretrained or a
file, figure 11 shows the training sets alone.
`

// options are the flags of the program.
type options struct {
	settings.Options
	sizes       string // of the training sets of figure 11
	sizeSamples int    // configurations to generate for each
	pool        int    // configurations to generate for figure 12
	task        program.Task
}

func main() {
	program.Main("symmetric", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	flags := program.Flags{Out: "out-symmetric", Seed: 1, Backend: "go", Dims: "32x32", Kappa: 0.21, Lambda: 0.022}
	quick := settings.Options{
		Flags: flags, Configurations: 5120, Model: settings.Hollow, Objective: "target", Steps: 250, Batch: 32,
		Samples: 1024, ReverseSteps: 30, FlowSteps: flow.DefaultSteps, Probes: 2,
	}
	var o options
	var err error
	o.Options, err = settings.Parse("symmetric", about, args, quick, settings.PaperOptions(flags), func(fs *flag.FlagSet, preset string) {
		sizes, sizeSamples, pool := "80,320,1280", 512, 1024
		if preset == settings.Paper {
			sizes, sizeSamples, pool = "640,1280,2560", 1024, 51200
		}
		fs.StringVar(&o.sizes, "sizes", sizes, "further sizes of the training set for figure 11, a list below -n")
		fs.IntVar(&o.sizeSamples, "size-samples", sizeSamples, "configurations to generate for each size in figure 11, at most -samples")
		fs.IntVar(&o.pool, "pool", pool, "configurations to generate for figure 12, at least -samples")
		o.task.Register(fs, true)
	})
	return o, err
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	s, err := newSymmetric(o)
	if err != nil {
		return err
	}
	if err := s.walk(ctx); err != nil {
		return err
	}
	if o.task.Part == program.Train || o.task.Part == program.OneShare {
		return nil
	}
	if err := s.plot(); err != nil {
		return err
	}
	if err := s.Results().Write(s.Folder().Path(program.ResultsFile)); err != nil {
		return err
	}
	return s.print(os.Stdout)
}

// parseSizes returns the sizes of figure 11 in the list, ascending between the least that
// has errors and the whole training set.
func parseSizes(list string, whole int) ([]int, error) {
	var sizes []int
	last := leastSize - 1
	for _, word := range splitList(list) {
		var n int
		if _, err := fmt.Sscanf(word+"\n", "%d\n", &n); err != nil || n <= last || n >= whole {
			return nil, fmt.Errorf("expected -sizes ascending between %d and %d, got %q", leastSize, whole-1, list)
		}
		sizes = append(sizes, n)
		last = n
	}
	return sizes, nil
}
