package phi4

import "math"

// Plaquette returns the values of the theory of n components on the 2x2 lattice, right to
// 1e-9. Its four sites are a ring of neighbours with two links between each pair, a chain
// of four sites; [Exact.AbsM], for one component, is an integral over the sums of the
// fields on both diagonals. HoppingVariance is NaN, and so is AbsM for n > 1.
//
// The errors are those of [NewChain] at 2κ.
func Plaquette(n int, kappa, lambda float64) (Exact, error) {
	return plaquette(n, kappa, lambda, 0)
}

// plaquette is Plaquette with loops links of every site to itself.
func plaquette(n int, kappa, lambda float64, loops int) (Exact, error) {
	c, err := newChain(n, kappa, lambda, ring{4, 2, loops})
	if err != nil {
		return unknown(4), err
	}
	e := c.Exact()
	if n > 1 {
		return e, nil
	}
	d := newDiagonals(kappa, lambda, loops)
	err = refine("⟨|M|⟩ on 2x2", 32, 250, 1e-10, func(nodes int) ([]float64, error) {
		e.AbsM = d.absM(nodes)
		return []float64{e.AbsM}, nil
	})
	return e, err
}

// diagonals integrates over the sums s = φ(0)+φ(3) and u = φ(1)+φ(2) on the two diagonals
// of the 2x2 lattice. With W(φ) = V(φ) - 4|κ|φ², as for the chain,
//
//	Z = ∫ ds du P(s) P(u) e^{-2|κ|(s∓u)²},   P(s) = ∫ da e^{-W(a)-W(s-a)-2|κ|(2a-s)²}
//
// with the upper sign for κ > 0.
type diagonals struct {
	w       radial
	k, sign float64
	// The weight e^{-W} is not zero for lo ≤ |φ| ≤ hi.
	lo, hi float64
}

func newDiagonals(kappa, lambda float64, loops int) diagonals {
	d := diagonals{k: math.Abs(kappa), sign: math.Copysign(1, kappa)}
	d.w = radial{0, 1 - 2*lambda - 2*kappa*float64(loops) - 4*d.k, lambda}
	d.lo, d.hi = d.w.interval(chainCut)
	if d.hi > 3*d.lo {
		// The intervals of s overlap: one is enough.
		d.lo = 0
	}
	return d
}

// intervals returns where P(s) is not zero: both fields in one well, or one in each.
func (d diagonals) intervals() [][2]float64 {
	if d.lo == 0 {
		return [][2]float64{{-2 * d.hi, 2 * d.hi}}
	}
	return [][2]float64{{-2 * d.hi, -2 * d.lo}, {d.lo - d.hi, d.hi - d.lo}, {2 * d.lo, 2 * d.hi}}
}

// density returns P(s); x and w are a Gauss rule on [-1, 1].
func (d diagonals) density(s float64, x, w []float64) float64 {
	s = math.Abs(s)
	factor := 1.0
	var a, b float64
	switch {
	case d.lo == 0:
		a, b = s-d.hi, d.hi
	case s >= 2*d.lo:
		a, b = max(d.lo, s-d.hi), min(d.hi, s-d.lo)
	default:
		// Either of the two in either well.
		factor = 2
		a, b = s+d.lo, d.hi
	}
	half, middle, sum := (b-a)/2, (a+b)/2, 0.0
	for i, t := range x {
		p := middle + half*t
		q := s - p
		sum += w[i] * math.Exp(-d.w.drop(p*p)-d.w.drop(q*q)-2*d.k*(p-q)*(p-q))
	}
	return factor * half * sum
}

// absM returns ⟨|s+u|⟩/4. The integral over u is split where s+u changes its sign.
func (d diagonals) absM(nodes int) float64 {
	x, w := gauss(nodes, -1, 1)
	type point struct{ u, p float64 }
	rule := func(a, b float64) []point {
		r := make([]point, nodes)
		half := (b - a) / 2
		for i, t := range x {
			u := (a+b)/2 + half*t
			r[i] = point{u, half * w[i] * d.density(u, x, w)}
		}
		return r
	}
	intervals := d.intervals()
	whole := make([][]point, len(intervals))
	for i, v := range intervals {
		whole[i] = rule(v[0], v[1])
	}
	var z, m float64
	for _, v := range intervals {
		if v[1] <= 0 {
			continue
		}
		// The integrand is even under the change of both signs.
		for _, s := range rule(max(0, v[0]), v[1]) {
			add := func(points []point) {
				for _, u := range points {
					p := s.p * u.p * math.Exp(-2*d.k*(s.u-d.sign*u.u)*(s.u-d.sign*u.u))
					z += p
					m += p * math.Abs(s.u+u.u)
				}
			}
			for i, o := range intervals {
				if -s.u > o[0] && -s.u < o[1] {
					add(rule(o[0], -s.u))
					add(rule(-s.u, o[1]))
				} else {
					add(whole[i])
				}
			}
		}
	}
	return m / z / 4
}
