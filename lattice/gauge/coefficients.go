package gauge

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Coefficients are the Fourier coefficients of a weight,
//
//	exp(-s(θ)) = Σ_n c_n e^{inθ},  c_n = c_{-n} = ∫dθ/2π exp(-s(θ)) cos nθ,
//
// which are the weights of the representations n of U(1): I_n(β) for [Wilson], and
// exp(-n²/(2β))/√(2πβ) for [Villain].
type Coefficients struct {
	// Log0 is log c_0.
	Log0 float64
	// Ratio holds c_n/c_0 for n ≥ 0 up to those that vanish to double precision.
	Ratio []float64
}

const (
	// The trapezoidal rule starts with coarse points on the circle and stops at fine.
	coarse, fine = 64, 1 << 20
	// rounding is the size, relative to c_0, of coefficients that are rounding errors, beside
	// that of s itself, which epsilon is for.
	rounding, epsilon = 1e-14, 0x1p-52
)

// Transform returns the coefficients of a weight by the trapezoidal rule on the circle, which
// converges exponentially for smooth periodic functions; the number of points doubles until
// the upper half of the coefficients vanishes. It returns an error for a weight that [New]
// refuses and for one that is too narrow or not smooth, whose coefficients do not vanish with
// 2²⁰ points.
func Transform(w Weight) (Coefficients, error) {
	if err := checkWeight(w); err != nil {
		return Coefficients{}, err
	}
	for n := coarse; n <= fine; n *= 2 {
		values, least := make([]float64, n), math.Inf(1)
		for j := range values {
			values[j] = w.Energy(2 * math.Pi * float64(j) / float64(n))
			least = math.Min(least, values[j])
		}
		for j, s := range values {
			values[j] = math.Exp(least - s)
		}
		c := fourier.NewFFT(n).Coefficients(nil, values)
		c0 := real(c[0])
		ratio := make([]float64, len(c)/2)
		tail := 0.0
		for k, v := range c {
			if k < len(ratio) {
				ratio[k] = real(v) / c0
			} else {
				tail = math.Max(tail, math.Abs(real(v)/c0))
			}
		}
		if tail < rounding+epsilon*math.Abs(least) {
			return Coefficients{math.Log(c0/float64(n)) - least, ratio}, nil
		}
	}
	return Coefficients{}, fmt.Errorf("gauge: expected a smooth weight that %d points on the circle resolve, got %#v", fine, w)
}
