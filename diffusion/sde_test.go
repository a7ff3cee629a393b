package diffusion_test

import (
	"math"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
)

var processes = []diffusion.SDE{
	diffusion.VE{}, diffusion.VE{Sigma: 40}, diffusion.VEGeometric{}, diffusion.VEGeometric{Min: 0.1, Max: 20},
	diffusion.VP{}, diffusion.VP{BetaMin: 1, BetaMax: 5}, diffusion.SubVP{}, diffusion.SubVP{BetaMin: 1, BetaMax: 5},
}

// What every process promises: the kernel solves the moment equations of the stochastic
// differential equation, and the noise level can be inverted.
func TestSDEContract(t *testing.T) {
	names := map[string]bool{}
	for _, p := range processes {
		if names[p.String()] {
			t.Errorf("two processes are called %v", p)
		}
		names[p.String()] = true
		if a := p.Scale(0); a != 1 {
			t.Errorf("%v: α(0) = %v", p, a)
		}
		last := -1.0
		for _, at := range []float64{1e-5, 1e-3, 0.1, 0.3, 0.5, 0.7, 1} {
			h := math.Min(1e-4, at/2)
			slope := func(f func(float64) float64) float64 {
				// Five-point rule, with a relative error far below the bounds.
				return (8*(f(at+h/2)-f(at-h/2)) - (f(at+h) - f(at-h))) / (6 * h)
			}
			a, s, f, g := p.Scale(at), p.StdDev(at), p.Drift(at), p.Diffusion(at)
			if d := slope(p.Scale); math.Abs(d-f*a) > 1e-7*(1+math.Abs(f)) {
				t.Errorf("%v: dα/dt = %v, fα = %v at t = %v", p, d, f*a, at)
			}
			d := slope(func(t float64) float64 { return p.StdDev(t) * p.StdDev(t) })
			if want := 2*f*s*s + g*g; math.Abs(d-want) > 1e-6*g*g {
				t.Errorf("%v: ds²/dt = %v, 2fs² + g² = %v at t = %v", p, d, want, at)
			}
			sigma := diffusion.Sigma(p, at)
			if back := p.Time(sigma); math.Abs(back-at) > 1e-10*at {
				t.Errorf("%v: Time(Sigma(%v)) = %v", p, at, back)
			}
			if sigma <= last {
				t.Errorf("%v: the noise level falls at t = %v", p, at)
			}
			last = sigma
		}
	}
}

// The documented defaults and end points.
func TestSDEDefaults(t *testing.T) {
	for _, c := range []struct {
		zero, explicit diffusion.SDE
		start, end     float64 // s(0) and s(1)
	}{
		// √(624/(2 ln 25)), e^{-10.05}.
		{diffusion.VE{}, diffusion.VE{Sigma: 25}, 0, 9.845214563},
		{diffusion.VEGeometric{}, diffusion.VEGeometric{Min: 0.01, Max: 50}, 0.01, 50},
		{diffusion.VP{}, diffusion.VP{BetaMin: 0.1, BetaMax: 20}, 0, math.Sqrt(1 - 4.318575e-5)},
		{diffusion.SubVP{}, diffusion.SubVP{BetaMin: 0.1, BetaMax: 20}, 0, 1 - 4.318575e-5},
	} {
		if c.zero.String() != c.explicit.String() || c.zero.Diffusion(0.3) != c.explicit.Diffusion(0.3) || c.zero.StdDev(0.3) != c.explicit.StdDev(0.3) {
			t.Errorf("%v is not %v", c.zero, c.explicit)
		}
		if s0, s1 := c.zero.StdDev(0), c.zero.StdDev(1); math.Abs(s0-c.start) > 1e-12 || math.Abs(s1-c.end) > 1e-8 {
			t.Errorf("%v: s(0) = %v and s(1) = %v, want %v and %v", c.zero, s0, s1, c.start, c.end)
		}
	}
}

// The table of FieldTheoryDiffusion, for Gaussian data of variance C: with noise
// ⟨ηη⟩ = 2δ and drifts from its right column, the variance runs forwards to that of p_1, and
// backwards to that of p_t along the stochastic equation and the flow, and the Langevin
// equation at fixed t stays in p_t.
func TestFieldTheoryConvention(t *testing.T) {
	const c, noise = 0.7, 2.
	for _, p := range processes {
		marginal := func(t float64) float64 {
			return p.Scale(t)*p.Scale(t)*c + p.StdDev(t)*p.StdDev(t)
		}
		// dv/dt = 2 (f + drift g̃²/p_t's variance) v ± noise g̃², ∇S_t = φ/variance.
		slope := func(drift, noise float64) func(t, v float64) float64 {
			return func(t, v float64) float64 {
				g := diffusion.FieldTheoryDiffusion(p, t)
				return 2*(p.Drift(t)+drift*g*g/marginal(t))*v + noise*g*g
			}
		}
		const early = 0.05
		for name, got := range map[string]float64{
			"forward": integrate(slope(0, noise), early, 1, marginal(early)) / marginal(1),
			"reverse": integrate(slope(2, -noise), 1, early, marginal(1)) / marginal(early),
			"flow":    integrate(slope(1, 0), 1, early, marginal(1)) / marginal(early),
		} {
			if math.Abs(got-1) > 1e-6 {
				t.Errorf("%v: the %s variance is %v times that of the marginal", p, name, got)
			}
		}
		g := diffusion.FieldTheoryDiffusion(p, early)
		frozen := func(_, v float64) float64 { return -2*g*g*v/marginal(early) + noise*g*g }
		if end := integrate(frozen, 0, 20*marginal(early)/(g*g), 5*marginal(early)); math.Abs(end/marginal(early)-1) > 1e-6 {
			t.Errorf("%v: Langevin dynamics ends at %v times the variance of the marginal", p, end/marginal(early))
		}
	}
}

// integrate solves dv/dt = f by Runge–Kutta steps.
func integrate(f func(t, v float64) float64, from, to, v float64) float64 {
	const steps = 2000
	h := (to - from) / steps
	for i := range steps {
		t := from + h*float64(i)
		k1 := f(t, v)
		k2 := f(t+h/2, v+h/2*k1)
		k3 := f(t+h/2, v+h/2*k2)
		k4 := f(t+h, v+h*k3)
		v += h / 6 * (k1 + 2*k2 + 2*k3 + k4)
	}
	return v
}

func TestGrids(t *testing.T) {
	// The grid of the paper.
	levels := diffusion.UniformTime(diffusion.VE{}, 1, 1e-3, 500)
	for i, s := range levels {
		time := 1 - float64(i)*(1-1e-3)/500
		if want := math.Sqrt((math.Pow(25, 2*time) - 1) / (2 * math.Log(25))); math.Abs(s-want) > 1e-9*want {
			t.Fatalf("level %d is %v, want %v", i, s, want)
		}
	}
	if len(levels) != 501 {
		t.Errorf("%d levels for 500 steps", len(levels))
	}
	log := diffusion.LogSigma(20, 0.05, 40)
	karras := diffusion.Karras(20, 0.05, 0, 40)
	for i := 1; i < 40; i++ {
		if r := log[i] / log[i-1]; math.Abs(r-math.Pow(0.05/20, 1./40)) > 1e-12 {
			t.Errorf("ratio %v of levels", r)
		}
		// Eq. (5) of Karras et al. for ρ = 7, by its second differences.
		root := func(i int) float64 { return math.Pow(karras[i], 1./7) }
		if d := root(i+1) - 2*root(i) + root(i-1); math.Abs(d) > 1e-12 {
			t.Errorf("second difference %v at level %d", d, i)
		}
	}
	for _, l := range [][]float64{log, karras} {
		if len(l) != 41 || l[0] != 20 || l[40] != 0.05 {
			t.Errorf("the grid runs from %v to %v in %d levels", l[0], l[len(l)-1], len(l))
		}
	}
	// A geometric process steps uniformly in log σ.
	geometric := diffusion.UniformTime(diffusion.VEGeometric{Min: 0.05, Max: 20}, 1, 0, 40)
	if d := distance(geometric, log); d > 1e-12 {
		t.Errorf("the uniform grid of the geometric process deviates from log σ by %v", d)
	}
	// Grids without steps are refused by the samplers, with an error.
	m, _ := freeField(0.2, 2, 2)
	for _, n := range []int{0, -1, -5} {
		for _, l := range [][]float64{diffusion.LogSigma(2, 1, n), diffusion.Karras(2, 1, 7, n), diffusion.UniformTime(diffusion.VP{}, 1, 0.1, n)} {
			if _, err := diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Scheme: diffusion.Heun, Levels: l}); err == nil || !strings.Contains(err.Error(), "at least two noise levels") {
				t.Errorf("a grid of %d steps: %v", n, err)
			}
		}
	}
}
