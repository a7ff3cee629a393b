package flow

import (
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// Config configures a [ProbabilityFlow]. The zero value needs a model that is a
// [diffusion.LinearModel].
type Config struct {
	// Integrator is the scheme. Default Adams.
	Integrator Integrator
	// Steps is the number of steps, equidistant in log(σ + a) with a quarter of the width of
	// the narrowest mode as a = ¼√(min C_k), zero for a model without a spectrum. It costs
	// Steps + 2 evaluations of score and divergence with Adams, 4·Steps with RK4, 2·Steps with
	// Heun and Steps with Euler. Default for Adams 18, 20 evaluations, whose error of log q
	// is 0.015 or less, rms, for every model at λ = 0.022 that ships up to 64², and 48 where the whole
	// score is integrated; 12 for others. Larger volumes and stronger couplings take more: the card of a
	// model of package pretrained says how many. See [ProbabilityFlow.StepError]. DormandPrince begins with a
	// step of this size and gives up after 100·Steps attempts.
	Steps int
	// RelTol and AbsTol are the tolerances of DormandPrince: every step keeps its
	// estimated error of the state, rms over sites and in every configuration, below
	// AbsTol + RelTol·|state|, and that of log q below AbsTol + RelTol, the error of a
	// logarithm being a relative one. Defaults 1e-4 and 1e-5.
	RelTol, AbsTol float64
	// SigmaMax and SigmaMin are the ends of the flow. Defaults: those of the model, see
	// [diffusion.Levels].
	SigmaMax, SigmaMin float64
	// Divergence says how the unknown part of the divergence is found. Default: the
	// model's own if it knows all of it, else Probing where the lattice has colours, that
	// is an even extent, and else Rademacher.
	Divergence Divergence
	// Probes is the number of random vectors per configuration, default 2, or of
	// colours for Probing, default 4 or what the lattice allows. Jacobian and a
	// divergence that is known do not use it.
	Probes int
	// Repeats is the number of independent sets of signs for Probing; each takes
	// Probes reverse passes. Default 2, the least that gives an error estimate.
	Repeats int
	// Plain integrates the whole score. By default the flow of the linear part of a
	// [diffusion.LinearModel] is solved exactly, by the change of variable
	// y_k = φ_k/√(C_k + σ²), under which only the remainder r of the score acts:
	// dy_k/dℓ = -σ² r_k/√(C_k + σ²). Discretisation errors are then those of r.
	Plain bool
	// IsotropicPrior uses the prior N(0, σ_max²) of the paper, which is off for modes
	// wider than σ_max. By default the latent distribution of a LinearModel is the
	// spectral prior, with the variance C_k + σ_max² per mode.
	IsotropicPrior bool
	// Batch is the number of configurations that are evolved together, with common
	// steps. Default 64.
	Batch int
	// DType is the floating-point type of the score, dtypes.Float32 (default) or
	// dtypes.Float64; steps are summed in float64 either way.
	DType dtypes.DType
	// Progress, if not nil, is called with the number of steps of single
	// configurations done and their total; calls are serialised. For DormandPrince a
	// step is the Steps-th part of the way.
	Progress func(done, total int)
	// Checkpoint, if not empty, is a file in which [ProbabilityFlow.Sample] and
	// [ProbabilityFlow.LogProb] keep finished batches, written whenever CheckpointEvery has
	// passed, default 30 s, when the context ends, and at the end. The same call goes on from
	// the file, that of another model, configuration, number or seed is an error, and so is
	// another call of the same flow before the file is removed, which is for the caller to do
	// when the result is saved. Nothing else writes there, and no result depends on it.
	Checkpoint      string
	CheckpointEvery time.Duration
}

func (c *Config) setDefaults(m diffusion.ScoreModel) error {
	low, high := diffusion.Levels(m)
	if c.SigmaMax == 0 {
		c.SigmaMax = high
	}
	if c.SigmaMin == 0 {
		c.SigmaMin = low
	}
	if c.Steps == 0 {
		_, linear := diffusion.Linear(m)
		c.Steps = c.Integrator.steps(linear && !c.Plain)
	}
	if c.RelTol == 0 {
		c.RelTol = 1e-4
	}
	if c.AbsTol == 0 {
		c.AbsTol = 1e-5
	}
	colours := maxColours(m.Layout().Lattice)
	if c.Divergence == Automatic && !knowsDivergence(m) {
		c.Divergence = Rademacher
		if colours > 1 {
			c.Divergence, c.Probes = Probing, min(c.Probes, colours)
		}
	}
	if c.Probes == 0 {
		c.Probes = 2
		if c.Divergence == Probing {
			c.Probes = min(4, colours)
		}
	}
	if s := diffusion.SpaceOf(m); c.Plain && len(s.Fixed(m.Layout())) > 0 {
		return fmt.Errorf("flow: expected the exact solution of the linear part for %s, whose noise leaves modes alone, got Plain", s.Kind())
	}
	if c.IsotropicPrior {
		if _, err := diffusion.NewIsotropicPrior(m, c.SigmaMax); err != nil {
			return fmt.Errorf("flow: %w", err)
		}
	}
	if c.Repeats == 0 {
		c.Repeats = 2
	}
	if c.Batch == 0 {
		c.Batch = 64
	}
	if c.DType == dtypes.InvalidDType {
		c.DType = dtypes.Float32
	}
	return c.check(m.Layout().Lattice)
}

func (c *Config) check(lat *lattice.Lattice) error {
	switch {
	case !c.Integrator.known():
		return fmt.Errorf("flow: expected a known integrator, got %v", c.Integrator)
	case c.Divergence < Automatic || c.Divergence > Probing:
		return fmt.Errorf("flow: expected a known way to the divergence, got %v", c.Divergence)
	case c.CheckpointEvery < 0:
		return fmt.Errorf("flow: expected a time between checkpoints ≥ 0, got %v", c.CheckpointEvery)
	case c.Steps < 2 || c.Batch < 1 || c.Probes < 0 || c.Repeats < 0:
		return fmt.Errorf("flow: expected at least 2 steps, a positive batch and no negative number of probes or repeats, got %d, %d, %d and %d",
			c.Steps, c.Batch, c.Probes, c.Repeats)
	case c.Divergence == Probing && !validColours(lat, c.Probes):
		return fmt.Errorf("flow: expected a power of 2 as the number of colours, at most %d on a lattice of %v, got %d", maxColours(lat), lat, c.Probes)
	case !(c.RelTol > 0 && c.AbsTol > 0) || math.IsInf(c.RelTol+c.AbsTol, 0):
		return fmt.Errorf("flow: expected positive tolerances, got %v and %v", c.RelTol, c.AbsTol)
	case !(c.SigmaMin > 0 && c.SigmaMin < c.SigmaMax) || math.IsInf(c.SigmaMax, 0):
		return fmt.Errorf("flow: expected 0 < σ_min < σ_max, got %v and %v", c.SigmaMin, c.SigmaMax)
	case c.DType != dtypes.Float32 && c.DType != dtypes.Float64:
		return fmt.Errorf("flow: expected float32 or float64, got %v", c.DType)
	}
	return nil
}
