package hmc_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// scalars are two coupled scalars with neither clusters nor flips of single sites,
//
//	S = Σ_x [ ½ Σ_c Σ_µ (φ_c(x+µ̂)-φ_c(x))² + ½m²φ_c² + gφ_c⁴ + cφ₀²φ₁² + kφ₀φ₁ ].
type scalars struct {
	layout      lattice.Layout
	m2, g, c, k float64
}

func newScalars(t testing.TB, s scalars, dims ...int) scalars {
	t.Helper()
	s.layout = lattice.Vector(must[*lattice.Lattice](t)(lattice.New(dims...)), 2)
	return s
}

func (a scalars) Layout() lattice.Layout { return a.layout }

func (a scalars) Value(phi []float64) float64 {
	v := a.layout.Volume()
	s := -float64(v) * a.layout.Hopping(phi)
	for i, f := range phi {
		s += (a.m2/2+float64(a.layout.Dim()))*f*f + a.g*f*f*f*f
		if i < v {
			s += a.c*f*f*phi[v+i]*phi[v+i] + a.k*f*phi[v+i]
		}
	}
	return s
}

func (a scalars) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	v := a.layout.Volume()
	for i, f := range phi {
		other := phi[(i+v)%len(phi)]
		dst[i] = -(a.m2+2*float64(a.layout.Dim()))*f - 4*a.g*f*f*f - 2*a.c*f*other*other - a.k*other
		for mu := range a.layout.Dim() {
			dst[i] += phi[i/v*v+int(a.layout.Forward(mu)[i%v])] + phi[i/v*v+int(a.layout.Backward(mu)[i%v])]
		}
	}
	return dst
}

// relative returns ⟨φ₀φ₁⟩ per site.
func relative(l lattice.Layout) func(phi []float64) float64 {
	return func(phi []float64) float64 {
		s := 0.0
		for x, v := range l.Component(phi, 0) {
			s += v * l.Component(phi, 1)[x] / float64(l.Volume())
		}
		return s
	}
}

// TestEnsembleOfCoupledScalars: deep in the phase where both signs are broken, ⟨φ₀φ₁⟩ is zero
// by the symmetries that chains are moved by, and without these moves there is an error that
// names it.
func TestEnsembleOfCoupledScalars(t *testing.T) {
	a := newScalars(t, scalars{m2: -2, g: 0.2, c: 0.1}, 6, 6)
	_, r, err := hmc.Ensemble(t.Context(), a, hmc.EnsembleConfig{N: 1600, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := estimate(t, r, relative(a.layout))
	spread := math.Sqrt(estimate(t, r, func(phi []float64) float64 { return math.Pow(relative(a.layout)(phi), 2) }).Value)
	t.Logf("⟨φ₀φ₁⟩ = %v with the spread %.2f, %v, thinning %d", e, spread, r.Stats, r.Thin)
	if !(math.Abs(e.Pull(0)) < 5) || !(e.Error < 0.1*spread) {
		t.Errorf("⟨φ₀φ₁⟩ = %v, expected 0 to a tenth of its spread %v", e, spread)
	}
	alone := hmc.EnsembleConfig{N: 1600, Seed: 1, Moves: func(int) ([]mcmc.Kernel, error) { return []mcmc.Kernel{mcmc.SignFlip{}}, nil }}
	_, _, err = hmc.Ensemble(t.Context(), a, alone)
	var not *mcmc.NotEquilibratedError
	if !errors.As(err, &not) || not.Observable != "M_0·M_1" || !strings.Contains(not.Advice, "InternalSymmetry") {
		t.Errorf("without moves: expected chains that disagree in M_0·M_1, got %v", err)
	}
}

// TestEnsembleOfUnboundedActions: the error comes before the run, or soon.
func TestEnsembleOfUnboundedActions(t *testing.T) {
	for name, s := range map[string]scalars{"g < 0": {m2: 1, g: -0.1}, "m² < 0": {m2: -0.1}, "c < 0": {m2: 1, g: 0.1, c: -0.3}} {
		_, err := hmc.NewGenerator(newScalars(t, s, 4, 4), hmc.EnsembleConfig{N: 100})
		if err == nil || !strings.Contains(err.Error(), "bounded from below") {
			t.Errorf("%s: expected an unbounded action, got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	phases := 0
	cfg := hmc.EnsembleConfig{N: 100, Thermalisation: 1 << 20, PhaseProgress: func(mcmc.Phase, int, int) {
		if phases++; phases > 1000 {
			cancel()
		}
	}}
	stripes := stripes{newScalars(t, scalars{m2: 1}, 4, 4)}
	if _, _, err := hmc.Ensemble(ctx, stripes, cfg); err == nil || !strings.Contains(err.Error(), "ran away") {
		t.Errorf("expected a chain that ran away, got %v after %d reports", err, phases)
	}
}

// stripes adds -10 V s² of the mode s = Σ (-1)^x₁ φ₀ / V, which has the mass m² + 4 without it.
type stripes struct{ scalars }

func (a stripes) mode(phi []float64) float64 {
	s := 0.0
	for x, v := range a.layout.Component(phi, 0) {
		s += v * float64(1-2*(x%2)) / float64(a.layout.Volume())
	}
	return s
}

func (a stripes) Value(phi []float64) float64 {
	s := a.mode(phi)
	return a.scalars.Value(phi) - 10*float64(a.layout.Volume())*s*s
}

func (a stripes) Drift(dst, phi []float64) []float64 {
	dst = a.scalars.Drift(dst, phi)
	s := a.mode(phi)
	for x := range a.layout.Volume() {
		dst[x] += 20 * s * float64(1-2*(x%2))
	}
	return dst
}
