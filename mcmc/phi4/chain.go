package phi4

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

const (
	// negligible is the weight relative to the largest of what is left out of sums.
	negligible = 1e-17
	// chainCut is where e^{-W}, of which the states have the root and its square is in the
	// expectation values of all L > 1, counts as zero.
	chainCut = 45
	// maxWaves bounds the number of angular momenta.
	maxWaves = 300
	// maxArgument bounds the argument of Bessel functions.
	maxArgument = 1e5
	// maxWork bounds the number of angular momenta times the cube of the number of nodes, a
	// time of several seconds.
	maxWork = 1e9
	// maxNodes bounds the size of the matrices.
	maxNodes = 460
)

// Chain is the theory in one dimension, solved by its transfer matrix: the eigenvalues of
//
//	T(φ,φ′) = exp(-½V(φ) + 2κφ·φ′ - ½V(φ′)),   V(φ) = (1-2λ)φ·φ + λ(φ·φ)²
//
// on the nodes of a Gauss rule for |φ|, one matrix for every angular momentum l (the even
// and the odd functions for one component).
type Chain struct {
	ring
	n             int
	kappa, lambda float64
	// top is the logarithm of the largest eigenvalue and gap that of its ratio to
	// the largest with l = 1.
	top, gap float64
	waves    []wave
	// z is Tr T^L over the L-th power of the largest eigenvalue.
	z     float64
	exact Exact
}

// ring is a periodic chain of extent sites, 0 for infinitely many, with a number of links
// between neighbours and of every site to itself.
type ring struct{ extent, links, loops int }

// wave is the part of the transfer matrix of one l.
type wave struct {
	// degeneracy is the number of states for every eigenvalue.
	degeneracy float64
	// values are the eigenvalues over the largest of all, in descending order, with the
	// sign that κ < 0 gives to odd l.
	values []float64
	// phi2 and q are the expectation values of φ² and (φ²-1)² in the states.
	phi2, q []float64
	// hop[i][j] is |⟨i|φ|j⟩|² of the states i here and j at l+1, summed over the degenerate.
	hop [][]float64
	// vectors are the states on the nodes, kept while the matrices are solved.
	vectors *mat.Dense
}

// NewChain solves the theory of n components on a periodic chain of the given extent,
// 0 for the infinite chain. Values are right to 1e-10 relative to their size or 1.
//
// It returns an error for a theory that does not exist, such as λ = 0 with |κ| ≥ ½, and
// where the number of nodes or of angular momenta needed is too large: close to the
// critical point of the free field, for N > 1 at small λ and large κ, and for frustrated
// chains (odd extent, κ ≪ 0), where Z is the small difference of large numbers.
func NewChain(n int, kappa, lambda float64, extent int) (*Chain, error) {
	return newChain(n, kappa, lambda, ring{extent, 1, 0})
}

// newChain is NewChain for any ring.
func newChain(n int, kappa, lambda float64, r ring) (*Chain, error) {
	if err := check(n, kappa, lambda); err != nil {
		return nil, err
	}
	if r.extent < 0 {
		return nil, fmt.Errorf("phi4: expected an extent, or 0 for the infinite chain, got %d", r.extent)
	}
	if lambda == 0 && !(2*math.Abs(kappa)*float64(r.links)+2*kappa*float64(r.loops) < 1) {
		return nil, fmt.Errorf("phi4: expected a smaller |κ| for the free field (λ = 0), 1/2 in one dimension, got %v", kappa)
	}
	c := &Chain{ring: r, n: n, kappa: kappa, lambda: lambda}
	if r.extent == 1 {
		// The matrices are only for the correlation length: the sum over l of the trace
		// of T itself converges slowly and alternates for κ < 0.
		c.extent = 0
	}
	var last float64
	err := refine("the transfer matrix", 40, maxNodes, 1e-11, func(nodes int) ([]float64, error) {
		last = c.gap
		if err := c.solve(nodes); err != nil {
			return nil, err
		}
		e := c.exact
		if c.extent == 0 {
			// It is as accurate as the gap.
			e.Chi = math.NaN()
		}
		// A small gap has its limit in rounding.
		return append(e.values(), math.Log1p(1/(c.gap+1e-3))), nil
	})
	if err != nil {
		return nil, err
	}
	if !(math.Abs(c.gap-last) <= 1e-10*c.gap) && c.kappa != 0 {
		c.gap = math.NaN()
		if c.extent == 0 {
			c.exact.Chi = math.NaN()
		}
	}
	for l := range c.waves {
		c.waves[l].vectors = nil
	}
	if c.extent = r.extent; c.extent == 1 {
		c.exact, err = OneSite(n, kappa, lambda, r.loops+r.links)
	}
	return c, err
}

// solve diagonalises the transfer matrix on a rule with the given number of nodes. With
// W(r) = V(r) - 2κ′r², κ′ = |κ| times the number of links, its elements are
//
//	(r r′)^{(n-1)/2} e^{-½W(r)} e^{-κ′(r-r′)²} [e^{-z} A_l(z)] e^{-½W(r′)},   z = 2κ′rr′
//
// in which nothing overflows.
func (c *Chain) solve(nodes int) error {
	k := math.Abs(c.kappa) * float64(c.links)
	m := 1 - 2*c.lambda - 2*c.kappa*float64(c.loops) - 2*k
	w := radial{0, m, c.lambda}
	lo, hi := w.interval(chainCut)
	if c.n > 1 {
		// Between this and the weight with the full measure, as z is large or small.
		l, h := radial{float64(c.n - 1), m, c.lambda}.interval(chainCut)
		lo, hi = min(lo, l), max(hi, h)
	}
	if c.n > 1 && 2*k*hi*hi > maxArgument {
		return fmt.Errorf("phi4: expected fields for whose products 2κφφ′ the Bessel functions can be computed, at most %g, got %.2g: λ = %v is too small for κ = %v", maxArgument, 2*k*hi*hi, c.lambda, c.kappa)
	}
	x, gw := gauss(nodes, lo, hi)
	root := make([]float64, nodes)
	for i, r := range x {
		root[i] = math.Sqrt(gw[i]*math.Pow(r, float64(c.n-1))) * math.Exp(-w.drop(r*r)/2)
	}
	// The matrices are computed for ever more l at a time.
	first, block := 0, 2
	var kernels []*mat.SymDense
	var difference *mat.SymDense
	c.waves = c.waves[:0]
	d, s, scale := 1.0, 1.0, 0.0
	for l := 0; ; l++ {
		if l == maxWaves || float64(l)*math.Pow(float64(nodes), 3) > maxWork {
			return fmt.Errorf("phi4: expected the sum over angular momenta to converge with %d of them on %d nodes: the couplings κ = %v, λ = %v are too extreme", l, nodes, c.kappa, c.lambda)
		}
		if l == first+len(kernels) {
			first = l
			kernels = c.kernels(x, root, first, block, k)
			block = min(2*block, 64)
			if l == 0 {
				difference = c.difference(kernels[0], kernels[1], x, k)
			}
		}
		var v wave
		var err error
		if v, scale, err = newWave(kernels[l-first], x, d, scale); err != nil {
			return err
		}
		if c.kappa < 0 && l%2 == 1 {
			for i := range v.values {
				v.values[i] *= -1
			}
		}
		if l > 0 {
			c.waves[l-1].connect(&v, x, s)
			s = strength(s, c.n, l-1)
		}
		c.waves = append(c.waves, v)
		d = degeneracy(d, c.n, l)
		if d == 0 || c.extent == 0 && l == 1 {
			break
		}
		if l > 0 && v.degeneracy*math.Pow(math.Abs(v.values[0]), float64(c.extent)) < negligible {
			break
		}
	}
	c.top = math.Log(scale) - w.least()
	switch y := math.Abs(c.waves[1].values[0]); {
	case c.kappa == 0:
		c.gap = math.Inf(1)
	case y < 0.9:
		c.gap = -math.Log(y)
	default:
		// ⟨1|T_0-T_1|0⟩ = (λ_0-λ_1)⟨1|0⟩, also where the two eigenvalues agree to rounding.
		u0, u1 := c.waves[0].vectors.ColView(0), c.waves[1].vectors.ColView(0)
		c.gap = -math.Log1p(-mat.Inner(u1, difference, u0) / mat.Dot(u1, u0) / scale)
	}
	c.measure()
	return nil
}

// kernels returns the matrices of l = first … first+count-1.
func (c *Chain) kernels(x, root []float64, first, count int, k float64) []*mat.SymDense {
	m := make([]*mat.SymDense, count)
	for i := range m {
		m[i] = mat.NewSymDense(len(x), nil)
	}
	a := make([]float64, first+count)
	var scratch []float64
	for i, r := range x {
		for j := i; j < len(x); j++ {
			f := root[i] * root[j] * math.Exp(-k*(r-x[j])*(r-x[j]))
			scratch = waves(a, scratch, c.n, 2*k*r*x[j])
			for b, v := range a[first:] {
				m[b].SetSym(i, j, f*v)
			}
		}
	}
	return m
}

// difference returns the matrix of l = 0 minus that of l = 1 on the nodes x.
func (c *Chain) difference(zero, one *mat.SymDense, x []float64, k float64) *mat.SymDense {
	d := mat.NewSymDense(len(x), nil)
	for i, r := range x {
		for j := i; j < len(x); j++ {
			v := zero.At(i, j) - one.At(i, j)
			if c.n == 1 {
				// 1 - tanh z without the cancellation.
				v = zero.At(i, j) * 2 / (math.Exp(4*k*r*x[j]) + 1)
			}
			d.SetSym(i, j, v)
		}
	}
	return d
}

// newWave diagonalises the matrix of one l on the nodes x, with eigenvalues in units of
// scale, which is the largest of this wave if it is 0, and is returned. States of
// negligible eigenvalues are left out.
func newWave(kernel *mat.SymDense, x []float64, degeneracy, scale float64) (wave, float64, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(kernel, true) {
		return wave{}, 0, fmt.Errorf("phi4: expected the eigenvalues of the transfer matrix, got no convergence")
	}
	v := wave{degeneracy: degeneracy}
	values := eigen.Values(nil)
	slices.Reverse(values)
	if scale == 0 {
		scale = values[0]
	}
	for _, e := range values {
		if len(v.values) > 0 && e < negligible*scale {
			break
		}
		v.values = append(v.values, e/scale)
	}
	var u mat.Dense
	eigen.VectorsTo(&u)
	n, states := len(x), len(v.values)
	v.vectors = mat.NewDense(n, states, nil)
	v.phi2, v.q = make([]float64, states), make([]float64, states)
	for j := range states {
		for i, r := range x {
			a := u.At(i, n-1-j)
			v.vectors.Set(i, j, a)
			y := r * r
			v.phi2[j] += a * a * y
			v.q[j] += a * a * (y - 1) * (y - 1)
		}
	}
	return v, scale, nil
}

// connect sets the matrix elements of φ to the next l, of strength s.
func (v *wave) connect(next *wave, x []float64, s float64) {
	var scaled, overlap mat.Dense
	scaled.Apply(func(i, _ int, a float64) float64 { return x[i] * a }, next.vectors)
	overlap.Mul(v.vectors.T(), &scaled)
	v.hop = make([][]float64, len(v.values))
	for i := range v.hop {
		v.hop[i] = make([]float64, len(next.values))
		for j := range v.hop[i] {
			v.hop[i][j] = s * overlap.At(i, j) * overlap.At(i, j)
		}
	}
}

// measure computes the expectation values, Tr over all states of T^L.
func (c *Chain) measure() {
	e := unknown(c.extent)
	q := 0.0
	if c.extent == 0 {
		c.z = 1
		e.FreeEnergy = -c.top
		e.Phi2, q = c.waves[0].phi2[0], c.waves[0].q[0]
		e.Chi = e.Phi2
		for j, h := range c.waves[0].hop[0] {
			y := c.waves[1].values[j]
			rest := 1 - y
			if j == 0 && y > 0 {
				rest = -math.Expm1(-c.gap)
			}
			e.Chi += h * 2 * y / rest
		}
	} else {
		c.z = 0
		e.Phi2 = 0
		l := float64(c.extent)
		for _, v := range c.waves {
			for i, x := range v.values {
				p := v.degeneracy * math.Pow(x, l)
				c.z += p
				e.Phi2 += p * v.phi2[i]
				q += p * v.q[i]
			}
		}
		e.Phi2 /= c.z
		q /= c.z
		e.setLogZ(l*c.top + math.Log(c.z))
		e.Chi = e.Phi2 + c.pairs(func(a, b float64) float64 { return 2 * geometric(a, b, c.extent) })/c.z
	}
	c.exact = e
	c.exact.Hopping = float64(c.links)*c.Correlator(1) + float64(c.loops)*e.Phi2
	c.exact.setPotential(c.kappa, c.lambda, q)
}

// pairs returns the sum of f over all pairs of eigenvalues between which φ has a matrix
// element, times its square.
func (c *Chain) pairs(f func(a, b float64) float64) float64 {
	s := 0.0
	for l, v := range c.waves {
		for i, row := range v.hop {
			for j, h := range row {
				s += h * f(v.values[i], c.waves[l+1].values[j])
			}
		}
	}
	return s
}

// geometric returns Σ_{t=1}^{L-1} a^{L-t} b^t.
func geometric(a, b float64, extent int) float64 {
	if math.Abs(b) > math.Abs(a) {
		a, b = b, a
	}
	if a == 0 {
		return 0
	}
	l := float64(extent - 1)
	y := b / a
	sum := l
	switch {
	case y > 0.5 && y != 1:
		sum = math.Expm1(l*math.Log(y)) / math.Expm1(math.Log(y))
	case y <= 0.5:
		sum = (1 - math.Pow(y, l)) / (1 - y)
	}
	return math.Pow(a, l+1) * y * sum
}

// Exact returns the values. HoppingVariance and AbsM are NaN.
func (c *Chain) Exact() Exact { return c.exact }

// Correlator returns ⟨φ(0)·φ(t)⟩ for any t, with the period of the chain.
func (c *Chain) Correlator(t int) float64 {
	if c.extent == 0 {
		t = max(t, -t)
	} else {
		t = ((t % c.extent) + c.extent) % c.extent
	}
	if t == 0 {
		return c.exact.Phi2
	}
	if c.extent == 0 {
		s := 0.0
		for j, h := range c.waves[0].hop[0] {
			s += h * math.Pow(c.waves[1].values[j], float64(t))
		}
		return s
	}
	x, y := float64(t), float64(c.extent-t)
	return c.pairs(func(a, b float64) float64 {
		return math.Pow(a, x)*math.Pow(b, y) + math.Pow(a, y)*math.Pow(b, x)
	}) / c.z
}

// CorrelationLength returns ξ = 1/log(λ_0/λ_1) of the infinite chain, at any extent:
// G(t) ~ exp(-t/ξ), times (-1)^t for κ < 0. It is 0 for κ = 0, and NaN where ξ is so large
// that rounding hides the difference of λ_0 and λ_1, as is Chi of the infinite chain then.
func (c *Chain) CorrelationLength() float64 { return 1 / c.gap }
