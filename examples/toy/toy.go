package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/toymodel"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// The noise levels of everything. At sigmaMin, data and model are compared.
var (
	process  = diffusion.VE{}
	sigmaMax = diffusion.Sigma(process, 1)
)

const sigmaMin = 0.02

// orderedBinder is the Binder cumulant (2/3 for two sharp peaks, 0 for a Gaussian)
// above which a potential is modelled as a mixture of two Gaussians.
const orderedBinder = 0.4

// Seeds of the independent parts of a potential, which takes potentialSeeds of them.
const (
	seedData = iota
	seedModels
	potentialSeeds = 32
	maxPotentials  = 8
)

// Seeds of the independent parts of a model, counted from seedModels.
const (
	seedTraining = iota
	seedEuler
	seedAncestral
	seedFlow
	modelSeeds
)

// potential is one choice of μ² and g.
type potential struct {
	name, title string
	short       string // in progress bars
	exact       *toymodel.Density
	ordered     bool
	data        *lattice.Ensemble
	models      []*contestant
	seed        uint64
	known       map[points][]toymodel.Noisy
}

// toy is one run of the program.
type toy struct {
	o          options
	potentials []*potential
	models     []string
	lat        *lattice.Lattice
	backend    compute.Backend

	folder *program.Run
	table  *results.File
	// trained, if not nil, is told of every training step.
	trained func(diffusion.TrainProgress)
}

// newToy checks all input before anything is written.
func newToy(o options) (*toy, error) {
	if err := o.setPreset(); err != nil {
		return nil, err
	}
	t := &toy{o: o}
	for _, n := range []struct {
		name         string
		value, least int
	}{
		{"n", o.Configurations, 100}, {"samples", o.Samples, 10}, {"steps", o.Steps, 1}, {"batch", o.Batch, 1},
		{"reverse-steps", o.ReverseSteps, 2}, {"flow-steps", o.FlowSteps, 2},
	} {
		if n.value < n.least {
			return nil, fmt.Errorf("expected -%s of at least %d, got %d", n.name, n.least, n.value)
		}
		if err := program.CheckSize(n.name, n.value, 1); err != nil {
			return nil, err
		}
	}
	for _, word := range strings.Split(o.Models, ",") {
		word = strings.TrimSpace(word)
		if !slices.Contains([]string{plain, wrapped, target}, word) || slices.Contains(t.models, word) {
			return nil, fmt.Errorf("expected some of plain, wrapped and target in -model, separated by commas, got %q", o.Models)
		}
		t.models = append(t.models, word)
	}
	if err := t.setPotentials(); err != nil {
		return nil, err
	}
	if n := len(t.potentials) * len(t.models); o.task.Shares > n {
		return nil, fmt.Errorf("expected at most as many shares as models to train, %d, got -task %v", n, &o.task)
	}
	var err error
	if t.lat, err = lattice.New(1); err != nil {
		return nil, err
	}
	t.backend, err = backend.Open(o.Backend)
	return t, err
}

func (t *toy) setPotentials() error {
	mu2, err := parseList("mu2", t.o.Mu2)
	if err != nil {
		return err
	}
	g, err := parseList("g", t.o.G)
	if err != nil {
		return err
	}
	if len(mu2) == 1 {
		mu2 = slices.Repeat(mu2, len(g))
	}
	if len(g) == 1 {
		g = slices.Repeat(g, len(mu2))
	}
	if len(g) != len(mu2) || len(mu2) > maxPotentials {
		return fmt.Errorf("expected as many numbers in -mu2 as in -g, at most %d, got %q and %q", maxPotentials, t.o.Mu2, t.o.G)
	}
	for i := range mu2 {
		p, err := newPotential(mu2[i], g[i])
		if err != nil {
			return err
		}
		for _, q := range t.potentials {
			if q.name == p.name {
				return fmt.Errorf("expected different potentials, got μ² = %v, g = %v twice", mu2[i], g[i])
			}
		}
		// Runs of neighbouring seeds do not overlap.
		p.seed = t.o.Seed<<8 + uint64(potentialSeeds*i)
		t.potentials = append(t.potentials, p)
	}
	return nil
}

func newPotential(mu2, g float64) (*potential, error) {
	action, err := lattice.NewToy(mu2, g)
	if err != nil {
		return nil, err
	}
	exact, err := toymodel.New(action)
	if err != nil {
		return nil, err
	}
	phi2 := exact.Moment(2)
	if w := exact.Width(); w < 5*sigmaMin || math.Sqrt(phi2) > sigmaMax {
		return nil, fmt.Errorf("expected a potential between the noise levels %v and %.3g, got wells of width %.2g and √⟨φ²⟩ = %.2g for μ² = %v, g = %v",
			sigmaMin, sigmaMax, w, math.Sqrt(phi2), mu2, g)
	}
	return &potential{
		name:  fmt.Sprintf("mu2_%v_g_%v", mu2, g),
		title: strings.ReplaceAll(fmt.Sprintf("μ² = %v, g = %v", mu2, g), "-", "−"),
		short: fmt.Sprintf(" (%v, %v)", mu2, g),
		exact: exact, ordered: 1-exact.Moment(4)/(3*phi2*phi2) > orderedBinder, known: map[points][]toymodel.Noisy{},
	}, nil
}

// parseList parses the finite numbers of a flag, separated by commas.
func parseList(name, s string) ([]float64, error) {
	var list []float64
	for _, word := range strings.Split(s, ",") {
		x, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("expected finite numbers in -%s, separated by commas, got %q", name, s)
		}
		list = append(list, x)
	}
	return list, nil
}

func (t *toy) parameters() map[string]any {
	var mu2, g []float64
	for _, p := range t.potentials {
		mu2, g = append(mu2, p.exact.Action().Mu2()), append(g, p.exact.Action().G())
	}
	return map[string]any{
		"preset": t.o.Preset, "mu2": mu2, "g": g, "models": t.models, "seed": t.o.Seed, "backend": t.o.Backend,
		"n": t.o.Configurations, "steps": t.o.Steps, "batch": t.o.Batch, "samples": t.o.Samples,
		"reverse_steps": t.o.ReverseSteps, "flow_steps": t.o.FlowSteps,
	}
}

func (t *toy) run(ctx context.Context) error {
	var err error
	if t.folder, err = t.o.task.Open(t.o.Out, t.parameters()); err != nil {
		return err
	}
	t.table = results.New(t.parameters())
	t.table.Provenance.Device = t.backend.DeviceDescription(0)
	fmt.Printf("a single variable, S = μ²/2 φ² + g/4! φ⁴: results go to %s\n", t.o.Out)
	switch t.o.task.Part {
	case program.OneShare:
		return t.share(ctx)
	case program.Merge:
		if err := t.merge(); err != nil {
			return err
		}
	}
	for _, p := range t.potentials {
		if err := t.potential(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	if err := t.table.Write(t.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return t.print(os.Stdout)
}

// potential makes everything about one potential.
func (t *toy) potential(ctx context.Context, p *potential) error {
	exact := "exact_" + p.name
	t.table.Add(exact, measure.Phi2, known(p.exact.Moment(2)))
	t.table.Add(exact, measure.Phi4, known(p.exact.Moment(4)))
	t.table.Add(exact, "log_z", known(p.exact.LogZ()))
	t.draw(p)
	if err := t.judgeSamples("data_"+p.name, p, p.data.Data); err != nil {
		return err
	}
	if err := t.train(ctx, p); err != nil {
		return err
	}
	for i, c := range p.models {
		if err := t.drift(p, c, i == 0); err != nil {
			return err
		}
		if err := t.sample(ctx, p, c); err != nil {
			return err
		}
		if err := t.plots(p, c); err != nil {
			return err
		}
	}
	return nil
}

// draw makes the training data of a potential.
func (t *toy) draw(p *potential) {
	rng := rand.New(rand.NewPCG(p.seed+seedData, 0))
	p.data = lattice.NewEnsemble(lattice.Scalar(t.lat), t.o.Configurations)
	for range t.o.Configurations {
		p.data.Append([]float64{p.exact.Draw(rng)})
	}
}

// known is a number without a statistical error.
func known(v float64) stats.Estimate { return stats.Estimate{Value: v} }
