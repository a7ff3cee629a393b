package measure

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// A chain of two configurations, whose autocorrelations say nothing, has values with the
// errors of independent ones, and τ_int = 1/2.
func TestChainOfTwo(t *testing.T) {
	s := Series{Volume: 4, M: []float64{1, 2}, Action: []float64{3, 5}, Phi2: []float64{1, 4}, Phi4: []float64{1, 16}}
	values, err := Chain(s)
	if err != nil {
		t.Fatal(err)
	}
	if tau, ok := values.Get(TauAbsM); !ok || tau.Value != 0.5 || math.IsNaN(tau.Error) {
		t.Errorf("τ_int = %v, want 0.5", tau)
	}
	// √(2τ C(0)(1 + 1/N)/N) with C(0) = 1.
	if e, ok := values.Get(ActionDensity); !ok || e.Value != 4 || math.Abs(e.Error-math.Sqrt(0.5*1.5)) > 1e-14 {
		t.Errorf("⟨S⟩/V = %+v, want 4 with the error %v", e, math.Sqrt(0.75))
	}
	if _, err := Response([][]float64{{0.1, 0.2}}, s); err != nil {
		t.Error(err)
	}
}

// Of N(1, 1) numbers the fraction Φ(1) is positive, in chains as in one series.
func TestSigns(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	replicas := make([]Series, 2)
	for r := range replicas {
		for range 4000 {
			replicas[r].M = append(replicas[r].M, 1+rng.NormFloat64())
		}
	}
	v, err := Signs(replicas...)
	if err != nil {
		t.Fatal(err)
	}
	want := math.Erfc(-1/math.Sqrt2) / 2
	if e, ok := v.Get(PositiveFraction); !ok || math.Abs(e.Pull(want)) > 5 || !(e.Error < 0.01) {
		t.Errorf("fraction %v, want %v", e, want)
	}
	if _, err := Signs(); err == nil {
		t.Error("accepted no series")
	}
}

// A chain that accepts every second proposal, and a model with log w ~ N(0, s²): a
// standard deviation s, ESS/N = exp(-s²) and the acceptance erfc(s/2).
func TestProposalsAndLikelihood(t *testing.T) {
	var c mcmc.DMMCResult
	for i := range 2001 {
		c.Index = append(c.Index, i/2)
	}
	c.LongestRejection = 1
	v, err := Proposals(c)
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := v.Get(Acceptance); e.Value != 0.5 {
		t.Errorf("acceptance %v, want 0.5", e)
	}
	if e, _ := v.Get(LongestRejection); e.Value != 1 {
		t.Errorf("longest rejection %v, want 1", e)
	}
	const n, s = 20000, 0.4
	rng := rand.New(rand.NewPCG(3, 4))
	action, logq := make([]float64, n), make([]float64, n)
	for i := range action {
		action[i] = 10 * rng.NormFloat64()
		logq[i] = -action[i] - s*rng.NormFloat64()
	}
	v, err = Likelihood(action, logq)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{SDLogW: s, ESS: math.Exp(-s * s), AcceptancePredicted: math.Erfc(s / 2)} {
		if e, _ := v.Get(name); !(math.Abs(e.Pull(want)) < 5) || !(e.Error < 0.05) {
			t.Errorf("%s = %v, want %v", name, e, want)
		}
	}
	// 1 - s²/10², to the fluctuation of both.
	for _, name := range []string{R2, PearsonR2} {
		if e, _ := v.Get(name); math.Abs(e.Value-(1-s*s/100)) > 1e-4 {
			t.Errorf("%s = %v", name, e)
		}
	}
	if _, err := Likelihood(action, logq[1:]); err == nil {
		t.Error("accepted different numbers")
	}
	if _, err := Proposals(mcmc.DMMCResult{Index: []int{0}}); err == nil {
		t.Error("accepted a chain without decisions")
	}
}

// vector is an action of two components, S = Σφ²/2.
type vector struct{ layout lattice.Layout }

func (v vector) Layout() lattice.Layout { return v.layout }

func (v vector) Value(phi []float64) float64 {
	s := 0.0
	for _, x := range phi {
		s += x * x / 2
	}
	return s
}

func (v vector) Drift(dst, phi []float64) []float64 {
	dst = append(dst[:0], phi...)
	for i := range dst {
		dst[i] = -dst[i]
	}
	return dst
}

// The magnetisation of several components is the length of the vector: of constant fields
// (3, 4) it is 5.
func TestComponents(t *testing.T) {
	lat, err := lattice.New(2, 3)
	if err != nil {
		t.Fatal(err)
	}
	a := vector{lattice.Vector(lat, 2)}
	ens := lattice.NewEnsemble(a.layout, 2)
	for range 2 {
		for i := range a.layout.Size() {
			ens.Data = append(ens.Data, 3+float64(i/6))
		}
	}
	s := FromEnsemble(a, ens)
	if s.Volume != 6 || s.Len() != 2 || math.Abs(s.M[1]-5) > 1e-14 || s.Action[0] != 12.5 || s.Phi2[0] != 12.5 || s.Phi4[0] != 168.5 {
		t.Errorf("got %+v", s)
	}
	if p := s.Pick([]int{1, 1, 0}); p.Len() != 3 || p.Volume != 6 {
		t.Errorf("picked %+v", p)
	}
	if p := s.Slice(1, 2); p.Len() != 1 || p.Volume != 6 {
		t.Errorf("sliced %+v", p)
	}
}

func TestRefused(t *testing.T) {
	s := Series{Volume: 4, M: []float64{1, 2}, Action: []float64{3, 5}, Phi2: []float64{1, 4}, Phi4: []float64{1, 16}}
	other := s
	other.Volume = 5
	for name, f := range map[string]func() (Values, error){
		"no replica":        func() (Values, error) { return Chain() },
		"no volume":         func() (Values, error) { return Independent(Series{M: s.M}) },
		"two volumes":       func() (Values, error) { return Chain(s, other) },
		"one configuration": func() (Values, error) { return Independent(s.Slice(0, 1)) },
		"a chain of one":    func() (Values, error) { return Chain(s.Slice(0, 1)) },
		"no correction":     func() (Values, error) { return Response(nil, s) },
	} {
		if v, err := f(); err == nil {
			t.Errorf("%s: got %v", name, v)
		}
	}
}
