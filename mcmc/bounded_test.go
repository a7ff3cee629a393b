package mcmc_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// valued is an action of which nobody asks the drift.
type valued struct {
	layout lattice.Layout
	value  func(l lattice.Layout, phi []float64) float64
}

func (a valued) Layout() lattice.Layout      { return a.layout }
func (a valued) Value(phi []float64) float64 { return a.value(a.layout, phi) }

func (a valued) Drift([]float64, []float64) []float64 { panic("a drift that nobody asks for") }

// nearest returns S = -2κ Σφφ' + Σ m φ² + λφ⁴.
func nearest(kappa, m, lambda float64) func(l lattice.Layout, phi []float64) float64 {
	return func(l lattice.Layout, phi []float64) float64 {
		s := -2 * kappa * float64(l.Volume()) * l.Hopping(phi)
		for _, v := range phi {
			s += m*v*v + lambda*v*v*v*v
		}
		return s
	}
}

// TestUnbounded: actions without a weight are refused at once, and those that merely have
// their minimum far away, or flat directions, are not.
func TestUnbounded(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(4, 4))
	second := func(f func(phi []float64) float64) func(l lattice.Layout, phi []float64) float64 {
		return func(l lattice.Layout, phi []float64) float64 { return nearest(0.1, 1, 0.1)(l, phi) + f(phi) }
	}
	for _, c := range []struct {
		name       string
		components int
		value      func(l lattice.Layout, phi []float64) float64
		where      string // of the fall, empty if bounded
	}{
		{"g < 0", 1, nearest(0.1, 1, -0.01), "constant"},
		{"beyond the critical κ", 1, nearest(0.2501, 1, 0), "constant"},
		{"beyond the critical -κ", 1, nearest(-0.2501, 1, 0), "staggered"},
		{"odd", 1, func(_ lattice.Layout, phi []float64) float64 { return lattice.Magnetization(phi) }, "constant"},
		{"a tilt", 1, func(_ lattice.Layout, phi []float64) float64 { return phi[1] - phi[0] }, "staggered"},
		{"one site", 1, func(_ lattice.Layout, phi []float64) float64 { return phi[0] * phi[5] }, "random"},
		{"exponential", 1, func(_ lattice.Layout, phi []float64) float64 { return -math.Exp(phi[3]) }, "constant"},
		{"second of two", 2, second(func(phi []float64) float64 { return -2 * 16 * math.Pow(phi[16], 4) }), "constant"},
		{"relative sign", 2, second(func(phi []float64) float64 { return 32 * math.Pow(phi[0], 3) * phi[16] }), "constant"},
		{"φ⁴", 1, nearest(0.27, 1, 0.02), ""},
		{"far minimum", 1, nearest(0.3, 1, 1e-9), ""},
		{"far staggered minimum", 1, nearest(-0.3, 1, 1e-9), ""},
		{"massless", 1, nearest(0.25, 1, 0), ""},
		{"massless, three components", 3, nearest(0.25, 1, 0), ""},
		{"periodic", 1, func(_ lattice.Layout, phi []float64) float64 { return math.Cos(phi[0]) + math.Cos(phi[5]) }, ""},
		{"beyond numbers", 1, func(_ lattice.Layout, phi []float64) float64 { return math.Cosh(lattice.Phi2(phi)) }, ""},
		{"undefined far away", 1, func(_ lattice.Layout, phi []float64) float64 { return math.Sqrt(1 - phi[0]) }, ""},
	} {
		a := valued{lattice.Vector(lat, c.components), c.value}
		_, least := mcmc.LeastConstant(a)
		_, generator := mcmc.NewGenerator(mcmc.EnsembleConfig{Action: a, N: 4}, func(int) (mcmc.Kernel, error) { return mcmc.SignFlip{}, nil })
		for _, err := range []error{least, generator} {
			if c.where == "" && err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.where != "" && (err == nil || !strings.Contains(err.Error(), "bounded from below") || !strings.Contains(err.Error(), "a "+c.where+" field")) {
				t.Errorf("%s: expected a fall in %s fields, got %v", c.name, c.where, err)
			}
		}
	}
}

// TestRunaway: a chain that finds a way to infinity is stopped, whatever kernel follows it,
// and one of a theory with large fields is not.
func TestRunaway(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(4, 4))
	// Stripes are the modes of negative mass.
	stripes := valued{lattice.Scalar(lat), func(l lattice.Layout, phi []float64) float64 {
		s := nearest(0, 1, 0)(l, phi)
		stripe := 0.0
		for x, v := range phi {
			stripe += v * float64(1-2*(x%2)) / 16
		}
		return s - 40*stripe*stripe
	}}
	cfg := mcmc.EnsembleConfig{Action: stripes, N: 4, Seed: 2, Workers: 1, Unchecked: true, Thermalisation: 1 << 20}
	steps := 0
	_, err := mcmc.Generate(t.Context(), cfg, func(int) (mcmc.Kernel, error) {
		grow := 1.0
		return kernelFunc(func(_ *rand.Rand, phi []float64) (mcmc.Info, error) {
			steps++
			grow *= 1.1
			for x := range phi {
				phi[x] = grow * float64(1-2*(x%2))
			}
			return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
		}), nil
	})
	if err == nil || !strings.Contains(err.Error(), "ran away") || steps > 4*64 {
		t.Errorf("expected a chain that ran away, got %v after %d steps", err, steps)
	}
	// Large fields are no surprise where the minimum is far or S flat.
	far := valued{lattice.Scalar(lat), func(l lattice.Layout, phi []float64) float64 {
		s := 0.0
		for _, v := range phi {
			s += math.Pow(v/1e9-1, 2)
		}
		return s
	}}
	r := generate(t, mcmc.EnsembleConfig{Action: far, N: 4, Start: mcmc.StartCold, Thermalisation: 64, Thin: 1, Unchecked: true},
		func(int) (mcmc.Kernel, error) { return mcmc.NewGlobalShift(far, mcmc.GlobalShiftConfig{Width: 1e8}) })
	if r.Ensemble.Len() != 4 || r.Stats.Accepted == 0 {
		t.Errorf("expected four configurations that moved, got %+v", r.Stats)
	}
}

// TestPhaseProgress: thermalisation and pilot run report every step, in order and to the end,
// across an interruption too.
func TestPhaseProgress(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	cfg := mcmc.EnsembleConfig{Action: a, N: 8, Chains: 4, Seed: 3, Thermalisation: 100, PilotSteps: 70}
	type report struct{ done, total int }
	got := map[mcmc.Phase][]report{}
	ctx, cancel := context.WithCancel(t.Context())
	cfg.PhaseProgress = func(phase mcmc.Phase, done, total int) {
		got[phase] = append(got[phase], report{done, total})
		if len(got[phase]) == 9 {
			cancel()
		}
	}
	g := must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, func(int) (mcmc.Kernel, error) { return metropolis(t, a, mcmc.MetropolisConfig{}), nil }))
	pauses := 0
	for {
		err := g.Run(ctx)
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		pauses++
		ctx, cancel = context.WithCancel(t.Context())
	}
	cancel()
	if pauses == 0 || len(got) != 2 {
		t.Fatalf("expected reports of two phases and a pause, got %d and %d", len(got), pauses)
	}
	for phase, total := range map[mcmc.Phase]int{mcmc.PhaseThermalisation: 400, mcmc.PhasePilot: 280} {
		last := report{}
		for _, r := range got[phase] {
			if r.total != total || r.done <= last.done {
				t.Errorf("phase %d: %+v after %+v", phase, r, last)
			}
			last = r
		}
		if last.done != total {
			t.Errorf("phase %d ends with %+v, expected %d steps", phase, last, total)
		}
	}
}
