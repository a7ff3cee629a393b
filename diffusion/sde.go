package diffusion

import (
	"fmt"
	"math"
)

// VE is the variance-expanding process of the paper, dφ = σ^t dW, whose perturbation
// kernel (3.6) has the standard deviation s(t), s(t)² = (σ^{2t} - 1)/(2 ln σ), in the
// machine-learning noise convention. The zero value uses σ = 25, for which
// s(1) = 9.845.
type VE struct {
	// Sigma is σ > 1. Default 25.
	Sigma float64
}

func (p VE) sigma() float64 {
	if p.Sigma == 0 {
		return 25
	}
	return p.Sigma
}

// Diffusion returns g(t) = σ^t.
func (p VE) Diffusion(t float64) float64 { return math.Pow(p.sigma(), t) }

// StdDev returns s(t) = √(∫₀ᵗ g² dt).
func (p VE) StdDev(t float64) float64 {
	l := 2 * math.Log(p.sigma())
	return math.Sqrt(math.Expm1(l*t) / l)
}

// Time returns the time at which the standard deviation is s, the inverse of StdDev.
func (p VE) Time(s float64) float64 {
	l := 2 * math.Log(p.sigma())
	return math.Log1p(l*s*s) / l
}

// UniformTime returns the n+1 noise levels s(t) at equidistant times from tMax down
// to tMin, the grid of the paper (tMax = 1, tMin = 10⁻³, n = 500).
func (p VE) UniformTime(tMax, tMin float64, n int) []float64 {
	levels := make([]float64, n+1)
	for i := range levels {
		levels[i] = p.StdDev(tMax + (tMin-tMax)*float64(i)/float64(n))
	}
	return levels
}

// LogSigma returns n+1 noise levels from max down to min, equidistant in log σ.
func LogSigma(max, min float64, n int) []float64 {
	levels := make([]float64, n+1)
	for i := range levels {
		levels[i] = logInterpolate(max, min, float64(i)/float64(n))
	}
	levels[n] = min
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
