package diffusion

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/latdiff/latdiff/lattice"
)

// site is the solution of one site in the field of the others. The score of independent
// variables with the potential V is a one-dimensional integral,
//
//	s = (⟨φ₀⟩ - φ)/σ²,  ⟨φ₀⟩ the mean of exp(-V(φ₀) - (φ₀-φ)²/2σ²),
//
// and its derivative is the variance of φ₀. On a lattice the other sites change that, in a
// Gaussian theory of spectrum C_k and mean m to
//
//	V(φ₀) → V(φ₀) - bφ₀² - (h + h₀)φ₀,
//	A_k = 1/(C_k+σ²), W = mean_k C_k A_k, 2α = mean_k A_k/W, b = α_V - α,
//	h(x) = -Σ_{y≠x} A(x-y) (μ(y)-m)/W²,  h₀ = 2αm - 2α_V m_V,
//
// where m_V and 1/2α_V are mean and variance of exp(-V), and μ(y) is ⟨φ₀⟩ at y with h = 0, in
// a Gaussian theory m + W(φ(y)-m). With these the score is exact for all free fields and, of
// every V, for independent sites, where C_k = 1/2α_V and m = m_V, and to first order in the
// coupling of neighbours: to -2κφ(x)φ(y) belongs the field 2κμ(y), and that is what
// -A(x-y)/W² = 2κ gives. Further on it is a mean field theory. h does not depend on φ(x), so
// that the divergence is the variance of φ₀ again.
type site struct {
	potential []float64 // V
	alpha     float64   // α_V
	mean      float64   // m_V
	centre    float64   // m
	reach     float64   // exp(-V) is negligible further than that from m
	nodes     int       // of the rule for integrals over φ₀, equidistant between the bounds
	curved    float64   // ⟨V″⟩/2α_V, 1 for a quadratic potential
}

const (
	// siteWindow and siteReach bound |φ₀-φ| in units of σ, and |φ₀-m| in units of the
	// standard deviation of the field.
	siteWindow, siteReach = 8, 8
	// Nodes are half a standard deviation of φ₀ apart or less: of a Gaussian the error is
	// exp(-8π²). Its standard deviation is about the smaller one of σ and the width
	// ⟨V″⟩^{-1/2} of a well.
	leastNodes, nodesPerWidth = 2 * siteWindow * 2, 3
	// mostNodes is far more than potentials of any use take, and bounds the memory that one
	// from a file may ask for.
	mostNodes = 1 << 14
	// negligible is the exponent of what is left out, and maxTilt the largest field h for
	// which that is true.
	negligible, maxTilt = 40, 10
)

// newSite returns the solution for the potential with the coefficients c in a field of mean
// m and variance v. It returns an error for a potential that is not bounded from below.
func newSite(c []float64, m, v float64) (*site, error) {
	degree := len(c) - 1
	if degree < 2 || degree%2 != 0 || !(c[degree] > 0) || lattice.CheckField(c, len(c)) != nil {
		return nil, fmt.Errorf("diffusion: expected the coefficients of a site potential bounded from below, with an even highest power, got %v", c)
	}
	s := &site{potential: c, centre: m, reach: siteReach * math.Sqrt(v)}
	bound := s.bound(0)
	if math.IsNaN(bound) {
		return nil, fmt.Errorf("diffusion: expected a site potential within the range of a float64, got the coefficients %v", c)
	}
	least := s.least(bound)
	var moments [4]float64
	x, w := make([]float64, 1000), make([]float64, 1000)
	quad.Legendre{}.FixedLocations(x, w, -bound, bound)
	for i, u := range x {
		p := w[i] * math.Exp(least-s.value(u))
		moments[0], moments[1], moments[2] = moments[0]+p, moments[1]+p*u, moments[2]+p*u*u
		moments[3] += p * s.curvature(u)
	}
	s.mean = moments[1] / moments[0]
	s.alpha = 1 / (2 * (moments[2]/moments[0] - s.mean*s.mean))
	if degree > 2 {
		// The square that takes part of V away is largest where α vanishes.
		s.reach = min(s.reach, s.bound(s.alpha)+math.Abs(m))
	}
	s.curved = moments[3] / moments[0] / (2 * s.alpha)
	nodes := 2 * s.reach * nodesPerWidth * math.Sqrt(math.Max(0, moments[3]/moments[0]))
	if !(nodes < mostNodes) || !(s.alpha > 0) || math.IsInf(s.alpha, 0) {
		return nil, fmt.Errorf("diffusion: expected a site potential that %d nodes resolve, with a mean and a variance, got the coefficients %v", mostNodes, c)
	}
	// Rounded up, so that most neighbouring couplings have as many.
	const step = 16
	s.nodes = max(leastNodes, (int(nodes)/step+1)*step)
	return s, nil
}

// value returns V.
func (s *site) value(x float64) float64 { return polynomial(s.potential, x) }

// slope returns V′.
func (s *site) slope(x float64) (c float64) {
	for n := len(s.potential) - 1; n >= 1; n-- {
		c = c*x + float64(n)*s.potential[n]
	}
	return c
}

// curvature returns V″.
func (s *site) curvature(x float64) (c float64) {
	for n := len(s.potential) - 1; n >= 2; n-- {
		c = c*x + float64(n*(n-1))*s.potential[n]
	}
	return c
}

// least returns the minimum of V in [-bound, bound], on a grid.
func (s *site) least(bound float64) float64 {
	least := math.Inf(1)
	for i := -1000; i <= 1000; i++ {
		least = min(least, s.value(bound*float64(i)/1000))
	}
	return least
}

// bound returns the distance from zero beyond which V(φ) - bφ² - maxTilt·|φ| is larger than
// its minimum by negligible, and NaN if that is beyond the range of a float64.
func (s *site) bound(b float64) float64 {
	value := func(x float64) float64 {
		return min(s.value(x), s.value(-x)) - b*x*x - maxTilt*x
	}
	least, x := value(0), 0.0
	for step := 1. / 64; ; step *= 1.02 {
		x += step
		v := value(x)
		least = min(least, v)
		if v > least+negligible {
			return x
		}
		if math.IsNaN(v) || math.IsInf(x, 0) {
			return math.NaN()
		}
	}
}
