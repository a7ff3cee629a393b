package hmc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// asymmetric is a single-site action without symmetry, Σ (φ² - 2)²/2 + h φ, with two
// separated wells of different depths.
type asymmetric struct {
	layout lattice.Layout
	h      float64
}

func (a asymmetric) Layout() lattice.Layout { return a.layout }

func (a asymmetric) potential(v float64) float64 { return 4*(v*v-2)*(v*v-2) + a.h*v }

func (a asymmetric) Value(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += a.potential(v)
	}
	return s
}

func (a asymmetric) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	for x, v := range phi {
		dst[x] = -16*v*(v*v-2) - a.h
	}
	return dst
}

func (a asymmetric) Difference(phi []float64, i int, v float64) float64 {
	return a.potential(v) - a.potential(phi[i])
}

func newAsymmetric(t testing.TB, components int, dims ...int) asymmetric {
	t.Helper()
	lat, err := lattice.New(dims...)
	if err != nil {
		t.Fatal(err)
	}
	return asymmetric{lattice.Vector(lat, components), 0.3}
}

// TestEnsembleOfAnyAction: an action that is not even, with barriers that trajectories do not
// cross, has the moments of its sites.
func TestEnsembleOfAnyAction(t *testing.T) {
	a := newAsymmetric(t, 2, 3, 4)
	ens, r, err := hmc.Ensemble(t.Context(), a, hmc.EnsembleConfig{N: 1000, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if ens.Len() != 1000 || ens.Components != 2 || ens != r.Ensemble {
		t.Errorf("expected 1000 configurations of two components, got %d of %d", ens.Len(), ens.Components)
	}
	var z, m1, m2 float64
	for i := -40000; i <= 40000; i++ {
		v := float64(i) / 10000
		w := math.Exp(-a.potential(v))
		z, m1, m2 = z+w, m1+w*v, m2+w*v*v
	}
	for _, o := range []struct {
		name string
		f    func([]float64) float64
		want float64
	}{{"⟨φ⟩", lattice.Magnetization, m1 / z}, {"⟨φ²⟩", lattice.Phi2, m2 / z}} {
		if e := estimate(t, r, o.f); !(math.Abs(e.Pull(o.want)) < 5) {
			t.Errorf("%s = %v, expected %v", o.name, e, o.want)
		}
	}
}

// TestEnsembleSaysWhyNot: the same action without its method Difference has chains that stay
// in the wells where they are, which is an error within seconds.
func TestEnsembleSaysWhyNot(t *testing.T) {
	a := newAsymmetric(t, 1, 4, 4)
	start := time.Now()
	ens, r, err := hmc.Ensemble(t.Context(), hidden{a}, hmc.EnsembleConfig{N: 1000, Seed: 5})
	var e *mcmc.NotEquilibratedError
	if !errors.As(err, &e) || e.Chain < 0 || ens == nil || r == nil {
		t.Errorf("expected chains that are not in equilibrium, got %v", err)
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("expected the error within a minute, got it after %v", d)
	}
}

// TestEnsembleRepeats: the result does not depend on the number of cores or on interruptions.
func TestEnsembleRepeats(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lattice.NewPhi4(lat, 0.2, 5)
	if err != nil {
		t.Fatal(err)
	}
	cfg := hmc.EnsembleConfig{N: 100, Chains: 5, Seed: 9, Thermalisation: 300}
	_, want, err := hmc.Ensemble(t.Context(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cores := runtime.GOMAXPROCS(1)
	_, single, err := hmc.Ensemble(t.Context(), a, cfg)
	runtime.GOMAXPROCS(cores)
	if err != nil || !reflect.DeepEqual(single, want) {
		t.Errorf("one core gives another ensemble, %v", err)
	}
	build := func() *mcmc.Generator {
		g, err := hmc.NewGenerator(a, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	g := build()
	for wait := time.Millisecond; ; wait += time.Millisecond {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		err := g.Run(ctx)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		var state bytes.Buffer
		if err := g.Save(&state); err != nil {
			t.Fatal(err)
		}
		g = build()
		if err := g.Restore(&state); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(g.Result(), want) {
		t.Error("the resumed run differs from the uninterrupted one")
	}
}

func TestEnsembleErrors(t *testing.T) {
	a := newAsymmetric(t, 1, 4, 4)
	for name, cfg := range map[string]hmc.EnsembleConfig{
		"no configurations": {}, "length": {N: 10, Length: math.Inf(1)}, "steps": {N: 10, Steps: -1},
		"jitter": {N: 10, Jitter: 1}, "acceptance": {N: 10, Acceptance: 1}, "memory": {N: math.MaxInt32, MaxBytes: 1 << 20},
		"move": {N: 10, Moves: func(int) ([]mcmc.Kernel, error) { return []mcmc.Kernel{nil}, nil }},
	} {
		if ens, r, err := hmc.Ensemble(t.Context(), a, cfg); err == nil || ens != nil || r != nil {
			t.Errorf("%s: expected an error alone, got %v, %v, %v", name, ens, r, err)
		}
	}
	if _, _, err := hmc.Ensemble(t.Context(), nil, hmc.EnsembleConfig{N: 10}); err == nil {
		t.Error("no action: expected an error")
	}
}

func ExampleEnsemble() {
	lat, err := lattice.New(8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := lattice.NewPhi4(lat, 0.2, 5)
	if err != nil {
		fmt.Println(err)
		return
	}
	ens, _, err := hmc.Ensemble(context.Background(), action, hmc.EnsembleConfig{N: 500, Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	mean := 0.0
	for _, phi := range ens.All() {
		mean += lattice.Phi2(phi) / float64(ens.Len())
	}
	fmt.Printf("%d configurations on %v, ⟨φ²⟩ = %.1f\n", ens.Len(), ens.Lattice, mean)
	// Output:
	// 500 configurations on 8x8, ⟨φ²⟩ = 0.9
}
