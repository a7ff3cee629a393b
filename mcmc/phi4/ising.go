package phi4

import (
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// maxIsing bounds |κ| so that sinh 2β does not overflow.
const maxIsing = 100

// Ising returns the values of the limit λ → ∞ of one component: φ = ±1 with weight
// exp(2κ Σ φφ′), the Ising model at β = 2κ, on lat with up to two extents above 1. LogZ is
// that of the sum over the configurations, and ActionDensity, -2κ Hopping, is without the
// constant 1-λ. In two dimensions they are those of Kaufman, Phys. Rev. 76, 1232 (1949), at
// any size, with Chi and AbsM NaN; the specific heat per site is 4κ² HoppingVariance. The
// error of HoppingVariance is of order 1e-16 V + 1e-16/β².
//
// It returns an error if lat is nil or has more extents above 1, for |κ| > 100, and for κ < 0 in two dimensions with an odd extent above 1.
func Ising(lat *lattice.Lattice, kappa float64) (Exact, error) {
	if lat == nil {
		return unknown(0), fmt.Errorf("phi4: expected a lattice, got nil")
	}
	e := unknown(lat.Volume())
	if !(math.Abs(kappa) <= maxIsing) {
		return e, fmt.Errorf("phi4: expected a hopping parameter |κ| ≤ %d for the Ising model, got %v", maxIsing, kappa)
	}
	dims := slices.DeleteFunc(lat.Dims(), func(l int) bool { return l == 1 })
	loops := float64(lat.Dim() - len(dims))
	beta := 2 * kappa
	e.Phi2, e.Phi4 = 1, 1
	var f jet
	switch {
	case len(dims) > 2:
		return unknown(e.Volume), fmt.Errorf("phi4: expected at most two extents above 1 for the Ising model, got %v", lat)
	case e.Volume == 1:
		f, e.Chi, e.AbsM = jet{math.Ln2, 0, 0}, 1, 1
	case len(dims) == 1:
		f, e.Chi = isingChain(beta, e.Volume)
	case beta == 0:
		f = jet{float64(e.Volume) * math.Ln2, 0, float64(e.Volume) * independentLinks(dims)}
		e.Chi = 1
	case beta < 0 && (dims[0]%2 != 0 || dims[1]%2 != 0):
		return unknown(e.Volume), fmt.Errorf("phi4: expected even extents for the Ising model with κ < 0 in two dimensions, got %v", lat)
	default:
		// With even extents the change of every second spin is that of the sign of β.
		f = kaufman(math.Abs(beta), dims[0], dims[1])
		f.d1 = math.Copysign(f.d1, beta)
	}
	e.setLogZ(f.f + loops*beta*float64(e.Volume))
	e.Hopping = f.d1/float64(e.Volume) + loops
	e.HoppingVariance = f.d2 / float64(e.Volume)
	e.ActionDensity = -beta * e.Hopping
	return e, nil
}

// jet is a function of β and its first two derivatives.
type jet struct{ f, d1, d2 float64 }

// add adds s times g.
func (f *jet) add(s float64, g jet) {
	f.f += s * g.f
	f.d1 += s * g.d1
	f.d2 += s * g.d2
}

// isingChain returns log Z of the ring of l spins, Tr T^l with the eigenvalues 2cosh β
// and 2sinh β, and its susceptibility.
func isingChain(beta float64, l int) (logZ jet, chi float64) {
	n := float64(l)
	x := math.Tanh(beta)
	// 1 - |x|, and the powers of |x|, without cancellation.
	rest := 2 / (math.Exp(2*math.Abs(beta)) + 1)
	slope := rest * (2 - rest)
	power := func(p float64) float64 {
		a := math.Exp(p * math.Log1p(-rest))
		if p == 0 {
			a = 1
		}
		if x < 0 && math.Mod(p, 2) == 1 {
			return -a
		}
		return a
	}
	d := 1 + power(n)
	if x < 0 && l%2 == 1 {
		d = -math.Expm1(n * math.Log1p(-rest))
	}
	logZ.f = n*(math.Abs(beta)+math.Log1p(math.Exp(-2*math.Abs(beta)))) + math.Log(d)
	num := x + power(n-1)
	logZ.d1 = n * num / d
	logZ.d2 = n * slope * ((1+(n-1)*power(n-2))*d - num*n*power(n-1)) / (d * d)
	switch {
	case x < 0:
		chi = (1 + x) / (1 - x) * (1 - power(n)) / d
	case rest > 0:
		chi = -math.Expm1(n*math.Log1p(-rest)) / rest * (1 + x) / d
	default:
		chi = n
	}
	return logZ, chi
}

// kaufman returns log Z of the n x m torus at β > 0,
//
//	Z = ½ (2 sinh 2β)^{nm/2} [ Π 2cosh ½nγ_{2r+1} + Π 2sinh ½nγ_{2r+1} + Π 2cosh ½nγ_{2r} + Π 2sinh ½nγ_{2r} ]
//
// with r = 0 … m-1, cosh γ_l = cosh² 2β / sinh 2β - cos(πl/m) and γ_0 = 2β + log tanh β,
// which changes its sign at the critical point.
func kaufman(beta float64, n, m int) jet {
	half := float64(n) / 2
	var cosh, sinh [2]jet
	for l := 1; l < 2*m; l++ {
		g := gamma(beta, math.Pi*float64(l)/float64(m))
		cosh[l%2].add(1, logHyperbolic(half, g, 1))
		sinh[l%2].add(1, logHyperbolic(half, g, -1))
	}
	c, s := math.Cosh(2*beta), math.Sinh(2*beta)
	zero := jet{2*beta + math.Log(math.Tanh(beta)), 2 + 2/s, -4 * c / (s * s)}
	if zero.f < 0 {
		// cosh is even.
		cosh[0].add(1, logHyperbolic(half, jet{-zero.f, -zero.d1, -zero.d2}, 1))
	} else {
		cosh[0].add(1, logHyperbolic(half, zero, 1))
	}
	// The terms relative to the first, their derivatives and those of their sum. Only the
	// sinh of γ_0 has a zero.
	first := cosh[1]
	var sum jet
	relative := func(a, factor jet) {
		a.add(-1, first)
		e := math.Exp(a.f)
		d1 := a.d1
		d2 := a.d2 + a.d1*a.d1
		sum.add(e, jet{factor.f, factor.d1 + d1*factor.f, factor.d2 + 2*d1*factor.d1 + d2*factor.f})
	}
	one := jet{1, 0, 0}
	relative(first, one)
	relative(sinh[1], one)
	relative(cosh[0], one)
	// 2sinh(½nγ) = e^{½n|γ|} times its factor, the exponential at fixed γ.
	size := math.Abs(half * zero.f)
	small := math.Exp(-2 * size)
	sh, ch := math.Copysign(-math.Expm1(-2*size), zero.f), 1+small
	sinh[0].f += size
	relative(sinh[0], jet{sh, half * zero.d1 * ch, half*zero.d2*ch + half*half*zero.d1*zero.d1*sh})
	logZ := first
	logZ.add(1, jet{math.Log(sum.f / 2), sum.d1 / sum.f, sum.d2/sum.f - sum.d1*sum.d1/(sum.f*sum.f)})
	sites := float64(n) * float64(m)
	logZ.add(sites/2, jet{math.Ln2 + logSinh(2*beta), 2 * c / s, -4 / (s * s)})
	return logZ
}

// gamma returns γ > 0 of cosh γ = cosh² 2β / sinh 2β - cos q.
func gamma(beta, q float64) jet {
	c, s := math.Cosh(2*beta), math.Sinh(2*beta)
	sin := math.Sin(q / 2)
	// cosh γ - 1, a sum of squares.
	x := (s-1)/s*(s-1) + 2*sin*sin
	d1 := 2 * c * (1 - 1/(s*s))
	d2 := 4*s*(1-1/(s*s)) + 8*(c/s)*(c/s)/s
	root := math.Sqrt(x * (x + 2))
	return jet{math.Log1p(x + root), d1 / root, d2/root - d1/root*d1/root*(1+x)/root}
}

// logHyperbolic returns log 2cosh(hγ) for sign = 1 and log 2sinh(hγ) for sign = -1, γ ≥ 0.
func logHyperbolic(h float64, g jet, sign float64) jet {
	a := math.Exp(-2 * h * g.f)
	d := 1 + sign*a
	if sign < 0 {
		d = -math.Expm1(-2 * h * g.f)
	}
	// The derivatives of the logarithm by hγ.
	t := (1 - sign*a) / d
	u := sign * 4 * a / (d * d)
	return jet{h*g.f + math.Log(d), h * t * g.d1, h*t*g.d2 + h*h*u*g.d1*g.d1}
}

// logSinh returns log sinh x for x > 0.
func logSinh(x float64) float64 { return x + math.Log(-math.Expm1(-2*x)/2) }
