package diffusion

import (
	"fmt"
	"math"
)

// SigmaMinDefault is the smallest noise level where nothing tells a better one: right for
// fields of the size of those of φ⁴ theory at weak coupling.
const SigmaMinDefault = 0.02

// SigmaMinFor returns the noise level below which nothing is left to resolve: 3 % of the
// width 1/√⟨S″⟩ of the distribution of one variable with the others held fixed. force is
// the mean of the square of one component of the drift at one site, which is ⟨S″⟩ by the
// Schwinger–Dyson equation.
func SigmaMinFor(force float64) float64 { return 0.03 / math.Sqrt(force) }

// SigmaMaxFor returns the noise level at which even the widest mode of data with
// spectrum C_k, the zero mode of a nearly ordered theory, is Gaussian to good
// accuracy: 5 √(max C_k).
func SigmaMaxFor(spectrum []float64) float64 {
	c := 0.0
	for _, v := range spectrum {
		c = math.Max(c, v)
	}
	return 5 * math.Sqrt(c)
}

// setLevels fills in the ends of the noise levels.
func (c *ModelConfig) setLevels() error {
	c.SigmaMin = orDefault(c.SigmaMin, SigmaMinDefault)
	if c.Spectrum != nil {
		c.SigmaMax = orDefault(c.SigmaMax, SigmaMaxFor(c.Spectrum))
	}
	c.SigmaMax = orDefault(c.SigmaMax, VE{}.StdDev(1)*c.Normalization.Scale)
	if !(c.SigmaMin > 0 && c.SigmaMin < c.SigmaMax) || math.IsInf(c.SigmaMax, 0) {
		return fmt.Errorf("diffusion: expected 0 < σ_min < σ_max for the noise of the model, got %v and %v", c.SigmaMin, c.SigmaMax)
	}
	return nil
}

// SigmaMin returns the smallest noise level of the model, at which its samples stand for
// those of the theory.
func (m *Model) SigmaMin() float64 { return m.cfg.SigmaMin }

// SigmaMax returns the largest noise level of the model, where the reverse process begins.
func (m *Model) SigmaMax() float64 { return m.cfg.SigmaMax }

// Levels returns the ends of the noise levels of any model: its own if it has the methods
// SigmaMin and SigmaMax, else [SigmaMinDefault] and [SigmaMaxFor] of the spectrum of a
// [LinearModel], and zero for σ_max where nothing tells it.
func Levels(m ScoreModel) (sigmaMin, sigmaMax float64) {
	if l, ok := m.(interface {
		SigmaMin() float64
		SigmaMax() float64
	}); ok {
		return l.SigmaMin(), l.SigmaMax()
	}
	if l, ok := Linear(m); ok {
		return SigmaMinDefault, SigmaMaxFor(l.Spectrum())
	}
	return SigmaMinDefault, 0
}
