package diffusion

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// For independent sites with two peaks at ±a of width w the noisy score is known: whatever
// the model takes for the residual, the target is right on average, and with the residual of
// the data it has the variance that is claimed, less than with others.
func TestTarget(t *testing.T) {
	b := backendtest.Open()
	lat, err := lattice.New(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	const n, a, w2 = 1 << 15, 0.9, 0.04
	const c = a*a + w2
	// score is that of the sites with noise of variance v.
	score := func(x, v float64) float64 { return (a*math.Tanh(a*x/(w2+v)) - x) / (w2 + v) }
	rng := rand.New(rand.NewPCG(1, 2))
	field, residual, noise := make([]float64, 4*n), make([]float64, 4*n), make([]float64, 4*n)
	force := 0.0
	for i := range field {
		field[i], noise[i] = math.Sqrt(w2)*rng.NormFloat64()+a*float64(2*rng.IntN(2)-1), rng.NormFloat64()
		k := score(field[i], 0)
		force += k * k / (4 * n)
		residual[i] = field[i] + c*k
	}
	for _, sigma := range []float64{0.05, 0.3, 1, 3} {
		variance := map[float64]float64{}
		for _, ratio := range []float64{0.02, 1, 50} {
			d := ratio * (c*c*force - c)
			layout := lattice.Scalar(lat)
			cfg := ModelConfig{Layout: layout, Spectrum: []float64{c, c, c, c}, Residual: []float64{d, d, d, d}}
			part, err := newGaussianPart(cfg)
			if err != nil {
				t.Fatal(err)
			}
			m := &Model{gaussianPart: part, cfg: cfg}
			exec := graph.MustNewExec(b, func(x, y, z, level *graph.Node) *graph.Node {
				return m.target(x, y, graph.MulScalar(z, sigma), level, m.precondition(x, level))
			})
			of := func(v []float64) *tensors.Tensor { return tensors.FromFlatDataAndDimensions(v, n, 1, 2, 2) }
			out, err := exec.Call1(of(field), of(residual), of(noise), []float64{sigma})
			if err != nil {
				t.Fatal(err)
			}
			var bias, spread, square, quartic float64
			for i, v := range tensors.MustCopyFlatData[float64](out) {
				phi := field[i] + sigma*noise[i]
				p := (v - score(phi, sigma*sigma) - phi/(c+sigma*sigma)) * math.Tanh(phi/(0.2+sigma))
				bias, spread = bias+p/(4*n), spread+p*p/(4*n)
				square, quartic = square+v*v/(4*n), quartic+v*v*v*v/(4*n)
			}
			if e := math.Sqrt(spread / (4 * n)); !(math.Abs(bias) < 5*e) {
				t.Errorf("σ = %v, residual %v: the target is off by %v on average, 5σ = %v", sigma, d, bias, 5*e)
			}
			variance[ratio] = square
			least, e := m.targetVariance(sigma), math.Sqrt((quartic-square*square)/(4*n))
			if ratio == 1 && !(math.Abs(square-least) < 5*e) {
				t.Errorf("σ = %v: the target has the variance %v, expected %v, 5σ = %v", sigma, square, least, 5*e)
			}
		}
		if !(variance[1] < variance[0.02] && variance[1] < variance[50]) {
			t.Errorf("σ = %v: the variances with 1/50, 1 and 50 times the residual are %v, expected the least at 1", sigma, variance)
		}
	}
}
