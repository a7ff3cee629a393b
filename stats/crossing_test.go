package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

// curieWeiss holds M and P(M) of n spins that all couple to each other, S = -κ n M²/2.
type curieWeiss struct{ m, binomial []float64 }

func newCurieWeiss(n int) curieWeiss {
	var c curieWeiss
	for up := range n + 1 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(up + 1))
		d, _ := math.Lgamma(float64(n - up + 1))
		c.m = append(c.m, float64(2*up-n)/float64(n))
		c.binomial = append(c.binomial, math.Exp(a-b-d))
	}
	return c
}

func (c curieWeiss) conjugate(m float64) float64 { return float64(len(c.m)-1) * m * m / 2 }

// binder is exact.
func (c curieWeiss) binder(kappa float64) float64 {
	var z, two, four float64
	for i, m := range c.m {
		p := c.binomial[i] * math.Exp(kappa*c.conjugate(m))
		z, two, four = z+p, two+p*m*m, four+p*m*m*m*m
	}
	return 1 - four*z/(3*two*two)
}

func (c curieWeiss) draw(kappa float64, n int, seed uint64) stats.CouplingSeries {
	rng := rand.New(rand.NewPCG(seed, 0))
	p, sum := make([]float64, len(c.m)), 0.0
	for i, m := range c.m {
		sum += c.binomial[i] * math.Exp(kappa*c.conjugate(m))
		p[i] = sum
	}
	s := stats.CouplingSeries{Coupling: kappa}
	for range n {
		i, u := 0, rng.Float64()*sum
		for p[i] < u {
			i++
		}
		s.M, s.Conjugate = append(s.M, c.m[i]), append(s.Conjugate, c.conjugate(c.m[i]))
	}
	return s
}

// The crossing of 8 and 24 spins against the exact one, from simulations beside it, with
// errors that are the spread of many runs.
func TestBinderCrossing(t *testing.T) {
	small, large := newCurieWeiss(8), newCurieWeiss(24)
	lo, hi := 0.5, 1.5
	for range 60 {
		if mid := (lo + hi) / 2; small.binder(mid) > large.binder(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	exact, value := lo, small.binder(lo)
	const runs, n = 40, 4000
	var pulls, pullsU, pullsAt float64
	for r := range uint64(runs) {
		a, b := small.draw(1.05*exact, n, 2*r), large.draw(1.05*exact, n, 2*r+1)
		c, err := stats.BinderCrossing(a, b, 0.7*exact, 1.3*exact, 0)
		if err != nil {
			t.Fatal(err)
		}
		pulls += math.Pow(c.Coupling.Pull(exact), 2) / runs
		at, ess, err := b.CouplingAt(value, 0.7*exact, 1.3*exact, 0)
		if err != nil {
			t.Fatal(err)
		}
		pullsAt += math.Pow(at.Pull(exact), 2) / runs
		if !(ess > 0.8 && at.Error < c.Coupling.Error) {
			t.Errorf("the larger lattice alone says %v, the crossing %v", at, c.Coupling)
		}
		pullsU += math.Pow(c.Binder.Pull(value), 2) / runs
		if p := c.Coupling.Pull(exact); math.Abs(p) > 5 || !(c.ESS > 0.8 && c.ESS < 1) || !(c.Coupling.Error < 0.05*exact) {
			t.Errorf("crossing at %v, exactly %v, effective sample size %v", c.Coupling, exact, c.ESS)
		}
	}
	// A mean of 40 squares has a standard deviation of √(2/40).
	if bound := 5 * math.Sqrt(2./runs); math.Abs(pulls-1) > bound || math.Abs(pullsU-1) > bound || math.Abs(pullsAt-1) > bound {
		t.Errorf("mean squared pulls %v of the coupling, %v of the cumulant and %v of the coupling at a cumulant, bound 1 ± %v", pulls, pullsU, pullsAt, bound)
	}
	a := small.draw(exact, n, 1)
	if u, ess, err := a.Binder(exact, 0); err != nil || math.Abs(u.Pull(value)) > 5 || math.Abs(ess-1) > 1e-12 {
		t.Errorf("cumulant %v with the sample size %v, exactly %v: %v", u, ess, value, err)
	}
	for name, f := range map[string]func() error{
		"no crossing": func() error {
			_, err := stats.BinderCrossing(a, large.draw(exact, n, 2), 0.5*exact, 0.6*exact, 0)
			return err
		},
		"no interval": func() error { _, err := stats.BinderCrossing(a, a, 1, 1, 0); return err },
		"half a series": func() error {
			_, err := stats.BinderCrossing(a, stats.CouplingSeries{Coupling: 1, M: a.M, Conjugate: a.Conjugate[1:]}, 0.5, 1.5, 0)
			return err
		},
		"no such cumulant": func() error { _, _, err := a.CouplingAt(0.9, 0.5*exact, exact, 0); return err },
		"an empty one":     func() error { _, _, err := stats.CouplingSeries{}.Binder(1, 0); return err },
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
