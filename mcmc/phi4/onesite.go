package phi4

import (
	"fmt"
	"math"
)

// siteCut is the exponent below its maximum where the weight of a site counts as zero,
// also under high moments.
const siteCut = 80

// site returns the weight of |φ| of one site of n components with loops links to itself.
func site(n int, kappa, lambda float64, loops int) (radial, error) {
	if err := check(n, kappa, lambda); err != nil {
		return radial{}, err
	}
	if loops < 0 {
		return radial{}, fmt.Errorf("phi4: expected the number of links of a site to itself, got %d", loops)
	}
	w := radial{float64(n - 1), 1 - 2*lambda - 2*kappa*float64(loops), lambda}
	if lambda == 0 && w.m <= 0 {
		return w, fmt.Errorf("phi4: expected 2κu < 1 with %d extents of 1 for the free field (λ = 0), got κ = %v", loops, kappa)
	}
	return w, nil
}

// logSphere returns the logarithm of the area 2π^{n/2}/Γ(n/2) of the unit sphere in n
// dimensions, which is 2 for n = 1.
func logSphere(n int) float64 {
	g, _ := math.Lgamma(float64(n) / 2)
	return math.Ln2 + float64(n)/2*math.Log(math.Pi) - g
}

// OneSite returns the values of one site of n components with loops links to itself, as
// many as it has extents of 1: the density exp(-(1-2λ-2κ·loops)φ·φ - λ(φ·φ)²). With
// loops = 0 it is each of the independent sites of any lattice at κ = 0. The error is of
// order 1e-13, for log Z relative to 1+λ.
//
// It returns an error for a theory that does not exist, n < 1 or loops < 0.
func OneSite(n int, kappa, lambda float64, loops int) (Exact, error) {
	e := unknown(1)
	w, err := site(n, kappa, lambda, loops)
	if err != nil {
		return e, err
	}
	lo, hi := w.interval(siteCut)
	err = refine("the integral over one site", 48, 2000, 1e-13, func(nodes int) ([]float64, error) {
		var z, r1, r2, q float64
		x, gw := gauss(nodes, lo, hi)
		for i, r := range x {
			y := r * r
			p := gw[i] * math.Exp(-w.drop(y))
			z += p
			r1 += p * r
			r2 += p * y
			q += p * (y - 1) * (y - 1)
		}
		e.setLogZ(logSphere(n) - w.least() + math.Log(z))
		e.AbsM, e.Phi2 = r1/z, r2/z
		e.Hopping = float64(loops) * e.Phi2
		e.setPotential(kappa, lambda, q/z)
		e.Chi = e.Phi2
		e.HoppingVariance = float64(loops*loops) * (e.Phi4 - e.Phi2*e.Phi2)
		return e.values(), nil
	})
	return e, err
}

// OneSiteMoment returns ⟨|φ|^p⟩, p ≥ 0, of the theory of [OneSite], and its errors.
func OneSiteMoment(n int, kappa, lambda float64, loops int, p float64) (float64, error) {
	w, err := site(n, kappa, lambda, loops)
	if err != nil {
		return math.NaN(), err
	}
	if !(p >= 0) || math.IsInf(p, 1) {
		return math.NaN(), fmt.Errorf("phi4: expected a moment p ≥ 0, got %v", p)
	}
	if p == 0 {
		return 1, nil
	}
	// The maximum of r^p times the weight is elsewhere.
	v := radial{w.k + p, w.m, w.lambda}
	lo, hi := w.interval(siteCut)
	l, h := v.interval(siteCut)
	lo, hi = min(lo, l), max(hi, h)
	scale := math.Sqrt(v.peak())
	moment := 0.0
	err = refine("the integral over one site", 48, 2000, 1e-13, func(nodes int) ([]float64, error) {
		var z, m float64
		x, gw := gauss(nodes, lo, hi)
		for i, r := range x {
			f := gw[i] * math.Exp(-w.drop(r*r))
			z += f
			m += f * math.Pow(r/scale, p)
		}
		moment = m / z
		return []float64{math.Log(moment)}, nil
	})
	return moment * math.Pow(scale, p), err
}
