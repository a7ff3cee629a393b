package selftrain

import (
	"fmt"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Config configures [Run]. Only the network has no default.
type Config struct {
	// Network is the network of the models; it needs an exact divergence, such as the zero
	// configuration of package hollow.
	Network diffusion.Architecture
	// Start are models, such as those of the rungs of a smaller lattice, with whose weights a
	// network begins in place of fresh ones: the first whose Gaussian part is of the same kind, single or
	// with an order.
	Start []*diffusion.Model
	// Spectrum is the power spectrum of the Gaussian at the start of the path. Nil: that of
	// [lattice.HartreeSpectrum], which asks for a [lattice.SiteAction].
	Spectrum []float64
	// N is the number of draws of a rung, and LastN that of the rounds at the end of the path.
	// Default 4096.
	N, LastN int
	// Keep and Least choose the steps of the path: the weights of the draws at the next parameter
	// have an effective sample size of at least the fraction Keep of that of the present one, and
	// of Least of their number. Defaults 0.6 and 0.15.
	Keep, Least float64
	// GaussianESS is the effective sample size over N below which a network takes over from the
	// Gaussian. Default 0.4.
	GaussianESS float64
	// Clip bounds the weights of the resampling, in units of their mean. Default 20.
	Clip float64
	// FirstSteps are the training steps of a network with fresh weights, Steps those of a
	// rung, and LastSteps those of the rounds at the end of the path, each on new draws.
	// Defaults 300, 60, and {200, 800}.
	FirstSteps, Steps int
	LastSteps         []int
	// Overshoot is the part of the path by which the rungs go beyond its end before they
	// return: the draws then reach farther out than the theory does. The action must exist
	// there. Default 0.
	Overshoot float64
	// Polish is the number of trajectories of hybrid Monte Carlo, of unit length, of every configuration
	// of the training. 0: none, the pure mode. A rung that is repeated with
	// polish has that number, or 3.
	Polish int
	// Check is the number of configurations for the comparison of both sides, and CheckSteps that of
	// the steps of the chain that brings each to equilibrium: a trajectory and the further [mcmc.Moves]
	// of the action. Defaults 512, or N where that is less, and 50; Check < 0: no comparison.
	Check, CheckSteps int
	// Train and Flow are the other settings of the training and of the draws.
	Train diffusion.TrainConfig
	Flow  flow.Config
	// Folder, if not empty, keeps every good rung; a run that was interrupted continues there.
	Folder string
	// Seed determines all random numbers.
	Seed uint64
	// Report, if not nil, is called with every rung, those that fail included, and Stage with
	// words for what begins.
	Report func(Rung)
	Stage  func(what string)
}

func (c *Config) setDefaults(path mcmc.ThermodynamicPath) error {
	for _, n := range []struct {
		name  string
		value *int
		def   int
		least int
	}{
		{"draws", &c.N, 4096, 16}, {"draws at the end", &c.LastN, 4096, 16}, {"first steps", &c.FirstSteps, 300, 1}, {"steps", &c.Steps, 60, 1},
		{"steps of the check", &c.CheckSteps, 50, 1},
	} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < n.least {
			return fmt.Errorf("selftrain: expected at least %d %s, got %d", n.least, n.name, *n.value)
		}
	}
	for _, x := range []struct {
		value *float64
		def   float64
	}{{&c.Keep, 0.6}, {&c.Least, 0.15}, {&c.GaussianESS, 0.4}, {&c.Clip, 20}} {
		if *x.value == 0 {
			*x.value = x.def
		}
	}
	if c.Check == 0 {
		c.Check = min(512, c.N)
	}
	if c.LastSteps == nil {
		c.LastSteps = []int{200, 800}
	}
	if len(c.LastSteps) == 0 {
		return fmt.Errorf("selftrain: expected at least one round at the end of the path, got none")
	}
	for _, n := range c.LastSteps {
		if n < 1 {
			return fmt.Errorf("selftrain: expected positive numbers of training steps, got %v", c.LastSteps)
		}
	}
	switch {
	case path.Action == nil || !(path.From < path.To || path.From > path.To):
		return fmt.Errorf("selftrain: expected a path with actions between two parameters, got %v and %v", path.From, path.To)
	case c.Network == nil:
		return fmt.Errorf("selftrain: expected a network, got nil")
	case !(c.Keep > 0 && c.Keep < 1) || !(c.Least > 0 && c.Least < 1) || !(c.GaussianESS >= c.Least && c.GaussianESS <= 1):
		return fmt.Errorf("selftrain: expected effective sample sizes between 0 and 1, and at least %v for the Gaussian, got %v, %v and %v", c.Least, c.Keep, c.Least, c.GaussianESS)
	case !(c.Clip > 1):
		return fmt.Errorf("selftrain: expected a bound of the weights above their mean, got %v", c.Clip)
	case !(c.Overshoot >= 0 && c.Overshoot < 1):
		return fmt.Errorf("selftrain: expected to overshoot by a part of the path below 1, got %v", c.Overshoot)
	case c.Polish < 0 || c.Check == 1 || c.Check > c.N:
		return fmt.Errorf("selftrain: expected a number of trajectories ≥ 0 and at least 2 and at most %d configurations of the check, got %d and %d", c.N, c.Polish, c.Check)
	}
	return nil
}

// start returns the Gaussian at the start of the path.
func (c *Config) start(action lattice.Action) (diffusion.ModelConfig, error) {
	cfg := diffusion.ModelConfig{Layout: action.Layout(), Spectrum: c.Spectrum}
	if cfg.Spectrum != nil {
		return cfg, nil
	}
	site, ok := action.(lattice.SiteAction)
	if !ok {
		return cfg, fmt.Errorf("selftrain: expected a spectrum to start from, or an action that tells the potential of a site, got %s", lattice.Describe(action))
	}
	var err error
	cfg.Spectrum, err = lattice.HartreeSpectrum(site)
	return cfg, err
}
