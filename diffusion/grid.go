package diffusion

import (
	"fmt"
	"math"
)

// Time grids are given by the noise levels of their points, because these mean the
// same for every process; [SDE].Time returns the times. A grid of no steps holds one
// level or none, which samplers refuse.

// UniformTime returns the n+1 noise levels σ(t) of a process at equidistant times from
// tMax down to tMin. The grid of the paper is that of [VE] with tMax = 1, tMin = 10⁻³
// and n = 500.
func UniformTime(p SDE, tMax, tMin float64, n int) []float64 {
	return grid(Sigma(p, tMax), Sigma(p, tMin), n, func(u float64) float64 { return Sigma(p, tMax+u*(tMin-tMax)) })
}

// LogSigma returns n+1 noise levels from high down to low, equidistant in log σ.
func LogSigma(high, low float64, n int) []float64 {
	return grid(high, low, n, func(u float64) float64 { return logInterpolate(high, low, u) })
}

// Karras returns n+1 noise levels from high down to low, equidistant in σ^{1/ρ}
// (Karras et al., arXiv:2206.00364, eq. (5)). ρ = 0 stands for their ρ = 7; larger values
// put more of the steps at small noise, up to [LogSigma] for ρ → ∞.
func Karras(high, low, rho float64, n int) []float64 {
	rho = orDefault(rho, 7)
	a, b := math.Pow(high, 1/rho), math.Pow(low, 1/rho)
	return grid(high, low, n, func(u float64) float64 { return math.Pow(a+u*(b-a), rho) })
}

// grid returns the values of at on n+1 equidistant points of [0, 1], with given ends.
func grid(first, last float64, n int, at func(u float64) float64) []float64 {
	levels := make([]float64, max(n, 0)+1)
	for i := range levels {
		levels[i] = at(float64(i) / float64(n))
	}
	levels[len(levels)-1] = last
	levels[0] = first
	return levels
}

// checkLevels returns an error unless levels are at least two and strictly falling
// positive finite noise levels.
func checkLevels(levels []float64) error {
	if len(levels) < 2 {
		return fmt.Errorf("diffusion: expected at least two noise levels, got %d", len(levels))
	}
	for i, s := range levels {
		if !(s > 0) || math.IsInf(s, 0) || (i > 0 && s >= levels[i-1]) {
			return fmt.Errorf("diffusion: expected strictly falling positive noise levels, got %v at position %d", s, i)
		}
	}
	return nil
}
