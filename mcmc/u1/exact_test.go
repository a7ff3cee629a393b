package u1_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// Independent draws against the exact solution: loops, ⟨Q²⟩ and all of P(Q).
func TestExactDraws(t *testing.T) {
	const draws = 4000
	for i, c := range []struct {
		w    gauge.Weight
		dims []int
	}{
		{gauge.Wilson{}, []int{4, 4}}, {gauge.Wilson{Beta: 1}, []int{3, 1}}, {gauge.Wilson{Beta: 0.5}, []int{2, 2}}, {gauge.Wilson{Beta: -1}, []int{3, 3}},
		{gauge.Wilson{Beta: 2}, []int{8, 8}}, {gauge.Wilson{Beta: 7}, []int{16, 16}}, {gauge.Wilson{Beta: 60}, []int{5, 6}},
		{gauge.Villain{Beta: 0.3}, []int{4, 4}}, {gauge.Villain{Beta: 4}, []int{8, 6}},
	} {
		a := newAction(t, c.w, c.dims...)
		torus, exact := newTorus(t, a), newExact(t, a)
		list := solved(t, a)
		series := make([][]float64, len(list))
		p := must[*gauge.Exact](t)(gauge.NewExact(c.w, c.dims[0], c.dims[1])).Charges()
		counts := make([]float64, 2*len(p)-1)
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		links := make([]float64, a.Layout().Size())
		for range draws {
			if err := exact.Draw(rng, links); err != nil {
				t.Fatal(err)
			}
			for k, o := range list {
				series[k] = append(series[k], o.f(links))
			}
			counts[torus.Charge(links)+len(p)-1]++
		}
		for k, o := range list {
			o.compare(t, lattice.Describe(a), must[stats.Estimate](t)(stats.Mean(series[k])))
		}
		checkCharges(t, lattice.Describe(a), counts, p, draws)
	}
}

// checkCharges compares the counts of the charges -n…n with draws·P(|Q|), those that are
// expected less than ten times together, by their χ².
func checkCharges(t *testing.T, name string, counts, p []float64, draws float64) {
	t.Helper()
	chi2, rest, restCount, bins := 0.0, 0.0, 0.0, -1
	add := func(count, want float64) {
		chi2 += (count - want) * (count - want) / want
		bins++
	}
	for i, count := range counts {
		want := draws * p[max(i-len(p)+1, len(p)-1-i)]
		if want < 10 {
			rest += want
			restCount += count
			continue
		}
		add(count, want)
	}
	if rest > 1 {
		add(restCount, rest)
	} else if restCount > 12 {
		t.Errorf("%s: %v charges where %v are expected", name, restCount, rest)
	}
	// χ² has the mean bins and the variance 2·bins; five standard deviations above, plus
	// room for few degrees of freedom.
	if n := float64(bins); chi2 > n+5*math.Sqrt(2*n)+12 {
		t.Errorf("%s: χ² of P(Q) is %.1f for %d degrees of freedom", name, chi2, bins)
	}
}

// As a proposer it has the density e^{-S}/Z: for its own action all weights are Z, and for
// another β their mean is the ratio of the two Z.
func TestExactDensity(t *testing.T) {
	a, b := newAction(t, gauge.Wilson{Beta: 2}, 4, 4), newAction(t, gauge.Wilson{Beta: 2.3}, 4, 4)
	exact := newExact(t, a)
	logZ := func(beta float64) float64 {
		e := must[*gauge.Exact](t)(gauge.NewExact(gauge.Wilson{Beta: beta}, 4, 4))
		return e.LogZ() + 32*math.Log(2*math.Pi)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	links := make([]float64, 32)
	var logw []float64
	for range 20000 {
		logq := must[float64](t)(exact.Propose(context.Background(), rng, links))
		if d := -a.Value(links) - logq - logZ(2); math.Abs(d) > 1e-10 {
			t.Fatalf("log w is %v off", d)
		}
		if p := must[float64](t)(exact.LogProb(context.Background(), links)); p != logq {
			t.Fatalf("log q = %v of a proposal and %v of a field", logq, p)
		}
		logw = append(logw, -b.Value(links)-logq)
	}
	e := must[stats.Estimate](t)(stats.LogMeanExp(logw))
	if pull := e.Pull(logZ(2.3)); math.Abs(pull) > 4.5 {
		t.Errorf("log Z(2.3) = %v, expected %v", e, logZ(2.3))
	}
	// And in the independence sampler everything is accepted.
	k := must[*mcmc.Independence](t)(mcmc.NewIndependence(a, exact, mcmc.IndependenceConfig{}))
	info := must[mcmc.Info](t)(k.Step(context.Background(), rng, links))
	if math.Abs(info.DeltaH) > 1e-10 {
		t.Errorf("ΔH = %v of an exact proposal", info.DeltaH)
	}
}

// Holonomies are uniform and independent of the charge.
func TestExactHolonomies(t *testing.T) {
	a := newAction(t, gauge.Wilson{Beta: 3}, 4, 6)
	torus, exact := newTorus(t, a), newExact(t, a)
	rng := rand.New(rand.NewPCG(4, 1))
	links := make([]float64, a.Layout().Size())
	var h0, h1, first []float64
	for range 10000 {
		if err := exact.Draw(rng, links); err != nil {
			t.Fatal(err)
		}
		a, b := torus.Holonomies(links)
		h0, h1, first = append(h0, a), append(h1, b), append(first, links[17])
	}
	uniform := func(v float64) float64 { return (v + math.Pi) / (2 * math.Pi) }
	for what, x := range map[string][]float64{"h₀": h0, "h₁": h1, "a link": first} {
		if ks := must[stats.KSResult](t)(stats.KolmogorovSmirnov(x, uniform, float64(len(x)))); ks.P < 1e-5 {
			t.Errorf("%s is not uniform: p = %v", what, ks.P)
		}
	}
}

// The charge of the plaquettes of V = 3 is right one by one: P(±1) at β = 0 is 1/8.
func TestExactFewPlaquettes(t *testing.T) {
	for _, dims := range [][]int{{1, 1}, {1, 2}, {2, 1}, {1, 3}} {
		a := newAction(t, gauge.Wilson{Beta: 0}, dims...)
		torus, exact := newTorus(t, a), newExact(t, a)
		rng := rand.New(rand.NewPCG(5, 1))
		links := make([]float64, a.Layout().Size())
		counts := map[int]float64{}
		const draws = 8000
		for range draws {
			if err := exact.Draw(rng, links); err != nil {
				t.Fatal(err)
			}
			counts[torus.Charge(links)]++
		}
		want := map[int]float64{0: draws}
		if dims[0]*dims[1] == 3 {
			want = map[int]float64{-1: draws / 8, 0: draws * 3 / 4, 1: draws / 8}
		}
		if len(counts) != len(want) {
			t.Errorf("%v: charges %v, expected %v", dims, counts, want)
		}
		for q, n := range want {
			if math.Abs(counts[q]-n) > 4.5*math.Sqrt(n) {
				t.Errorf("%v: %v times Q = %d, expected %v", dims, counts[q], q, n)
			}
		}
	}
}

// Plaquettes are drawn one after the other, but every one of them has the same distribution:
// where few are left, each has its own conditional density.
func TestExactPlaquettesAreExchangeable(t *testing.T) {
	const draws = 100000
	for i, dims := range [][]int{{1, 3}, {2, 2}} {
		a := newAction(t, gauge.Wilson{Beta: 3}, dims...)
		exact := newExact(t, a)
		rng := rand.New(rand.NewPCG(6, uint64(i)))
		links := make([]float64, a.Layout().Size())
		series := make([][]float64, a.Layout().Volume())
		var theta []float64
		for range draws {
			if err := exact.Draw(rng, links); err != nil {
				t.Fatal(err)
			}
			theta = a.Plaquettes(theta, links)
			for x, v := range theta {
				series[x] = append(series[x], math.Cos(v))
			}
		}
		want := must[*gauge.Exact](t)(gauge.NewExact(a.Weight(), dims[0], dims[1])).Plaquette()
		for x := range series {
			observable{name: fmt.Sprintf("⟨cos θ⟩ of plaquette %d", x), exact: want}.compare(t, lattice.Describe(a), must[stats.Estimate](t)(stats.Mean(series[x])))
		}
	}
}
