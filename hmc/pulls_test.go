package hmc_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// The error bars of whole analyses are right: over 200 seeds of a free field, whose
// observables are known, the deviations in units of the quoted errors have mean 0
// and variance 1.
func TestPulls(t *testing.T) {
	const seeds, trajectories = 200, 2000
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewFreeField(lat, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	spectrum, err := action.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := float64(lat.Volume())
	phi2 := 0.0
	for _, c := range spectrum {
		phi2 += c / v
	}
	// M is Gaussian with variance C_0/V.
	observables := []struct {
		name  string
		truth float64
		f     func(m []float64) float64 // of the means of M, |M|, M² and φ²
	}{
		{"⟨φ²⟩", phi2, func(m []float64) float64 { return m[3] }},
		{"⟨|M|⟩", math.Sqrt(2 * spectrum[0] / (math.Pi * v)), func(m []float64) float64 { return m[1] }},
		{"χ₂", spectrum[0], func(m []float64) float64 { return v * (m[2] - m[0]*m[0]) }},
	}
	pulls := make([][]float64, len(observables))
	for seed := range seeds {
		kernel, err := hmc.New(action, hmc.Config{Steps: 5})
		if err != nil {
			t.Fatal(err)
		}
		start := make([]float64, lat.Volume())
		mcmc.HotStart(rand.New(rand.NewPCG(uint64(seed), 1)), start)
		chain, err := mcmc.NewChain(kernel, start, uint64(seed), 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := chain.Run(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
		series := make([][]float64, 4)
		for range trajectories {
			if err := chain.Run(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			m := lattice.Magnetization(chain.Field())
			for i, x := range []float64{m, math.Abs(m), m * m, lattice.Phi2(chain.Field())} {
				series[i] = append(series[i], x)
			}
		}
		for i, o := range observables {
			g, err := stats.GammaFunc([][][]float64{series}, stats.GammaConfig{}, o.f)
			if err != nil {
				t.Fatal(err)
			}
			pulls[i] = append(pulls[i], g.Mean.Pull(o.truth))
		}
	}
	for i, o := range observables {
		mean, square := 0.0, 0.0
		for _, p := range pulls[i] {
			mean += p / seeds
			square += p * p / seeds
		}
		t.Logf("%s: pulls have mean %.3f and mean square %.3f", o.name, mean, square)
		if math.Abs(mean) > 5/math.Sqrt(seeds) {
			t.Errorf("%s: mean pull %v", o.name, mean)
		}
		// The variance of a mean of n squares of normal numbers is 2/n.
		if math.Abs(square-1) > 5*math.Sqrt(2./seeds) {
			t.Errorf("%s: mean square of the pulls %v, want 1", o.name, square)
		}
	}
}
