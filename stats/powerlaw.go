package stats

import (
	"fmt"
	"math"
)

// PowerLaw is a fit y = A x^p: the costs of algorithms against the extent of the lattice, with
// p the dynamical exponent z and what a step costs more.
type PowerLaw struct {
	// Exponent is p, and LogAmplitude log A.
	Exponent, LogAmplitude Estimate
	// Chi2 is χ², of N - 2 degrees of freedom.
	Chi2 float64
	N    int

	covariance float64 // of p and log A
}

// FitPowerLaw fits log y linearly in log x, weighted with the relative errors of y. It returns
// an error for fewer than two points, numbers that are not positive, and points that all have
// the same x.
func FitPowerLaw(x []float64, y []Estimate) (PowerLaw, error) {
	if len(x) != len(y) || len(x) < 2 {
		return PowerLaw{}, fmt.Errorf("stats: expected at least two points for a power law, got %d and %d numbers", len(x), len(y))
	}
	var s, sx, sy, sxx, sxy float64
	for i, e := range y {
		if !(x[i] > 0 && e.Value > 0 && e.Error > 0) || math.IsInf(x[i]+e.Value+e.Error, 0) {
			return PowerLaw{}, fmt.Errorf("stats: expected positive numbers with errors for a power law, got %v at %v", e, x[i])
		}
		u, v, w := math.Log(x[i]), math.Log(e.Value), e.Value*e.Value/(e.Error*e.Error)
		s, sx, sy, sxx, sxy = s+w, sx+w*u, sy+w*v, sxx+w*u*u, sxy+w*u*v
	}
	det := s*sxx - sx*sx
	if !(det > 1e-12*s*sxx) {
		return PowerLaw{}, fmt.Errorf("stats: expected points at different x for a power law, got %v", x)
	}
	p := PowerLaw{N: len(x), covariance: -sx / det}
	p.Exponent = Estimate{Value: (s*sxy - sx*sy) / det, Error: math.Sqrt(s / det)}
	p.LogAmplitude = Estimate{Value: (sxx*sy - sx*sxy) / det, Error: math.Sqrt(sxx / det)}
	for i, e := range y {
		d := (math.Log(e.Value) - p.LogAmplitude.Value - p.Exponent.Value*math.Log(x[i])) * e.Value / e.Error
		p.Chi2 += d * d
	}
	return p, nil
}

// At returns A x^p.
func (p PowerLaw) At(x float64) Estimate {
	u := math.Log(x)
	y := math.Exp(p.LogAmplitude.Value + p.Exponent.Value*u)
	return Estimate{Value: y, Error: y * math.Sqrt(p.variance(u))}
}

// variance returns that of log y at log x = u.
func (p PowerLaw) variance(u float64) float64 {
	a, b := p.LogAmplitude.Error, p.Exponent.Error
	return max(0, a*a+2*u*p.covariance+u*u*b*b)
}

// Crossing returns where p and q, fits to different data, are equal, and whether there is such
// an x that is a finite number. Whether p is the smaller one beyond it or before it, the
// exponents say.
func (p PowerLaw) Crossing(q PowerLaw) (x Estimate, ok bool) {
	slope := p.Exponent.Value - q.Exponent.Value
	u := (q.LogAmplitude.Value - p.LogAmplitude.Value) / slope
	at := math.Exp(u)
	if math.IsNaN(at) || math.IsInf(at, 0) || at == 0 {
		return undefined(), false
	}
	return Estimate{Value: at, Error: at * math.Sqrt(p.variance(u)+q.variance(u)) / math.Abs(slope)}, true
}
