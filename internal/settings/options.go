// Package settings holds the flags of the programs with diffusion models, and what they name:
// files of the user, networks, and settings of training and sampling.
package settings

import (
	"flag"
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

// Options are the settings of a run.
type Options struct {
	program.Flags
	Preset         string
	Configurations int
	Model          string // Unet, Hollow, Gaussian, Pretrained or a file
	Objective      string
	Steps, Batch   int // Steps 0: what suits the model
	LearningRate   float64
	// Of a hollow network.
	Edges, Pairs, Gradients int
	Average                 int // trajectories over which the targets are averaged
	Samples                 int
	ReverseSteps            int
	FlowSteps               int
	Probes                  int
	Ensemble                string
	Start                   string // model whose weights the training starts from
	// SigmaMax is the largest noise level of a model to train, 0 for that of the library.
	SigmaMax float64
}

// Names of models; every other name is that of a file.
const (
	UNet       = "unet"       // trained by the run
	Hollow     = "hollow"     // trained by the run, with an exact divergence
	Gaussian   = "gaussian"   // measured, without a network
	Pretrained = "pretrained" // shipped with the library where it is, else Hollow
)

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
		Flags: f, Preset: Paper, Configurations: 5120, Model: UNet, Objective: "denoising", Steps: diffusion.PaperTraining(5120).Steps, Batch: 64,
		Samples: 1024, ReverseSteps: 500, FlowSteps: 60, Probes: 10,
	}
}

// Parse parses the arguments of the program; about is one sentence for its usage. The
// defaults of the flags are those of the preset that the arguments name, with which more,
// if not nil, registers the further flags of the program.
func Parse(name, about string, args []string, quick, paper Options, more func(fs *flag.FlagSet, preset string)) (Options, error) {
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
	fs := program.NewFlagSet(name, about)
	o.SigmaMax = defaults.SigmaMax
	o.register(fs, defaults)
	if more != nil {
		more(fs, defaults.Preset)
	}
	if err := program.Parse(fs, args); err != nil {
		return o, err
	}
	if o.Steps == 0 {
		o.Steps = hollowSteps
		if o.Model == UNet {
			o.Steps = unetSteps
		}
	}
	given := false
	fs.Visit(func(f *flag.Flag) { given = given || f.Name == flowSteps })
	if !given {
		o.setFlowSteps()
	}
	return o, nil
}

// setFlowSteps takes the steps of the flow of the card of a model that is shipped: the volume and the
// coupling say how many leave little in log q. A lattice or a coupling that is none has no card, and is
// refused elsewhere.
func (o *Options) setFlowSteps() {
	if o.Model != Pretrained {
		return
	}
	if action, err := o.Phi4(); err == nil {
		if card, ok := pretrained.Find(action); ok {
			o.FlowSteps = card.FlowSteps
		}
	}
}

// flowSteps is the name of a flag.
const flowSteps = "flow-steps"

// Training steps after which the networks are good at the points of the quickstart, in
// which a hollow network learns faster.
const hollowSteps, unetSteps = 400, 3000

// Parameters are the settings by their names in results.json.
func (o *Options) Parameters(lat *lattice.Lattice) map[string]any {
	return map[string]any{
		"preset": o.Preset, "dims": lat.Dims(), "kappa": o.Kappa, "lambda": o.Lambda, "seed": o.Seed, "backend": o.Backend,
		"n": o.Configurations, "objective": o.Objective, "steps": o.Steps, "batch": o.Batch, "lr": o.LearningRate, "edges": o.Edges, "pairs": o.Pairs, "gradients": o.Gradients, "average": o.Average, "samples": o.Samples,
		"reverse_steps": o.ReverseSteps, "flow_steps": o.FlowSteps, "probes": o.Probes,
		"ensemble": o.Ensemble, "model": o.Model, "start": o.Start,
	}
}

// register adds the flags to fs with the given defaults.
func (o *Options) register(fs *flag.FlagSet, defaults Options) {
	fs.StringVar(&o.Preset, "preset", defaults.Preset, "quick, or paper for the published network and training (meant for a GPU)")
	o.Flags.Register(fs, defaults.Flags)
	fs.IntVar(&o.Configurations, "n", defaults.Configurations, "training configurations to generate")
	fs.StringVar(&o.Model, "model", defaults.Model, "unet, hollow (its divergence is exact), gaussian (no network), pretrained\n(shipped with the library where there is one, else hollow), or the `file` of a model")
	fs.StringVar(&o.Objective, "objective", defaults.Objective, "training objective: target or denoising score matching")
	fs.IntVar(&o.Steps, "steps", defaults.Steps, fmt.Sprintf("training steps; 0: %d, and for unet %d", hollowSteps, unetSteps))
	fs.IntVar(&o.Batch, "batch", defaults.Batch, "training batch")
	fs.IntVar(&o.Samples, "samples", defaults.Samples, "configurations to draw from the model, by each method")
	fs.IntVar(&o.ReverseSteps, "reverse-steps", defaults.ReverseSteps, "steps of the reverse stochastic differential equation")
	fs.IntVar(&o.FlowSteps, flowSteps, defaults.FlowSteps, "steps of the probability flow, one evaluation each; with a model that is shipped those of its card,\nif the flag is not given")
	fs.IntVar(&o.Probes, "probes", defaults.Probes, "colours of the probing vectors for the divergence of a U-Net, a power of two, twice with\nother signs; in the preset paper the number of random vectors")
	fs.Float64Var(&o.LearningRate, "lr", defaults.LearningRate, "peak learning rate; 0: 2e-3 for unet, 5e-3 for hollow")
	fs.IntVar(&o.Edges, "edges", defaults.Edges, "fields of the second layer of a hollow network: 16 at strong coupling")
	fs.IntVar(&o.Pairs, "pairs", defaults.Pairs, "products in the smoothed part of a hollow network; 0: 8, negative: none")
	fs.IntVar(&o.Gradients, "gradients", defaults.Gradients, "functions of differences of neighbours in a hollow network: 16 at strong coupling")
	fs.IntVar(&o.Average, "average", defaults.Average, "trajectories of hybrid Monte Carlo over which the targets of the training are\naveraged: 10 to 40 at strong coupling")
	fs.StringVar(&o.Start, "start", defaults.Start, "begin the training of a hollow network with the weights of this model `file`, of any lattice, and with -gradients if it has none")
	fs.StringVar(&o.Ensemble, "ensemble", defaults.Ensemble, "train on the configurations of this .npz or .npy `file` (key cfgs)")
}

// Least is the least number of configurations, to train on or drawn, whose observables have
// errors.
const Least = 16

// Check returns an error for a number or a word that makes no sense, and for one that
// needs more memory than there is, on a lattice of the given volume.
func (o *Options) Check(volume int) error {
	for _, n := range []struct {
		name               string
		value, least, size int
	}{
		{"n", o.Configurations, Least, volume}, {"steps", o.Steps, 2, 0}, {"batch", o.Batch, 2, volume}, {"samples", o.Samples, Least, volume},
		{"reverse-steps", o.ReverseSteps, 4, 4}, {flowSteps, o.FlowSteps, 2, 0}, {"probes", o.Probes, 2, volume},
	} {
		if n.value < n.least {
			return fmt.Errorf("expected -%s of at least %d, got %d", n.name, n.least, n.value)
		}
		if err := program.CheckSize(n.name, n.value, n.size); err != nil {
			return err
		}
	}
	switch {
	case o.Preset != Quick && o.Preset != Paper:
		return fmt.Errorf("expected -preset quick or paper, got %q", o.Preset)
	case o.Preset != Paper && o.Probes&(o.Probes-1) != 0:
		return fmt.Errorf("expected a power of two as -probes, got %d", o.Probes)
	case o.Model == "":
		return fmt.Errorf("expected a model, got an empty name")
	case o.Edges < 0 || o.Gradients < 0 || o.Average < 0:
		return fmt.Errorf("expected numbers -edges, -gradients and -average that are not negative, got %d, %d and %d", o.Edges, o.Gradients, o.Average)
	case !(o.LearningRate >= 0) || math.IsInf(o.LearningRate, 0):
		return fmt.Errorf("expected a learning rate -lr ≥ 0, got %v", o.LearningRate)
	case o.Objective != "target" && o.Objective != "denoising":
		return fmt.Errorf("expected -objective target or denoising, got %q", o.Objective)
	case o.Published() && o.Objective != "denoising":
		return fmt.Errorf("expected -objective denoising with -model unet and the preset paper, got %q", o.Objective)
	}
	return nil
}

// Published tells whether model, training and sampler are those of the paper.
func (o *Options) Published() bool { return o.Preset == Paper && o.Model == UNet }

// Trains tells whether the run fits a network.
func (o *Options) Trains() bool { return o.Model == UNet || o.Model == Hollow }

// Network returns the network that the options name: a U-Net of up to three resolutions
// that fits the lattice, or a hollow network.
func (o *Options) Network(lat *lattice.Lattice) (diffusion.Architecture, error) {
	if o.Model == UNet {
		return unet.New(unet.Config{Channels: channels(lat)})
	}
	return hollow.New(hollow.Config{Edges: o.Edges, Pairs: o.Pairs, Gradients: o.Gradients})
}

// Extended returns the model that the training begins with, or nil: start, with the Gradients that
// the options ask for if it has none.
func (o *Options) Extended(backend compute.Backend, start *diffusion.Model) (*diffusion.Model, error) {
	if start == nil || o.Gradients == 0 {
		return start, nil
	}
	cfg, ok := start.Network().Config().(hollow.Config)
	if !ok || cfg.Gradients > 0 {
		return start, nil
	}
	cfg.Gradients = o.Gradients
	network, err := hollow.New(cfg)
	if err != nil {
		return nil, err
	}
	return start.Extend(backend, network)
}

// Training returns the settings of the training on n configurations.
func (o *Options) Training(n int) diffusion.TrainConfig {
	cfg := diffusion.TrainConfig{Steps: o.Steps, Batch: o.Batch, LearningRate: o.LearningRate, Average: o.Average, SigmaMax: o.SigmaMax}
	if o.Objective == "denoising" {
		cfg.Objective = diffusion.Denoising
	}
	if o.Published() {
		cfg = diffusion.PaperTraining(n)
		cfg.Steps, cfg.Batch = o.Steps, o.Batch
		if o.LearningRate > 0 {
			cfg.LearningRate = o.LearningRate
		}
	}
	return cfg
}

// Sampler returns the settings of the reverse process.
func (o *Options) Sampler() diffusion.SamplerConfig {
	if o.Published() {
		return diffusion.SamplerConfig{Scheme: diffusion.EulerMaruyama, Process: diffusion.VE{}, IsotropicPrior: true, Steps: o.ReverseSteps}
	}
	return diffusion.SamplerConfig{Steps: o.ReverseSteps}
}

// Flow returns the settings of the probability flow.
func (o *Options) Flow() flow.Config {
	cfg := flow.Config{Steps: o.FlowSteps, Probes: o.Probes}
	if o.Published() {
		cfg.Divergence = flow.GaussianProbes
	}
	return cfg
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
