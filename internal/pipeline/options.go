package pipeline

import (
	"flag"
	"fmt"
	"math"
	"strings"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// sigmaMin is the noise level at which data and model are compared.
const sigmaMin = 0.02

// Options are the settings of a run.
type Options struct {
	program.Flags
	Preset         string
	Configurations int
	Network        string
	Objective      string
	Steps, Batch   int
	Samples        int
	ReverseSteps   int
	FlowSteps      int
	Probes         int
	SigmaMax       float64
	Ensemble       string
	Model          string
}

// Presets of the settings: Quick for two cores, Paper with the network, the training
// and the sampler that the paper publishes, for a GPU.
const (
	Quick = "quick"
	Paper = "paper"
)

// PaperOptions returns the paper's settings at the given point: its network and
// training (250 epochs; the flag -steps shortens them), 500 Euler–Maruyama steps, and
// ten probes of the divergence.
func PaperOptions(f program.Flags) Options {
	return Options{
		Flags: f, Preset: Paper, Configurations: 5120, Network: "unet", Objective: "denoising", Steps: diffusion.PaperTraining(5120).Steps, Batch: 64,
		Samples: 1024, ReverseSteps: 500, FlowSteps: 60, Probes: 10,
	}
}

// Parse parses the arguments of the program; about is one sentence for its usage. The
// defaults of the flags are those of the preset that the arguments name.
func Parse(name, about string, args []string, quick, paper Options) (Options, error) {
	quick.Preset = Quick
	defaults := quick
	for i, a := range args {
		a, value, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if value == "" && i+1 < len(args) {
			value = args[i+1]
		}
		if a == "preset" && value == Paper {
			defaults = paper
		}
	}
	var o Options
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	o.register(fs, defaults)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), about)
		fs.PrintDefaults()
	}
	return o, program.Parse(fs, args)
}

// register adds the flags to fs with the given defaults.
func (o *Options) register(fs *flag.FlagSet, defaults Options) {
	fs.StringVar(&o.Preset, "preset", defaults.Preset, "quick, or paper for the published network and training (meant for a GPU)")
	o.Flags.Register(fs, defaults.Flags)
	fs.IntVar(&o.Configurations, "n", defaults.Configurations, "training configurations to generate")
	fs.StringVar(&o.Network, "network", defaults.Network, "network: unet, or hollow for one with an exact divergence")
	fs.StringVar(&o.Objective, "objective", defaults.Objective, "training objective: target or denoising score matching")
	fs.IntVar(&o.Steps, "steps", defaults.Steps, "training steps")
	fs.IntVar(&o.Batch, "batch", defaults.Batch, "training batch")
	fs.IntVar(&o.Samples, "samples", defaults.Samples, "configurations to draw from the model, by each method")
	fs.IntVar(&o.ReverseSteps, "reverse-steps", defaults.ReverseSteps, "steps of the reverse stochastic differential equation")
	fs.IntVar(&o.FlowSteps, "flow-steps", defaults.FlowSteps, "Runge–Kutta steps of the probability flow")
	fs.IntVar(&o.Probes, "probes", defaults.Probes, "random probes of the divergence per configuration")
	fs.Float64Var(&o.SigmaMax, "sigma-max", defaults.SigmaMax, "largest noise level; 0: five times the width of the widest mode")
	fs.StringVar(&o.Ensemble, "ensemble", defaults.Ensemble, "train on the configurations of this .npz or .npy `file` (key cfgs)")
	fs.StringVar(&o.Model, "model", defaults.Model, "use the model of this `file` instead of training one")
}

// check returns an error for a number or a word that makes no sense.
func (o *Options) check() error {
	for _, n := range []struct {
		name  string
		value int
	}{
		{"n", o.Configurations}, {"steps", o.Steps}, {"batch", o.Batch}, {"samples", o.Samples},
		{"reverse-steps", o.ReverseSteps}, {"flow-steps", o.FlowSteps}, {"probes", o.Probes},
	} {
		if n.value < 2 {
			return fmt.Errorf("expected -%s of at least 2, got %d", n.name, n.value)
		}
	}
	if !(o.SigmaMax == 0 || o.SigmaMax > sigmaMin) || math.IsInf(o.SigmaMax, 0) {
		return fmt.Errorf("expected -sigma-max above %v, got %v", sigmaMin, o.SigmaMax)
	}
	if o.Preset != Quick && o.Preset != Paper {
		return fmt.Errorf("expected -preset quick or paper, got %q", o.Preset)
	}
	if o.Network != "unet" && o.Network != "hollow" {
		return fmt.Errorf("expected -network unet or hollow, got %q", o.Network)
	}
	if o.Preset == Paper && (o.Objective != "denoising" || o.Network != "unet") {
		return fmt.Errorf("expected -objective denoising and -network unet with the preset paper, got %q and %q", o.Objective, o.Network)
	}
	if o.Objective != "target" && o.Objective != "denoising" {
		return fmt.Errorf("expected -objective target or denoising, got %q", o.Objective)
	}
	return nil
}

// network returns the network that the options name: a U-Net of up to three
// resolutions that fits the lattice, or a hollow network.
func (o *Options) network(lat *lattice.Lattice) (diffusion.Architecture, error) {
	if o.Network == "hollow" {
		return hollow.New(hollow.Config{})
	}
	return unet.New(unet.Config{Channels: channels(lat)})
}

// channels returns the numbers of channels of a U-Net whose coarsest resolution still
// has four sites in every direction.
func channels(lat *lattice.Lattice) []int {
	c := []int{8}
	for cell := 2; len(c) < 3; cell *= 2 {
		for _, n := range lat.Dims() {
			if n%cell != 0 || n/cell < 4 {
				return c
			}
		}
		c = append(c, 2*c[len(c)-1])
	}
	return c
}
