package selftrain

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// schwingerDyson returns the least significant of what a weighted sample of the theory says of
// -⟨φ_k K_k*⟩ = 1, K the drift: the value of the zero mode of the first component, and the
// mode that lies the most errors below 1. A spectrum that has collapsed gives about C_k/C_k^true,
// and a sample that lacks all fields beyond |φ_0| = b gives 1 - 2b p(b).
func schwingerDyson(action lattice.Action, ens *lattice.Ensemble, logw []float64) (zero, lowest stats.Estimate) {
	layout, volume := ens.Layout, ens.Volume()
	largest := math.Inf(-1)
	for _, l := range logw {
		largest = max(largest, l)
	}
	var total float64
	one, square, cross, fourth := make([]float64, layout.Size()), 0.0, make([]float64, layout.Size()), make([]float64, layout.Size())
	drift := make([]float64, layout.Size())
	fourier := lattice.NewFourier(layout.Lattice)
	phik, forcek := make([]complex128, volume), make([]complex128, volume)
	for i, phi := range ens.All() {
		w := math.Exp(logw[i] - largest)
		total, square = total+w, square+w*w
		action.Drift(drift, phi)
		for c := range layout.Components {
			fourier.Transform(phik, layout.Component(phi, c))
			fourier.Transform(forcek, layout.Component(drift, c))
			for k, f := range phik {
				p := -real(f)*real(forcek[k]) - imag(f)*imag(forcek[k])
				one[c*volume+k] += w * p
				cross[c*volume+k] += w * w * p
				fourth[c*volume+k] += w * w * p * p
			}
		}
	}
	worst := math.Inf(1)
	for k, s := range one {
		r := s / total
		e := stats.Estimate{Value: r, Error: math.Sqrt(max(0, fourth[k]-2*r*cross[k]+r*r*square)) / total}
		if k == 0 {
			zero = e
		}
		if z := (r - 1) / e.Error; z < worst {
			worst, lowest = z, e
		}
	}
	return zero, lowest
}
