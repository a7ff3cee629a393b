package hmc_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// costs are the algorithms whose price per independent |M| is compared. steps is the
// length of the chain at 16×16, 32×32 and 64×64.
var costs = []struct {
	name   string
	steps  [3]int
	kernel func(a *lattice.Phi4) (mcmc.Kernel, error)
}{
	{"HMC, leapfrog 10", [3]int{400_000, 400_000, 1_600_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(a, hmc.Config{Steps: 10, Flip: true})
	}},
	{"HMC, Omelyan 2", [3]int{400_000, 400_000, 1_600_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Steps: 2, Flip: true})
	}},
	{"HMC, length 4, Omelyan 8", [3]int{200_000, 200_000, 400_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Length: 4, Steps: 8, Jitter: 0.5, Flip: true})
	}},
	{"HMC, length 10, Omelyan 20", [3]int{100_000, 100_000, 100_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Length: 10, Steps: 20, Jitter: 0.5, Flip: true})
	}},
	{"Metropolis", [3]int{400_000, 800_000, 1_600_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return mcmc.NewMetropolis(a, mcmc.MetropolisConfig{})
	}},
	{"MALA", [3]int{800_000, 800_000, 1_600_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return mcmc.NewMALA(a, mcmc.MALAConfig{})
	}},
	{"Metropolis + Wolff", [3]int{100_000, 100_000, 100_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		m, err := mcmc.NewMetropolis(a, mcmc.MetropolisConfig{})
		if err != nil {
			return nil, err
		}
		w, err := mcmc.NewWolff(a, mcmc.WolffConfig{})
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(m, w)
	}},
	{"Metropolis + Swendsen–Wang", [3]int{100_000, 100_000, 100_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		m, err := mcmc.NewMetropolis(a, mcmc.MetropolisConfig{})
		if err != nil {
			return nil, err
		}
		s, err := mcmc.NewSwendsenWang(a)
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(m, s)
	}},
	{"Metropolis, overrelaxation, Wolff", [3]int{100_000, 100_000, 50_000}, func(a *lattice.Phi4) (mcmc.Kernel, error) {
		return mcmc.Recommended(a)
	}},
}

// BenchmarkStep times one step of every algorithm in BenchmarkIndependentMagnetization.
func BenchmarkStep(b *testing.B) {
	for _, c := range costs {
		for _, extent := range [3]int{16, 32, 64} {
			b.Run(fmt.Sprintf("%s/%d", c.name, extent), func(b *testing.B) {
				chain := newChain(b, extent, 500, c.kernel)
				b.ReportAllocs()
				for b.Loop() {
					if err := chain.Run(b.Context(), 1); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(extent*extent), "ns/site")
			})
		}
	}
}

// BenchmarkIndependentMagnetization measures 2 τ_int(|M|) × time per step at κ = 0.27,
// λ = 0.022, the price of one independent |M|, for every classical algorithm and
// three lattices, and fits τ_int ∝ L^z. One op is a whole measurement: run it with
// -benchtime 1x.
func BenchmarkIndependentMagnetization(b *testing.B) {
	extents := [3]int{16, 32, 64}
	for _, c := range costs {
		var logL, logTau []float64
		for i, extent := range extents {
			b.Run(fmt.Sprintf("%s/%d", c.name, extent), func(b *testing.B) {
				for range b.N {
					tau, perStep := chainCost(b, extent, c.steps[i], c.kernel)
					logL, logTau = append(logL, math.Log(float64(extent))), append(logTau, math.Log(tau.Value))
					b.ReportMetric(tau.Value, "tau_int")
					b.ReportMetric(tau.Error, "tau_int_error")
					b.ReportMetric(perStep.Seconds()*1e6, "µs/step")
					b.ReportMetric(2*tau.Value*perStep.Seconds()*1e3, "ms/independent")
				}
			})
		}
		if len(logL) == len(extents) {
			b.Run(c.name+"/z", func(b *testing.B) {
				_, z := stat.LinearRegression(logL, logTau, nil, false)
				b.ReportMetric(z, "z")
			})
		}
	}
}

// BenchmarkEnsemble makes an ensemble of 1600 configurations from 16 chains; run it with
// -cpu 2,1,2,1 for the gain from a second core.
func BenchmarkEnsemble(b *testing.B) {
	lat, err := lattice.New(32, 32)
	if err != nil {
		b.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.27, 0.022)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, err := mcmc.Generate(b.Context(), mcmc.EnsembleConfig{Action: action, N: 1600, Thin: 200, Thermalisation: 500, Seed: 1},
			func(int) (mcmc.Kernel, error) { return hmc.New(action, hmc.Config{Steps: 10, Flip: true}) })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// newChain returns a thermalised chain at κ = 0.27, λ = 0.022.
func newChain(b *testing.B, extent, thermalisation int, newKernel func(*lattice.Phi4) (mcmc.Kernel, error)) *mcmc.Chain {
	b.Helper()
	lat, err := lattice.New(extent, extent)
	if err != nil {
		b.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.27, 0.022)
	if err != nil {
		b.Fatal(err)
	}
	kernel, err := newKernel(action)
	if err != nil {
		b.Fatal(err)
	}
	start := make([]float64, lat.Volume())
	mcmc.HotStart(rand.New(rand.NewPCG(5, 6)), start)
	chain, err := mcmc.NewChain(kernel, start, 1, 2)
	if err != nil {
		b.Fatal(err)
	}
	if err := chain.Thermalise(b.Context(), thermalisation); err != nil {
		b.Fatal(err)
	}
	return chain
}

// chainCost runs one long chain and returns τ_int(|M|) and the time per step, the
// median over portions of the chain.
func chainCost(b *testing.B, extent, steps int, newKernel func(*lattice.Phi4) (mcmc.Kernel, error)) (stats.Estimate, time.Duration) {
	b.Helper()
	chain := newChain(b, extent, steps/20+2000, newKernel)
	const portions = 50
	series := make([]float64, 0, steps)
	var times []time.Duration
	for range portions {
		begin := time.Now()
		var measuring time.Duration
		for range steps / portions {
			if err := chain.Run(b.Context(), 1); err != nil {
				b.Fatal(err)
			}
			// The measurement is not part of the algorithm.
			m := time.Now()
			series = append(series, lattice.AbsMagnetization(chain.Field()))
			measuring += time.Since(m)
		}
		times = append(times, (time.Since(begin)-measuring)/(time.Duration(steps)/portions))
	}
	tau, err := stats.IntegratedAutocorrelation(series, stats.GammaConfig{Window: stats.WindowSokal})
	if err != nil {
		b.Fatal(err)
	}
	slices.Sort(times)
	return tau.Estimate, times[portions/2]
}
