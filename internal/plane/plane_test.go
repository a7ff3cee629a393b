package plane

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func gaussian(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// Every implementation against the equations, written with coordinates, for extents
// shorter and longer than a vector and with every remainder.
func TestLoops(t *testing.T) {
	c, drift := Couplings{Hop: 0.27, Mass: 0.48, Quartic: 0.044}, 0.3
	for rows := 1; rows <= 4; rows++ {
		for cols := 1; cols <= 35; cols++ {
			rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
			phi, pi := gaussian(rng, rows*cols), gaussian(rng, rows*cols)
			wantPi, wantNext := slices.Clone(pi), make([]float64, len(phi))
			var energy [4]float64
			for x, v := range phi {
				i, j := x/cols, x%cols
				right, down := phi[i*cols+(j+1)%cols], phi[(i+1)%rows*cols+j]
				left, up := phi[i*cols+(j+cols-1)%cols], phi[(i+rows-1)%rows*cols+j]
				wantPi[x] += c.Hop*(left+right+up+down) - c.Mass*v - c.Quartic*math.Pow(v, 3)
				wantNext[x] = v + drift*wantPi[x]
				for k, e := range []float64{pi[x] * pi[x], v * (right + down), v * v, math.Pow(v, 4)} {
					energy[k] += e
				}
			}
			for _, l := range Available(cols) {
				check := func(what string, got, want []float64) {
					t.Helper()
					for i := range want {
						if math.Abs(got[i]-want[i]) > 1e-12*(1+math.Abs(want[i])) {
							t.Fatalf("%s %dx%d: %s %d: expected %v, got %v", l.Name, rows, cols, what, i, want[i], got[i])
						}
					}
				}
				p := slices.Clone(pi)
				l.Kick(p, phi, cols, c)
				check("kick", p, wantPi)
				copy(p, pi)
				next := make([]float64, len(phi))
				l.KickDrift(next, p, phi, cols, c, drift)
				check("momentum", p, wantPi)
				check("field", next, wantNext)
				pi2, hop, phi2, phi4 := l.Energy(pi, phi, cols)
				check("energy", []float64{pi2, hop, phi2, phi4}, energy[:])
			}
		}
	}
}

func BenchmarkKickDrift(b *testing.B) {
	for _, l := range Available(32) {
		b.Run(l.Name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			phi, pi, next := gaussian(rng, 1024), make([]float64, 1024), make([]float64, 1024)
			for b.Loop() {
				l.KickDrift(next, pi, phi, 32, Couplings{Hop: 0.05, Mass: 0.2, Quartic: 0.01}, 0.1)
				phi, next = next, phi
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/site")
		})
	}
}
