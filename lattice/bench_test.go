package lattice_test

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func perSite(b *testing.B, volume int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(volume), "ns/site")
}

func benchPhi4(b *testing.B, dims ...int) (*lattice.Phi4, []float64) {
	b.Helper()
	a, err := lattice.NewPhi4(newLattice(b, dims...), 0.27, 0.022)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	return a, gaussian(rng, a.Layout().Volume())
}

func BenchmarkPhi4Value(b *testing.B) {
	for _, dims := range [][]int{{32, 32}, {8, 8, 16}, {4, 4, 4, 16}, {1024}} {
		b.Run(lattice.FormatDims(dims), func(b *testing.B) {
			a, phi := benchPhi4(b, dims...)
			b.ReportAllocs()
			for b.Loop() {
				a.Value(phi)
			}
			perSite(b, len(phi))
		})
	}
}

func BenchmarkPhi4Drift(b *testing.B) {
	for _, dims := range [][]int{{32, 32}, {8, 8, 16}, {4, 4, 4, 16}, {1024}} {
		b.Run(lattice.FormatDims(dims), func(b *testing.B) {
			a, phi := benchPhi4(b, dims...)
			k := make([]float64, len(phi))
			b.ReportAllocs()
			for b.Loop() {
				a.Drift(k, phi)
			}
			perSite(b, len(phi))
		})
	}
}

func BenchmarkPhi4Difference(b *testing.B) {
	a, phi := benchPhi4(b, 32, 32)
	x := 0
	for b.Loop() {
		a.Difference(phi, x, 0.5)
		x = (x + 1) % len(phi)
	}
}

func BenchmarkFourier(b *testing.B) {
	for name, op := range map[string]func(f *lattice.Fourier, dst, phi []float64){
		"Power":  func(f *lattice.Fourier, dst, phi []float64) { f.Power(dst, phi) },
		"Filter": func(f *lattice.Fourier, dst, phi []float64) { f.Filter(dst, phi, phi) },
	} {
		b.Run(name, func(b *testing.B) {
			a, phi := benchPhi4(b, 32, 32)
			f, dst := lattice.NewFourier(a.Layout().Lattice), make([]float64, len(phi))
			b.ReportAllocs()
			for b.Loop() {
				op(f, dst, phi)
			}
			perSite(b, len(phi))
		})
	}
}

func BenchmarkEnsembleFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "e.npz")
	e := goldenEnsemble(b, 1024, 32, 32)
	for _, format := range []lattice.EnsembleFormat{{}, {Float32: true}} {
		name, size := "float64", int64(8*len(e.Data))
		if format.Float32 {
			name, size = "float32", size/2
		}
		b.Run("write/"+name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if err := format.Write(path, e); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("read/"+name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := lattice.ReadEnsemble(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
