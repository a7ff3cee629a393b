package diffusion_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// siteIntegrals returns mean and variance of exp(-V(φ₀) - (φ₀-φ)²/2σ²).
func siteIntegrals(c []float64, phi, sigma float64) (mean, variance float64) {
	const n = 200001
	lo, hi := -9.0, 9.0
	if 40*sigma < hi-lo {
		lo, hi = phi-20*sigma, phi+20*sigma
	}
	exponent := func(x float64) float64 {
		v := 0.0
		for k := len(c) - 1; k >= 0; k-- {
			v = v*x + c[k]
		}
		return -v - (x-phi)*(x-phi)/(2*sigma*sigma)
	}
	top := math.Inf(-1)
	for i := range n {
		top = math.Max(top, exponent(lo+(hi-lo)*float64(i)/(n-1)))
	}
	var m0, m1, m2 float64
	for i := range n {
		x := lo + (hi-lo)*float64(i)/(n-1)
		w := math.Exp(exponent(x) - top)
		m0, m1, m2 = m0+w, m1+w*(x-phi), m2+w*(x-phi)*(x-phi)
	}
	m1, m2 = m1/m0, m2/m0
	return phi + m1, m2 - m1*m1
}

// boltzmann draws from exp(-V) by rejection from a range beyond which nothing is.
func boltzmann(rng *rand.Rand, c []float64) float64 {
	value := func(x float64) (v float64) {
		for k := len(c) - 1; k >= 0; k-- {
			v = v*x + c[k]
		}
		return v
	}
	least := math.Inf(1)
	for x := -4.0; x < 4; x += 1. / 64 {
		least = math.Min(least, value(x))
	}
	for {
		if x := 8*rng.Float64() - 4; rng.Float64() < math.Exp(least-0.1-value(x)) {
			return x
		}
	}
}

// untrained returns a model whose network vanishes.
func untrained(t *testing.T, lat *lattice.Lattice, spectrum []float64, mean float64, site []float64) *diffusion.Model {
	t.Helper()
	m, err := diffusion.NewModel(backendtest.Open(), hollow.Default(), diffusion.ModelConfig{
		Layout: lattice.Scalar(lat), Spectrum: spectrum, Mean: []float64{mean}, Site: site,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// known returns the remainder of the score and its divergence.
func known(t *testing.T, m *diffusion.Model, phi, sigma []float64) (r, div []float64) {
	t.Helper()
	exec := model.MustNewExec(backendtest.Open(), m.Store(), func(scope *model.Scope, x, s *graph.Node) (*graph.Node, *graph.Node) {
		p := m.Remainder(scope, x, s)
		return p.Known, p.Divergence
	})
	dims := append([]int{len(sigma), 1}, m.Layout().Dims()...)
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(phi, dims...), sigma)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
}

// Independent sites: the score and its divergence are exact from small noise to large, for
// one well and several, even and not.
func TestSiteIndependent(t *testing.T) {
	lat := must(lattice.New(3, 2))
	for name, c := range map[string][]float64{
		"λ = 0.022": {0, 0, 0.956, 0, 0.022}, "λ = ½": {0, 0, 0, 0, 0.5}, "λ = 5": {0, 0, -9, 0, 5}, "λ = 50": {0, 0, -99, 0, 50},
		"not even": {0, 0.7, -1, 0.4, 0.6}, "φ⁶": {1, 0, 0.5, 0, -0.8, 0, 0.2},
	} {
		m0, v0 := siteIntegrals(c, 0, 1e6)
		spectrum := make([]float64, lat.Volume())
		for k := range spectrum {
			spectrum[k] = v0
		}
		m := untrained(t, lat, spectrum, m0, c)
		rng := rand.New(rand.NewPCG(1, 0))
		var phi, sigma []float64
		for _, s := range []float64{0.01, 0.05, 0.2, 0.5, 1, 2, 10, 40} {
			sigma = append(sigma, s)
			for range lat.Volume() - 2 {
				phi = append(phi, boltzmann(rng, c)+s*rng.NormFloat64())
			}
			// Of a million sites some have noise like this.
			phi = append(phi, boltzmann(rng, c)+5*s, boltzmann(rng, c)-5*s)
		}
		r, div := known(t, m, phi, sigma)
		for i, s := range sigma {
			want := 0.0
			for x := i * lat.Volume(); x < (i+1)*lat.Volume(); x++ {
				mean, variance := siteIntegrals(c, phi[x], s)
				score, slope := (mean-phi[x])/(s*s), (variance/(s*s)-1)/(s*s)
				linear := -(phi[x] - m0) / (v0 + s*s)
				want += slope + 1/(v0+s*s)
				if d := r[x] + linear - score; math.Abs(d) > 1e-6*(1+math.Abs(score)) {
					t.Errorf("%s, σ = %v, φ = %v: score %v, exactly %v", name, s, phi[x], r[x]+linear, score)
				}
			}
			if math.Abs(div[i]-want) > 1e-6*(1+math.Abs(want)) {
				t.Errorf("%s, σ = %v: divergence %v, exactly %v", name, s, div[i], want)
			}
		}
	}
}

// Free fields, with a linear term too: nothing is left to add to the Gaussian.
func TestSiteFree(t *testing.T) {
	lat := must(lattice.New(4, 6))
	a := must(lattice.NewFreeField(lat, 0.22))
	spectrum := must(a.FreeSpectrum(nil))
	const h = 0.3
	mean := -h / (2 * (1 - 4*0.22)) // of (1-2dκ)φ² + hφ
	m := untrained(t, lat, spectrum, mean, []float64{0, h, 1})
	rng := rand.New(rand.NewPCG(2, 0))
	var phi, sigma []float64
	for _, s := range []float64{0.03, 0.3, 1, 5, 30} {
		sigma = append(sigma, s)
		for range lat.Volume() {
			phi = append(phi, mean+(1+s)*rng.NormFloat64())
		}
	}
	r, div := known(t, m, phi, sigma)
	for x, v := range r {
		if math.Abs(v) > 1e-6 {
			t.Errorf("σ = %v: remainder %v", sigma[x/lat.Volume()], v)
		}
	}
	for i, v := range div {
		if math.Abs(v) > 1e-5 {
			t.Errorf("σ = %v: divergence %v", sigma[i], v)
		}
	}
}

// A file of a model keeps the potential, and Measure sets it at strong coupling only.
func TestSiteKept(t *testing.T) {
	lat := must(lattice.New(4, 4))
	spectrum := make([]float64, lat.Volume())
	for k := range spectrum {
		spectrum[k] = 0.6
	}
	m := untrained(t, lat, spectrum, 0, []float64{0, 0, -1, 0, 1})
	file := filepath.Join(t.TempDir(), "model.npz")
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	loaded, err := diffusion.LoadModel(file)
	if err != nil {
		t.Fatal(err)
	}
	phi, sigma := make([]float64, lat.Volume()), []float64{0.4}
	for x := range phi {
		phi[x] = math.Sin(float64(x))
	}
	want, _ := known(t, m, phi, sigma)
	got, _ := known(t, loaded, phi, sigma)
	if !slices.Equal(got, want) {
		t.Error("a model from its file has another score")
	}
	for lambda, want := range map[float64]bool{0.022: false, 1: true} {
		action := must(lattice.NewPhi4(lat, 0.1, lambda))
		ens := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 200, Seed: 1}, nil)).Ensemble
		if m := must(diffusion.Measure(action, ens)); (m.Site != nil) != want {
			t.Errorf("λ = %v: the potential is %v", lambda, m.Site)
		}
	}
	for name, cfg := range map[string]diffusion.ModelConfig{
		"two components": {Layout: lattice.Vector(lat, 2), Spectrum: slices.Repeat(spectrum, 2), Site: []float64{0, 0, 1}},
		"with order":     {Layout: lattice.Scalar(lat), Spectrum: spectrum, Order: 1, Site: []float64{0, 0, 1}},
		"not bounded":    {Layout: lattice.Scalar(lat), Spectrum: spectrum, Site: []float64{0, 0, 1, 1}},
	} {
		if _, err := diffusion.NewModel(backendtest.Open(), hollow.Default(), cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
