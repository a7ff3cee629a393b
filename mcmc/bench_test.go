package mcmc_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// benchmark runs a kernel on φ⁴ at κ = 0.27, λ = 0.022 in equilibrium; work is the
// number of elementary updates of the last step, for the metric.
func benchmark(b *testing.B, metric string, work func() int, a *lattice.Phi4, k mcmc.Kernel) {
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, a.Layout().Volume())
	relax := cycle(b, metropolis(b, a, mcmc.MetropolisConfig{Width: 1.2}), wolff(b, a, 4))
	for range 500 {
		if _, err := relax.Step(b.Context(), rng, phi); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := k.Step(b.Context(), rng, phi); err != nil {
			b.Fatal(err)
		}
		n += work()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), metric)
}

func BenchmarkMetropolis(b *testing.B) {
	for _, c := range []struct {
		name string
		dims []int
		hits int
	}{{"32x32", []int{32, 32}, 1}, {"32x32/hits=4", []int{32, 32}, 4}, {"33x33", []int{33, 33}, 1}, {"16x16x16", []int{16, 16, 16}, 1}} {
		b.Run(c.name, func(b *testing.B) {
			a := phi4(b, 0.27, 0.022, c.dims...)
			if len(c.dims) == 3 {
				a = phi4(b, 0.17, 0.022, c.dims...)
			}
			k := metropolis(b, a, mcmc.MetropolisConfig{Width: 1.2, Hits: c.hits})
			benchmark(b, "ns/hit", func() int { return c.hits * a.Layout().Volume() }, a, k)
		})
	}
}

func BenchmarkWolff(b *testing.B) {
	a := phi4(b, 0.27, 0.022, 32, 32)
	k := wolff(b, a, 1)
	benchmark(b, "ns/flip", k.Size, a, k)
}

func BenchmarkSwendsenWang(b *testing.B) {
	a := phi4(b, 0.27, 0.022, 32, 32)
	k := must[*mcmc.SwendsenWang](b)(mcmc.NewSwendsenWang(a))
	benchmark(b, "ns/site", a.Layout().Lattice.Volume, a, k)
}

func BenchmarkMALA(b *testing.B) {
	a := phi4(b, 0.27, 0.022, 32, 32)
	k := must[*mcmc.MALA](b)(mcmc.NewMALA(a, mcmc.MALAConfig{Step: 0.02}))
	benchmark(b, "ns/site", a.Layout().Lattice.Volume, a, k)
}

func BenchmarkGenerate(b *testing.B) {
	a := phi4(b, 0.27, 0.022, 32, 32)
	for b.Loop() {
		generate(b, mcmc.EnsembleConfig{
			Action: a, N: 256, Thin: 10, Thermalisation: 100,
		}, nil)
	}
}

func BenchmarkChainRun(b *testing.B) {
	c := must[*mcmc.Chain](b)(mcmc.NewChain(mcmc.SignFlip{}, []float64{1}, 1, 1))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := 0
	for b.Loop() {
		if err := c.Run(ctx, 1000); err != nil {
			b.Fatal(err)
		}
		n += 1000
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/step")
}

func BenchmarkOverrelaxation(b *testing.B) {
	a := phi4(b, 0.27, 0.022, 32, 32)
	k := overrelaxation(b, a)
	benchmark(b, "ns/site", a.Layout().Lattice.Volume, a, k)
}

// BenchmarkVectors times the kernels of O(3) on 32x32; one op is a sweep or a cluster.
func BenchmarkVectors(b *testing.B) {
	a := on(b, 3, 0.3, 0.1, 32, 32)
	for _, k := range []struct {
		name   string
		kernel mcmc.Kernel
	}{
		{"Metropolis", metropolis(b, a, mcmc.MetropolisConfig{Hits: 1})},
		{"generic Metropolis", metropolis(b, struct{ lattice.LocalAction }{a}, mcmc.MetropolisConfig{Hits: 1})},
		{"Overrelaxation", overrelaxation(b, a)},
		{"Wolff", wolff(b, a, 1)},
		{"SwendsenWang", must[*mcmc.SwendsenWang](b)(mcmc.NewSwendsenWang(a))},
	} {
		b.Run(k.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			phi := make([]float64, a.Layout().Size())
			relax := cycle(b, metropolis(b, a, mcmc.MetropolisConfig{}), wolff(b, a, 4))
			for range 200 {
				if _, err := relax.Step(b.Context(), rng, phi); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.kernel.Step(b.Context(), rng, phi); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(phi)), "ns/number")
		})
	}
}
