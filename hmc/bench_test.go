package hmc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// opaque hides the type of an action, so that New takes the generic path.
type opaque struct{ lattice.Action }

func benchmarkTrajectory(b *testing.B, extent int, hide bool, cfg Config) {
	b.Helper()
	phi4 := mustPhi4(b, 0.27, 0.022, extent, extent)
	var action lattice.Action = phi4
	if hide {
		action = opaque{phi4}
	}
	volume := extent * extent
	h, err := New(action, cfg)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	phi := make([]float64, volume)
	for range 200 {
		if _, err := h.Step(b.Context(), rng, phi); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Step(b.Context(), rng, phi); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(volume), "ns/site")
}

// BenchmarkTrajectory32x32 is the yardstick: one op is a trajectory of length 1 in
// 10 leapfrog steps at κ = 0.27, λ = 0.022, with momenta, both energies and the
// accept step.
func BenchmarkTrajectory32x32(b *testing.B) {
	benchmarkTrajectory(b, 32, false, Config{Flip: true})
}

func BenchmarkTrajectory(b *testing.B) {
	for _, extent := range []int{16, 32, 64} {
		for _, in := range []Integrator{Leapfrog, Omelyan, Omelyan4} {
			// Ten force evaluations each, so that the schemes are at equal cost.
			cfg := Config{Integrator: in, Steps: 10 / in.Forces()}
			b.Run(fmt.Sprintf("%dx%d/%s", extent, extent, in.Name), func(b *testing.B) {
				benchmarkTrajectory(b, extent, false, cfg)
			})
		}
		b.Run(fmt.Sprintf("%dx%d/generic", extent, extent), func(b *testing.B) {
			benchmarkTrajectory(b, extent, true, Config{})
		})
		b.Run(fmt.Sprintf("%dx%d/fourier", extent, extent), func(b *testing.B) {
			lat := mustLattice(b, extent, extent)
			mass, err := NewFreeMass(lat, 0.2, 0)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkTrajectory(b, extent, false, Config{Mass: mass})
		})
	}
}

func BenchmarkNormal(b *testing.B) {
	var g normalSource
	g.seed(rand.New(rand.NewPCG(1, 2)))
	dst := make([]float64, 1024)
	for b.Loop() {
		g.fill(dst)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(dst)), "ns/number")
}
