package diffusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// siteMeansModel returns what a posterior has to know of an action with a spectrum and ⟨|K_k|²⟩.
func siteMeansModel(t testing.TB, action *lattice.Phi4, spectrum, drift []float64) *Model {
	t.Helper()
	residual := make([]float64, len(spectrum))
	for k, c := range spectrum {
		residual[k] = c*c*drift[k] - c
	}
	part, err := newGaussianPart(ModelConfig{Layout: action.Layout(), Spectrum: spectrum})
	if err != nil {
		t.Fatal(err)
	}
	return &Model{gaussianPart: part, cfg: ModelConfig{SigmaMin: SigmaMinFor(2), Residual: residual}}
}

// In a free field the means of sites and the multiple of Z make the posterior mean Cφ/(C+σ²) of
// every single configuration.
func TestSiteMeansOfFreeField(t *testing.T) {
	lat, err := lattice.New(4, 6)
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
	drift := make([]float64, len(spectrum))
	for k, c := range spectrum {
		drift[k] = 1 / c
	}
	m := siteMeansModel(t, action, spectrum, drift)
	rng := rand.New(rand.NewPCG(3, 4))
	fourier := lattice.NewFourier(lat)
	v := lat.Volume()
	for _, sigma := range []float64{0.02, 0.5, 30} {
		field, noise, target := make([]float32, v), make([]float32, v), make([]float32, v)
		want, weights := make([]float64, v), make([]float64, v)
		for i := range field {
			field[i], noise[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
			want[i] = float64(field[i]) + sigma*float64(noise[i])
			weights[i] = spectrum[i] / (spectrum[i] + sigma*sigma)
		}
		fourier.Filter(want, want, weights)
		p := newPosterior(m, action, 1)
		if p.sites == nil {
			t.Fatal("no means of sites")
		}
		p.average(rng, field, noise, target, sigma)
		for i, x := range field {
			if !(math.Abs(float64(x)-want[i]) < 2e-5) || !(math.Abs(float64(target[i])) < 2e-5*(1+spectrum[0]/(sigma*sigma))) {
				t.Fatalf("σ = %v: φ₀ = %v, Y = %v, exactly %v and 0", sigma, x, target[i], want[i])
			}
		}
	}
}

// Two coupled sites: the average over draws from the posterior is the mean by quadrature, with less
// variance than that of fields.
func TestSiteMeans(t *testing.T) {
	lat, err := lattice.New(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	const kappa, lambda, n, grid, reach = 0.25, 0.5, 1000, 200, 3.2
	action, err := lattice.NewPhi4(lat, kappa, lambda)
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int) float64 { return reach * (2*(float64(i)+0.5)/grid - 1) }
	// The weights exp(-S - |φ₀-φ|²/2σ²) on the grid, summed up.
	posterior := func(phi [2]float64, sigma float64) []float64 {
		var sum float64
		all := make([]float64, 0, grid*grid)
		for i := range grid {
			for j := range grid {
				x := []float64{at(i), at(j)}
				d0, d1 := x[0]-phi[0], x[1]-phi[1]
				sum += math.Exp(-action.Value(x) - (d0*d0+d1*d1)/(2*sigma*sigma))
				all = append(all, sum)
			}
		}
		return all
	}
	// ⟨|K_k|²⟩ of the theory is ⟨S″⟩, by quadrature as well, and so is C_k.
	var spectrum, drift [2]float64
	all, before := posterior([2]float64{}, 1e8), 0.0
	for k, sum := range all {
		x := []float64{at(k / grid), at(k % grid)}
		f := action.Drift(make([]float64, 2), x)
		p := (sum - before) / all[len(all)-1]
		before = sum
		for mode, sign := range []float64{1, -1} {
			spectrum[mode] += p * (x[0] + sign*x[1]) * (x[0] + sign*x[1]) / 2
			drift[mode] += p * (f[0] + sign*f[1]) * (f[0] + sign*f[1]) / 2
		}
	}
	m := siteMeansModel(t, action, spectrum[:], drift[:])
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ sigma, gain float64 }{{0.1, 1e5}, {0.4, 100}, {1, 6}, {10, 2.5}} {
		phi := [2]float64{0.8, -0.3 + c.sigma}
		all := posterior(phi, c.sigma)
		var want [2]float64
		before := 0.0
		for k, sum := range all {
			p := (sum - before) / all[len(all)-1]
			want[0], want[1] = want[0]+p*at(k/grid), want[1]+p*at(k%grid)
			before = sum
		}
		var variance [2]float64
		for kind, a := range []lattice.Action{action, struct{ lattice.Action }{action}} {
			p := newPosterior(m, a, 2)
			var off, square float64
			for range n {
				k := sort.SearchFloat64s(all, all[len(all)-1]*rng.Float64())
				x := [2]float64{at(k / grid), at(k % grid)}
				field, noise, target := make([]float32, 2), make([]float32, 2), make([]float32, 2)
				for i := range field {
					field[i], noise[i] = float32(x[i]), float32((phi[i]-x[i])/c.sigma)
				}
				p.average(rng, field, noise, target, c.sigma)
				d := float64(field[0]) + 0.6*float64(field[1]) - want[0] - 0.6*want[1]
				off, square = off+d/n, square+d*d/n
				// The field, the noise and Y = φ₀ + C·K, K = (φ₀-φ)/σ², are of one estimate.
				mean, half := float64(field[0]+field[1])/2, float64(field[0]-field[1])/2
				middle, change := (phi[0]+phi[1])/2, (phi[0]-phi[1])/2
				s2 := c.sigma * c.sigma
				y := mean + spectrum[0]*(mean-middle)/s2 + half + spectrum[1]*(half-change)/s2
				if e := float64(target[0]) - y; kind == 0 && !(math.Abs(e) < 1e-4*(1+1/s2)) {
					t.Fatalf("σ = %v: Y = %v, expected %v", c.sigma, target[0], y)
				}
			}
			variance[kind] = square
			// The table of the sites and the grid leave 10⁻⁵.
			if e := math.Sqrt(square/n) + 1e-5; !(math.Abs(off) < 5*e) {
				t.Errorf("σ = %v, kind %d: the mean is off by %v, 5σ = %v", c.sigma, kind, off, 5*e)
			}
		}
		t.Logf("σ = %v: variance of the average %.3g of fields, %.3g of sites", c.sigma, variance[1], variance[0])
		if !(variance[1] > c.gain*variance[0]) {
			t.Errorf("σ = %v: variance %v of the average with means of sites, %v of fields", c.sigma, variance[0], variance[1])
		}
	}
}

// The average of one noisy field over ten trajectories, of fields and of means of sites.
func BenchmarkPosterior(b *testing.B) {
	lat, err := lattice.New(32, 32)
	if err != nil {
		b.Fatal(err)
	}
	phi4, err := lattice.NewPhi4(lat, 0.25, 0.5)
	if err != nil {
		b.Fatal(err)
	}
	spectrum := make([]float64, lat.Volume())
	for k := range spectrum {
		spectrum[k] = 0.5
	}
	for _, c := range []struct {
		name   string
		action lattice.Action
	}{{"fields", struct{ lattice.Action }{phi4}}, {"sites", phi4}} {
		for _, sigma := range []float64{0.1, 1, 10} {
			b.Run(fmt.Sprintf("%s/σ=%v", c.name, sigma), func(b *testing.B) {
				m := siteMeansModel(b, phi4, spectrum, spectrum)
				p := newPosterior(m, c.action, 10)
				rng := rand.New(rand.NewPCG(1, 2))
				field, noise, target := make([]float32, len(spectrum)), make([]float32, len(spectrum)), make([]float32, len(spectrum))
				for b.Loop() {
					for i := range field {
						field[i], noise[i] = float32(0.7*rng.NormFloat64()), float32(rng.NormFloat64())
					}
					p.average(rng, field, noise, target, sigma)
				}
			})
		}
	}
}
