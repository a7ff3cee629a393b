package main

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/latdiff/latdiff/stats"
)

// polynomial is a weighted least-squares fit y = Σ_i coef_i x^i.
type polynomial struct {
	coef []float64
	cov  *mat.Dense // covariance of the coefficients
	chi2 float64
	dof  int
	p    float64 // probability of a χ² at least as large
}

// extrapolation is an average over polynomials of several degrees.
type extrapolation struct {
	fits    []polynomial
	weights []float64
}

// highest is the highest power of Δτ in an extrapolation.
const highest = 3

// extrapolate fits polynomials of degree 1 and higher, leaving a degree of freedom at
// least, and gives each the weight exp(-(χ² + 2k)/2), k being the number of its
// coefficients (Akaike's information criterion as a model average, W. I. Jay and
// E. T. Neil, Phys. Rev. D 103 (2021) 114502, arXiv:2008.01069): a higher order has to
// earn its place, and the doubt whether it does is part of the error.
func extrapolate(x []float64, y []stats.Estimate) (extrapolation, error) {
	var e extrapolation
	var aic []float64
	for degree := 1; degree <= min(highest, len(x)-2); degree++ {
		f, err := fitPolynomial(x, y, degree)
		if err != nil {
			return extrapolation{}, err
		}
		e.fits = append(e.fits, f)
		aic = append(aic, f.chi2+2*float64(len(f.coef)))
	}
	sum, least := 0.0, slices.Min(aic)
	for _, a := range aic {
		w := math.Exp((least - a) / 2)
		e.weights = append(e.weights, w)
		sum += w
	}
	for i := range e.weights {
		e.weights[i] /= sum
	}
	return e, nil
}

// best returns the fit of the largest weight.
func (e extrapolation) best() polynomial {
	return e.fits[slices.Index(e.weights, slices.Max(e.weights))]
}

// at returns the average at x. Its variance is the mean variance of the fits plus the
// variance between them.
func (e extrapolation) at(x float64) stats.Estimate {
	var mean, square float64
	for i, f := range e.fits {
		v := f.at(x)
		mean += e.weights[i] * v.Value
		square += e.weights[i] * (v.Error*v.Error + v.Value*v.Value)
	}
	return stats.Estimate{Value: mean, Error: math.Sqrt(max(0, square-mean*mean))}
}

// fitPolynomial fits a polynomial of the given degree to independent values.
func fitPolynomial(x []float64, y []stats.Estimate, degree int) (polynomial, error) {
	n, k := len(x), degree+1
	a, b := mat.NewDense(n, k, nil), mat.NewVecDense(n, nil)
	for i, e := range y {
		if !(e.Error > 0) || math.IsInf(e.Error, 0) {
			return polynomial{}, errors.New("expected values with positive errors")
		}
		b.SetVec(i, e.Value/e.Error)
		u := 1 / e.Error
		for j := range k {
			a.Set(i, j, u)
			u *= x[i]
		}
	}
	var qr mat.QR
	qr.Factorize(a)
	var c mat.VecDense
	if err := qr.SolveVecTo(&c, false, b); err != nil {
		return polynomial{}, err
	}
	// The covariance (AᵀA)⁻¹ = R⁻¹R⁻ᵀ is the product of the pseudo-inverse with itself.
	identity := mat.NewDiagDense(n, nil)
	for i := range n {
		identity.SetDiag(i, 1)
	}
	var inverse, cov mat.Dense
	if err := qr.SolveTo(&inverse, false, identity); err != nil {
		return polynomial{}, err
	}
	cov.Mul(&inverse, inverse.T())
	var residual mat.VecDense
	residual.MulVec(a, &c)
	residual.SubVec(b, &residual)
	f := polynomial{coef: c.RawVector().Data, cov: &cov, chi2: mat.Dot(&residual, &residual), dof: n - k}
	f.p = distuv.ChiSquared{K: float64(f.dof)}.Survival(f.chi2)
	return f, nil
}

// at returns the polynomial at x with its error.
func (f polynomial) at(x float64) stats.Estimate {
	powers := mat.NewVecDense(len(f.coef), nil)
	u := 1.0
	for i := range f.coef {
		powers.SetVec(i, u)
		u *= x
	}
	return stats.Estimate{
		Value: mat.Dot(powers, mat.NewVecDense(len(f.coef), f.coef)),
		Error: math.Sqrt(mat.Inner(powers, f.cov, powers)),
	}
}
