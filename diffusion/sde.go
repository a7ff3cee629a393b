package diffusion

import (
	"fmt"
	"math"
)

// SDE is a forward process dφ = f(t) φ dt + g(t) dW on 0 ≤ t ≤ 1 (3.1), in the noise
// convention of machine learning. Its perturbation kernel is
// φ_t = α(t) φ₀ + s(t) z with z ~ N(0, 1), so that φ_t/α(t) is the data with noise of the
// level σ(t) = s(t)/α(t), which is all that a [ScoreModel] has to know: the score of
// φ_t is s(φ_t/α, σ)/α.
type SDE interface {
	// Scale returns α(t) = exp ∫₀ᵗ f dt.
	Scale(t float64) float64
	// StdDev returns s(t).
	StdDev(t float64) float64
	// Drift returns f(t).
	Drift(t float64) float64
	// Diffusion returns g(t).
	Diffusion(t float64) float64
	// Time returns the time at which σ(t) = sigma, the inverse of [Sigma].
	Time(sigma float64) float64
	// String names the process with its parameters.
	String() string
}

// Sigma returns the noise level σ(t) = s(t)/α(t) of a process.
func Sigma(p SDE, t float64) float64 { return p.StdDev(t) / p.Scale(t) }

// VE is the variance-expanding process of the paper, dφ = σ^t dW, whose perturbation
// kernel (3.6) has the standard deviation s(t), s(t)² = (σ^{2t} - 1)/(2 ln σ), in the
// machine-learning noise convention. The zero value uses σ = 25, for which
// s(1) = 9.845.
type VE struct {
	// Sigma is σ > 1. Default 25.
	Sigma float64
}

var _ SDE = VE{}

// String returns the name of the process and σ.
func (p VE) String() string { return fmt.Sprintf("ve(sigma=%g)", p.sigma()) }

// Scale returns 1.
func (p VE) Scale(float64) float64 { return 1 }

// Drift returns 0.
func (p VE) Drift(float64) float64 { return 0 }

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
