package stats

import (
	"fmt"
	"math"
)

// CouplingSeries is a simulation at one coupling κ, from which expectation values at couplings
// nearby follow by reweighting (A. M. Ferrenberg and R. H. Swendsen, Phys. Rev. Lett. 61 (1988)
// 2635).
type CouplingSeries struct {
	// Coupling is κ of the simulation.
	Coupling float64
	// M is the magnetisation of every configuration, and Conjugate its -∂S/∂κ, for an action
	// that is linear in κ; for φ⁴ theory 2Σφ(x)φ(x+µ̂).
	M, Conjugate []float64
}

// Binder returns the cumulant U_L = 1 - ⟨M⁴⟩/(3⟨M²⟩²) at another coupling, and the effective
// sample size of its weights over the number of configurations: far below ½, the simulation
// does not know what happens there. Errors are those of [Reweight].
func (s CouplingSeries) Binder(kappa float64, blocks int) (u Estimate, ess float64, err error) {
	cols, logw, err := s.at(kappa)
	if err != nil {
		return undefined(), math.NaN(), err
	}
	if ess, err = LogWeightESS(logw); err != nil {
		return undefined(), math.NaN(), err
	}
	u, err = Reweight(cols, logw, blocks, binder)
	return u, ess, err
}

func binder(mean []float64) float64 { return 1 - mean[1]/(3*mean[0]*mean[0]) }

// at returns M² and M⁴ with the log-weights of a coupling.
func (s CouplingSeries) at(kappa float64) (cols [][]float64, logw []float64, err error) {
	if len(s.Conjugate) != len(s.M) {
		return nil, nil, fmt.Errorf("stats: expected as many values of -∂S/∂κ as of M, %d, got %d", len(s.M), len(s.Conjugate))
	}
	cols, logw = [][]float64{make([]float64, len(s.M)), make([]float64, len(s.M))}, make([]float64, len(s.M))
	largest := 0.0
	for _, m := range s.M {
		largest = max(largest, math.Abs(m))
	}
	for i, m := range s.M {
		q := m / largest
		q *= q
		cols[0][i], cols[1][i], logw[i] = q, q*q, (kappa-s.Coupling)*s.Conjugate[i]
	}
	return cols, logw, nil
}

// value is Binder without its error.
func (s CouplingSeries) value(kappa float64) (float64, error) {
	cols, logw, err := s.at(kappa)
	if err != nil {
		return math.NaN(), err
	}
	largest, err := checkLogWeights(logw)
	if err != nil {
		return math.NaN(), err
	}
	var sum, two, four float64
	for i, l := range logw {
		w := math.Exp(l - largest)
		sum, two, four = sum+w, two+w*cols[0][i], four+w*cols[1][i]
	}
	return binder([]float64{two / sum, four / sum}), nil
}

// Crossing is where the Binder cumulants of two lattices are equal.
type Crossing struct {
	// Coupling is κ of the crossing and Binder the cumulant there.
	Coupling, Binder Estimate
	// ESS is the smaller effective sample size of the two simulations there, over their
	// number of configurations.
	ESS float64
}

// BinderCrossing returns where the Binder cumulants of two lattices cross between the couplings
// lo and hi, which for large lattices is the critical point (K. Binder, Z. Phys. B 43 (1981)
// 119): with the scaling dimension of the correction ω and the exponent ν of the correlation
// length it comes closer to it as L^{-ω-1/ν}. Errors propagate those of both cumulants through
// their slopes. It returns an error unless lo < hi and the cumulants differ with opposite signs
// there, and the errors of [Reweight].
func BinderCrossing(a, b CouplingSeries, lo, hi float64, blocks int) (Crossing, error) {
	c := Crossing{Coupling: undefined(), Binder: undefined(), ESS: math.NaN()}
	difference := func(kappa float64) (float64, error) {
		u, err := a.value(kappa)
		if err != nil {
			return math.NaN(), err
		}
		v, err := b.value(kappa)
		return u - v, err
	}
	at, err := root(difference, lo, hi)
	if err != nil {
		return c, err
	}
	u, essA, errA := a.Binder(at, blocks)
	v, essB, errB := b.Binder(at, blocks)
	// A series that is short for its autocorrelation still has the error that it has.
	if math.IsNaN(u.Error) || math.IsNaN(v.Error) {
		if errA == nil {
			errA = errB
		}
		return c, errA
	}
	sa, sb := a.slope(at, hi-lo), b.slope(at, hi-lo)
	c.ESS = min(essA, essB)
	c.Coupling = Estimate{Value: at, Error: math.Hypot(u.Error, v.Error) / math.Abs(sa-sb)}
	// δκ = -(δu - δv)/(u′ - v′), and the crossing moves along the curve of u by u′δκ + δu.
	c.Binder = Estimate{Value: u.Value, Error: math.Hypot(u.Error*sb, v.Error*sa) / math.Abs(sa-sb)}
	if errA == nil {
		errA = errB
	}
	return c, errA
}

// CouplingAt returns where the Binder cumulant has a value, between the couplings lo and hi,
// and the effective sample size there over the number of configurations. At the value that it
// has at the critical point, universal for one shape of the lattice (0.46548 for Ising-like
// theories on a cube with periodic boundaries: A. M. Ferrenberg, J. Xu and D. P. Landau, Phys.
// Rev. E 97 (2018) 043301), this is the critical coupling, up to corrections to scaling, and
// known better than a crossing. Errors are those of [BinderCrossing].
func (s CouplingSeries) CouplingAt(binder, lo, hi float64, blocks int) (kappa Estimate, ess float64, err error) {
	at, err := root(func(kappa float64) (float64, error) {
		u, err := s.value(kappa)
		return binder - u, err
	}, lo, hi)
	if err != nil {
		return undefined(), math.NaN(), err
	}
	u, ess, err := s.Binder(at, blocks)
	if math.IsNaN(u.Error) {
		return undefined(), ess, err
	}
	return Estimate{Value: at, Error: u.Error / math.Abs(s.slope(at, hi-lo))}, ess, err
}

// slope returns the derivative of the cumulant, by differences over a small part of a width.
func (s CouplingSeries) slope(kappa, width float64) float64 {
	h := 1e-3 * width
	up, _ := s.value(kappa + h)
	down, _ := s.value(kappa - h)
	return (up - down) / (2 * h)
}

// root returns where a function changes its sign between lo and hi.
func root(f func(kappa float64) (float64, error), lo, hi float64) (float64, error) {
	if !(lo < hi) {
		return math.NaN(), fmt.Errorf("stats: expected an interval of couplings, got %v to %v", lo, hi)
	}
	left, err := f(lo)
	if err != nil {
		return math.NaN(), err
	}
	right, err := f(hi)
	if err != nil {
		return math.NaN(), err
	}
	if !(left*right < 0) {
		return math.NaN(), fmt.Errorf("stats: expected Binder cumulants that meet between the couplings %v and %v, got differences %.3g and %.3g", lo, hi, left, right)
	}
	for range 50 {
		mid := (lo + hi) / 2
		d, err := f(mid)
		if err != nil {
			return math.NaN(), err
		}
		if d*left > 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2, nil
}
