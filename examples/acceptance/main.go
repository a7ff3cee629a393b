// Acceptance reproduces figures 13, 14 and 15 of arXiv:2309.17082 and the training costs of
// its appendix D: the acceptance rate of DM-MC in φ⁴ theory, λ = 0.022, against κ, against
// the linear size L of the lattice at κ = 0.27, and against the training.
//
//	GOEXPERIMENT=simd go run ./examples/acceptance -out out-acceptance
//
// At every point a diffusion model is trained on its own equilibrated ensemble, proposals
// are drawn through its probability flow, and the independence sampler (4.13) takes each of
// them once. Beside the observed acceptance stands the one that the weights predict, and
// both of the Gaussian sampler: the model without a network, with the measured spectrum,
// which costs no training. Where its weights are so broad that the chain stands still, as at
// κ = 0.27 on all but the smallest lattices, neither number is known to better than a factor;
// the longest rejection then says more. A point that occurs in two figures is run once.
// Figure 15 keeps the model at numbers of training steps that double, from one run; its
// learning rate falls over the whole run, so an early point is not what a shorter training
// of its own gives.
//
// The preset quick takes about four minutes on two cores. It differs from the preset
// paper in the lattice of figures 13 and 15 (16×16, not 32×32), in the sizes of figure 14
// (8 to 32, not 8 to 64), in the network (hollow, with an exact divergence and target
// score matching, in place of the published U-Net), in the training (300 steps of 64
// configurations, not 20000; 640 in figure 15, not 160000), and in the proposals (256,
// not 1024). The preset paper has the published parameters and is meant for a GPU.
//
// Every point is a folder of its own in the output folder, beside the plots and
// results.json. Interrupted with Ctrl-C the program keeps what is finished, and the same
// command continues. Ensembles in results.json are dm_kappa_K_D and gaussian_kappa_K_D, K
// being κ and D the extents, and dm_steps_N for figure 15; beside the usual observables
// they have longest_rejection, the longest run of rejections of the chain, and step_error,
// the error of log q from the step size. Times are in the printed table, in cost.png and in
// times.json: they are the only numbers that two runs do not share.
//
// With -task several processes share the points, one after the other, the last one being figure
// 15, and -task merge/n makes of them the results of one process; their folders stay those of the
// shares.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/settings"
)

const about = `Acceptance reproduces figures 13, 14 and 15 of arXiv:2309.17082: the acceptance rate of
DM-MC against κ (-kappas on -dims), against the size of the lattice (-extents at -kappa),
and against the training (-long-steps at -kappa on -dims), each beside the Gaussian
sampler that needs no network; and the cost of the training.

The preset quick takes about four minutes on two cores: hollow networks, 300 training
steps (640 for figure 15), 256 proposals, 16x16 for figures 13 and 15, and sizes up to 32.
The preset paper has the published U-Net, 250 epochs (2000 for figure 15), ten probes of the
divergence, 1024 proposals, 32x32, and sizes up to 64; by its operations it takes about
half a day at 10 TFLOP/s, most of it for the sizes 48 and 64 and for figure 15.
With -model gaussian there is nothing to train: no figure 15, no times.
`

// options are the flags of the program.
type options struct {
	settings.Options
	kappas, extents string
	longSteps       int
	task            program.Task
}

func main() {
	program.Main("acceptance", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	flags := program.Flags{Out: "out-acceptance", Seed: 1, Backend: "go", Dims: "16x16", Kappa: 0.27, Lambda: 0.022}
	quick := settings.Options{
		Flags: flags, Configurations: 5120, Model: settings.Hollow, Objective: "target", Steps: 300, Batch: 64,
		Samples: 256, ReverseSteps: 50, FlowSteps: flow.DefaultSteps, Probes: 4,
	}
	published := flags
	published.Dims = "32x32"
	var o options
	var err error
	o.Options, err = settings.Parse("acceptance", about, args, quick, settings.PaperOptions(published), func(fs *flag.FlagSet, preset string) {
		extents, long := "8,16,24,32", 640
		if preset == settings.Paper {
			// 2000 epochs.
			extents, long = "8,16,24,32,48,64", 8*diffusion.PaperTraining(5120).Steps
		}
		fs.StringVar(&o.kappas, "kappas", "0.1,0.21,0.27,0.4", "hopping parameters of figure 13, a list")
		fs.StringVar(&o.extents, "extents", extents, "linear sizes of the lattices of figure 14, a list")
		o.task.Register(fs, false)
		fs.IntVar(&o.longSteps, "long-steps", long, "training steps of figure 15")
	})
	return o, err
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	a, err := newAcceptance(o)
	if err != nil {
		return err
	}
	if err := a.walk(ctx); err != nil {
		return err
	}
	if o.task.Part == program.OneShare {
		return a.folder.Save(program.ResultsFile, a.table.Write)
	}
	if err := a.plot(); err != nil {
		return err
	}
	if err := a.writeTimes(); err != nil {
		return err
	}
	if err := a.table.Write(a.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return a.print(os.Stdout)
}
