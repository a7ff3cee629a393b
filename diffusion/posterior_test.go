package diffusion

import (
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// For independent sites the mean of the clean field at a noisy one is a one-dimensional
// integral. Averages over trajectories that begin with what the noisy field was made from
// have it as their mean, and less variance than one draw.
func TestPosterior(t *testing.T) {
	lat, err := lattice.New(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	const lambda, n, trajectories = 0.5, 4000, 10
	action, err := lattice.NewPhi4(lat, 0, lambda)
	if err != nil {
		t.Fatal(err)
	}
	v := lat.Volume()
	spectrum := make([]float64, v)
	for k := range spectrum {
		spectrum[k] = 0.34
	}
	part, err := newGaussianPart(ModelConfig{Layout: action.Layout(), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	m := &Model{gaussianPart: part, cfg: ModelConfig{SigmaMin: SigmaMinFor(2)}}
	rng := rand.New(rand.NewPCG(1, 2))
	site := func() float64 {
		for {
			if x := 6*rng.Float64() - 3; rng.Float64() < math.Exp(-lambda*x*x*x*x) {
				return x
			}
		}
	}
	for _, sigma := range []float64{0.05, 0.4, 1, 10} {
		// The action does not tell the potential of its sites, whose means would leave nothing to average.
		p := newPosterior(m, struct{ lattice.Action }{action}, trajectories)
		// Functions of the noisy field by which φ₀, the noise and Y are weighted.
		weight := func(phi float64) float64 { return math.Tanh(phi / (0.3 + sigma)) }
		var sum, square, single [2]float64
		rejected := 0.0
		for range n {
			field, noise, target := make([]float32, v), make([]float32, v), make([]float32, v)
			phi, want := make([]float64, v), make([]float64, v)
			var one [2]float64
			for i := range field {
				x := site()
				field[i], noise[i] = float32(x), float32(rng.NormFloat64())
				phi[i] = float64(field[i]) + sigma*float64(noise[i])
				want[i] = siteMean(lambda, phi[i], sigma)
				one[0] += (x - want[i]) * weight(phi[i])
				// Y = φ₀ + C·K, and ⟨K⟩ is the score.
				y := want[i] + spectrum[0]*(want[i]-phi[i])/(sigma*sigma)
				one[1] += (x - 4*lambda*x*x*x*spectrum[0] - y) * weight(phi[i])
			}
			before := field[0]
			p.average(rng, field, noise, target, sigma)
			if field[0] == before {
				rejected += 1. / n
			}
			var got [2]float64
			for i, x := range field {
				if d := float64(x) + sigma*float64(noise[i]) - phi[i]; math.Abs(d) > 1e-5*(1+sigma) {
					t.Fatalf("σ = %v: the noisy field moved by %v", sigma, d)
				}
				y := want[i] + spectrum[0]*(want[i]-phi[i])/(sigma*sigma)
				got[0] += (float64(x) - want[i]) * weight(phi[i])
				got[1] += (float64(target[i]) - y) * weight(phi[i])
			}
			for k, g := range got {
				sum[k], square[k], single[k] = sum[k]+g/n, square[k]+g*g/n, single[k]+one[k]*one[k]/n
			}
		}
		for k, name := range []string{"field", "target"} {
			if e := math.Sqrt(square[k] / n); !(math.Abs(sum[k]) < 5*e) {
				t.Errorf("σ = %v: the average %s is off by %v, 5σ = %v", sigma, name, sum[k], 5*e)
			}
			// Eleven independent draws would have a variance of 1/11; where the noise is large, and
			// the site far from harmonic, trajectories are correlated.
			if ratio := square[k] / single[k]; !(ratio < 0.5) {
				t.Errorf("σ = %v: the variance of the average %s is %v of that of one draw", sigma, name, ratio)
			}
		}
		// Few chains begin so far out that the steps are too long for all trajectories.
		if rejected > 0.05 {
			t.Errorf("σ = %v: a share of %v of the chains did not move", sigma, rejected)
		}
	}
}

// siteMean returns the mean of exp(-λφ₀⁴ - (φ₀-φ)²/2σ²).
func siteMean(lambda, phi, sigma float64) float64 {
	const n = 400
	lo, hi := math.Max(-4, math.Min(phi-10*sigma, 3)), math.Min(4, math.Max(phi+10*sigma, -3))
	var norm, sum float64
	for i := range n {
		x := lo + (hi-lo)*(float64(i)+0.5)/n
		w := math.Exp(-lambda*x*x*x*x - (x-phi)*(x-phi)/(2*sigma*sigma))
		norm, sum = norm+w, sum+w*x
	}
	return sum / norm
}

// Two lifted angles with a given sum are one variable, and their mean at noisy ones an integral.
// Averages keep the sum.
func TestPosteriorOfLiftedAngles(t *testing.T) {
	lat, err := lattice.New(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	wilson, err := gauge.NewWilson(lat, 2)
	if err != nil {
		t.Fatal(err)
	}
	action, err := gauge.NewLift(wilson, 0)
	if err != nil {
		t.Fatal(err)
	}
	part, err := newGaussianPart(ModelConfig{Layout: action.Layout(), Space: LiftedAngles{}, Spectrum: []float64{0.7, 0.7}})
	if err != nil {
		t.Fatal(err)
	}
	const n, winding, nodes, reach = 2000, 2 * math.Pi, 600, 12.0
	m := &Model{gaussianPart: part, cfg: ModelConfig{SigmaMin: SigmaMinFor(2)}}
	rng := rand.New(rand.NewPCG(1, 2))
	// The density of the difference, on a grid, and its cumulative sum.
	difference := func(i int) float64 { return reach * (2*(float64(i)+0.5)/nodes - 1) }
	var density, cumulative [nodes]float64
	sum := 0.0
	for i := range nodes {
		d := difference(i)
		density[i] = math.Exp(-action.Value([]float64{(winding + d) / 2, (winding - d) / 2}))
		sum += density[i]
		cumulative[i] = sum
	}
	for _, sigma := range []float64{0.3, 2} {
		p := newPosterior(m, action, 8)
		var off, square, single float64
		for range n {
			d := difference(sort.SearchFloat64s(cumulative[:], sum*rng.Float64()))
			field, target := []float32{float32((winding + d) / 2), float32((winding - d) / 2)}, make([]float32, 2)
			noise := []float32{float32(rng.NormFloat64()), float32(rng.NormFloat64())}
			noisy := d + sigma*float64(noise[0]-noise[1])
			// The noise of the difference has twice the variance.
			var norm, mean float64
			for i, w := range density {
				x := difference(i)
				w *= math.Exp(-(x - noisy) * (x - noisy) / (4 * sigma * sigma))
				norm, mean = norm+w, mean+w*x
			}
			mean /= norm
			weight := math.Tanh(noisy)
			p.average(rng, field, noise, target, sigma)
			if s := float64(field[0] + field[1]); math.Abs(s-winding) > 1e-5 {
				t.Fatalf("the average has the sum %v", s)
			}
			if s := float64(noise[0] + noise[1]); math.Abs(s) > 1e-5 {
				t.Fatalf("the average noise has the sum %v", s)
			}
			got := (float64(field[0]-field[1]) - mean) * weight
			off, square, single = off+got/n, square+got*got/n, single+(d-mean)*weight*(d-mean)*weight/n
		}
		if e := math.Sqrt(square / n); !(math.Abs(off) < 5*e) {
			t.Errorf("σ = %v: the average is off by %v, 5σ = %v", sigma, off, 5*e)
		}
		if ratio := square / single; !(ratio < 0.5) {
			t.Errorf("σ = %v: the variance of the average is %v of that of one draw", sigma, ratio)
		}
	}
}
