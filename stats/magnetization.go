package stats

import (
	"fmt"
	"math"
)

// Susceptibility returns χ₂ = V(⟨M²⟩ - ⟨M⟩²) (4.6) with its jackknife error. m holds
// M of (4.5), one entry per configuration, volume is the number of sites V, blocks is
// the number of jackknife blocks, automatic for blocks ≤ 0; see [Jackknife], also for
// the errors. The value is the plain estimate, whose expectation is smaller than χ₂
// by V times the squared error of ⟨M⟩.
func Susceptibility(m []float64, volume, blocks int) (Estimate, error) {
	if volume < 1 {
		return undefined(), fmt.Errorf("stats: expected a volume of at least one site, got %d", volume)
	}
	if err := checkSeries(m); err != nil {
		return undefined(), err
	}
	// A shift of M changes nothing in χ₂ and saves its digits where ⟨M⟩ is large.
	c := centre(m)
	cols := [][]float64{make([]float64, len(m)), make([]float64, len(m))}
	for i, d := range c.dev[0] {
		d *= c.scale
		cols[0][i], cols[1][i] = d, d*d
	}
	return Jackknife(cols, blocks, func(mean []float64) float64 {
		return float64(volume) * (mean[1] - mean[0]*mean[0])
	})
}

// ConnectedSusceptibility returns V(⟨M²⟩ - ⟨|M|⟩²) with its jackknife error, the
// susceptibility of the broken phase on a finite lattice, where ⟨M⟩ = 0. Arguments
// and errors are those of [Susceptibility].
func ConnectedSusceptibility(m []float64, volume, blocks int) (Estimate, error) {
	return Susceptibility(absolute(m), volume, blocks)
}

// BinderCumulant returns U_L = 1 - ⟨M⁴⟩/(3⟨M²⟩²) (4.7) with its jackknife error:
// 0 for Gaussian fluctuations of M about zero, 2/3 for M = ±const. Of Gaussian M the error is
// ruled by the few largest |M|, and too small where they are missing: 1.4 times for 100
// independent entries, 1.1 to 1.2 for 500 and 1000 (docs/calibration.md). Arguments and errors are those of
// [Susceptibility]; if M vanishes throughout, U_L is undefined and [ErrNotFinite] is returned.
func BinderCumulant(m []float64, blocks int) (Estimate, error) {
	if err := checkSeries(m); err != nil {
		return undefined(), err
	}
	// U_L does not depend on the unit of M.
	largest := 0.0
	for _, v := range m {
		largest = max(largest, math.Abs(v))
	}
	if largest == 0 {
		return undefined(), fmt.Errorf("%w of the Binder cumulant, got M = 0 throughout", ErrNotFinite)
	}
	cols := [][]float64{make([]float64, len(m)), make([]float64, len(m))}
	for i, v := range m {
		q := v / largest
		q *= q
		cols[0][i], cols[1][i] = q, q*q
	}
	return Jackknife(cols, blocks, func(mean []float64) float64 {
		return 1 - mean[1]/(3*mean[0]*mean[0])
	})
}

// AbsMean returns ⟨|M|⟩, with |M| = |(1/V) Σ_x φ(x)| per configuration, and its
// jackknife error. Arguments and errors are those of [Susceptibility].
func AbsMean(m []float64, blocks int) (Estimate, error) {
	return Jackknife([][]float64{absolute(m)}, blocks, func(mean []float64) float64 { return mean[0] })
}

func absolute(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}
