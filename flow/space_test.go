package flow_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/unet"
)

// circle is the space of angles modulo 2π on a ring: noise adds to them, and at large noise they
// are flat.
type circle struct{ diffusion.Euclidean }

func init() {
	diffusion.RegisterSpace(func(action lattice.Action) (circle, bool) {
		_, ok := action.(rotors)
		return circle{}, ok
	})
	diffusion.RegisterSpace(func(action lattice.Action) (claimant, bool) {
		a, ok := action.(rotors)
		return claimant{}, ok && a.claimed
	})
}

func (circle) Kind() string { return "circle" }

func (circle) Check(cfg diffusion.ModelConfig) error {
	if cfg.Spectrum != nil || cfg.Layout.Dim() != 1 || cfg.Layout.Components != 1 {
		return errors.New("expected angles on a ring without a Gaussian part")
	}
	return nil
}

func (circle) Wrap(_ lattice.Layout, fields []float64) {
	for i, v := range fields {
		fields[i] = gauge.Wrap(v)
	}
}

func (circle) Prior(m diffusion.ScoreModel, _ float64) diffusion.Prior {
	return flat(m.Layout().Volume())
}

// flat is the uniform distribution of so many angles.
type flat int

func (n flat) Modes(rng *rand.Rand, fields int) []float64 {
	modes, h := make([]float64, 0, fields*int(n)), hartley.Matrix(int(n))
	for range fields {
		start := len(modes)
		modes = append(modes, make([]float64, n)...)
		for x := range int(n) {
			phi := math.Pi * (2*rng.Float64() - 1)
			for k := range int(n) {
				modes[start+k] += h[k*int(n)+x] * phi
			}
		}
	}
	return modes
}

func (n flat) Perturb(rng *rand.Rand, x []float64, beta float64) []float64 {
	if rng.Float64() < beta*beta {
		return n.Modes(rng, len(x)/int(n))
	}
	return x
}

func (n flat) LogDensity([]float64) float64 { return -float64(n) * math.Log(2*math.Pi) }

// wrappedNormal is the exact score of independent angles that are normal modulo 2π.
type wrappedNormal struct {
	layout           lattice.Layout
	centre, variance float64
}

func (m wrappedNormal) Layout() lattice.Layout { return m.layout }
func (m wrappedNormal) Store() *model.Store    { return model.NewStore() }
func (m wrappedNormal) Space() diffusion.Space { return circle{} }

func (m wrappedNormal) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	s, _ := m.ScoreDivergence(scope, phi, sigma)
	return s
}

// ScoreDivergence sums over the images x = φ - m + 2πn: with their weights e^{-x²/2v}, v = s² + σ²
// and the means over n, the score is -⟨x⟩/v and its derivative Var(x)/v² - 1/v.
func (m wrappedNormal) ScoreDivergence(_ *model.Scope, phi, sigma *graph.Node) (score, divergence *graph.Node) {
	const images = 8
	batch := phi.Shape().Dimensions[0]
	v := nn.PerSample(graph.AddScalar(graph.Square(graph.BroadcastToDims(sigma, batch)), m.variance), phi)
	sum, first, second := graph.ZerosLike(phi), graph.ZerosLike(phi), graph.ZerosLike(phi)
	for n := -images; n <= images; n++ {
		x := graph.AddScalar(phi, 2*math.Pi*float64(n)-m.centre)
		w := graph.Exp(graph.Neg(graph.Div(graph.Square(x), graph.MulScalar(v, 2))))
		sum = graph.Add(sum, w)
		first, second = graph.Add(first, graph.Mul(w, x)), graph.Add(second, graph.Mul(w, graph.Square(x)))
	}
	mean := graph.Div(first, sum)
	slope := graph.Div(graph.Sub(graph.Div(graph.Sub(graph.Div(second, sum), graph.Square(mean)), v), graph.OnesLike(v)), v)
	return graph.Neg(graph.Div(mean, v)), nn.SumSites(slope)
}

// logDensity is the logarithm of the density by its Fourier series, with noise of level σ.
func (m wrappedNormal) logDensity(phi []float64, sigma float64) (l float64) {
	for _, x := range phi {
		p := 1.0
		for n := 1.0; n < 20; n++ {
			p += 2 * math.Exp(-n*n*(m.variance+sigma*sigma)/2) * math.Cos(n*(x-m.centre))
		}
		l += math.Log(p / (2 * math.Pi))
	}
	return l
}

// A space of one's own: the flow from flat angles has the density of normal angles modulo 2π,
// whichever of the numbers that are one angle it is asked about, and returns angles that are
// wrapped.
func TestOwnSpace(t *testing.T) {
	m := wrappedNormal{lattice.Scalar(newLattice(t, 3)), 3, 0.6}
	difftest.TestSpace(t, backendtest.Open(), circle{}, m.layout)
	const low, high, n = 0.01, 7, 16 // e^{-σ²/2} of the prior is below 10⁻¹⁰
	f, err := flow.New(backendtest.Open(), m, flow.Config{SigmaMin: low, SigmaMax: high, Steps: 120, Integrator: flow.RK4, Batch: n, DType: dtypes.Float64})
	if err != nil {
		t.Fatal(err)
	}
	draws, err := f.Sample(t.Context(), n, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, phi := range draws.Ensemble.All() {
		for _, x := range phi {
			if !(math.Abs(x) <= math.Pi) {
				t.Fatalf("the angle %v is not wrapped", x)
			}
		}
		if d := draws.LogQ[i] - m.logDensity(phi, low); !(math.Abs(d) < 1e-5) {
			t.Errorf("draw %d has log q = %v, off by %v", i, draws.LogQ[i], d)
		}
	}
	ens := lattice.NewEnsemble(m.layout, 1)
	ens.Append([]float64{1 + 2*math.Pi, -3.1 - 2*math.Pi, 0.2})
	l, err := f.LogProb(t.Context(), ens, 1)
	if err != nil {
		t.Fatal(err)
	}
	if d := l.LogQ[0] - m.logDensity(ens.Config(0), low); !(math.Abs(d) < 1e-5) {
		t.Errorf("log q of other representatives is off by %v", d)
	}
	if _, err := flow.New(backendtest.Open(), m, flow.Config{SigmaMin: low, SigmaMax: high, IsotropicPrior: true}); err == nil {
		t.Error("a normal prior of angles was accepted")
	}

	// The reverse process: ⟨cos(φ - m)⟩ = e^{-s²/2}.
	s, err := diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Levels: diffusion.LogSigma(high, low, 60)})
	if err != nil {
		t.Fatal(err)
	}
	angles, err := s.Sample(t.Context(), 1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	var sum, squares float64
	for _, x := range angles.Data {
		c := math.Cos(x - m.centre)
		sum, squares = sum+c/3000, squares+c*c/3000
		if !(math.Abs(x) <= math.Pi) {
			t.Fatalf("the angle %v is not wrapped", x)
		}
	}
	if d, sigma := sum-math.Exp(-m.variance/2), math.Sqrt((squares-sum*sum)/3000); !(math.Abs(d) < 4.5*sigma) {
		t.Errorf("the mean cosine is off by %v, expected an error of %v", d, sigma)
	}
}

// claimant is a space that some of the same actions claim.
type claimant struct{ circle }

func (claimant) Kind() string { return "claimant" }

// rotors is the action -Σ cos(φ(x+1) - φ(x)) on a ring.
type rotors struct {
	layout  lattice.Layout
	claimed bool
}

func (a rotors) Layout() lattice.Layout { return a.layout }

func (a rotors) Value(phi []float64) (s float64) {
	for x, v := range phi {
		s -= math.Cos(phi[(x+1)%len(phi)] - v)
	}
	return s
}

func (a rotors) Drift(dst, phi []float64) []float64 {
	if dst == nil {
		dst = make([]float64, len(phi))
	}
	n := len(phi)
	for x, v := range phi {
		dst[x] = math.Sin(phi[(x+1)%n]-v) + math.Sin(phi[(x+n-1)%n]-v)
	}
	return dst
}

// The space of an action is found, and has its say; two for one action are an error.
func TestSpaceOfAction(t *testing.T) {
	a := rotors{layout: lattice.Scalar(newLattice(t, 4))}
	rng := rand.New(rand.NewPCG(1, 2))
	ens := lattice.NewEnsemble(a.layout, 16)
	for len(ens.Data) < cap(ens.Data) {
		ens.Data = append(ens.Data, rng.NormFloat64())
	}
	if _, err := diffusion.Measure(a, ens); err == nil || !strings.Contains(err.Error(), "angles on a ring without a Gaussian part") {
		t.Errorf("got the error %v", err)
	}
	a.claimed = true
	if _, err := diffusion.Measure(a, ens); err == nil || !strings.Contains(err.Error(), `"circle" and "claimant" claim`) {
		t.Errorf("got the error %v", err)
	}
}

// stranger is a space that is not registered.
type stranger struct{ circle }

func (stranger) Kind() string { return "stranger" }

// The space goes through a file, and one that nobody registered is refused by its name.
func TestSpaceFile(t *testing.T) {
	network, err := unet.New(unet.Config{Channels: []int{2}, Blocks: 1, Embedding: 2})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.npz")
	save := func(space diffusion.Space) {
		m, err := diffusion.NewModel(backendtest.Open(), network, diffusion.ModelConfig{Layout: lattice.Scalar(newLattice(t, 4)), Space: space})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	save(circle{})
	m, err := diffusion.LoadModel(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Space() != (circle{}) {
		t.Errorf("the file brings the space %+v back", m.Space())
	}
	save(stranger{})
	if _, err := diffusion.LoadModel(path); err == nil || !strings.Contains(err.Error(), `registered space (is its package imported?), got "stranger"`) {
		t.Errorf("got the error %v", err)
	}
}
