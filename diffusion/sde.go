package diffusion

import (
	"fmt"
	"math"
)

// SDE is a forward process dφ = f(t) φ dt + g(t) dW on 0 ≤ t ≤ 1 (3.1), in the noise
// convention of machine learning, dW² = dt. Its perturbation kernel is
// φ_t = α(t) φ₀ + s(t) z with z ~ N(0, 1) and
//
//	dα/dt = f α,   ds²/dt = 2 f s² + g²,
//
// so that φ_t/α(t) is the data with noise of the level σ(t) = s(t)/α(t), which is all
// that a [ScoreModel] has to know: the score of φ_t is s(φ_t/α, σ)/α. The process
// runs backwards in time by (3.2), and with the same marginals along an ordinary
// differential equation,
//
//	dφ = [f φ - g² ∇log p_t] dt + g dW̄,   dφ/dt = f φ - ½ g² ∇log p_t.
//
// [FieldTheoryDiffusion] translates g into the noise convention of stochastic
// quantization.
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

// FieldTheoryDiffusion returns the coefficient g̃(t) that turns a process into a
// stochastic quantization with the noise (2.3) at ᾱ = 1, that is φ̇ = f φ + g̃ η with
// ⟨ηη⟩ = 2δ instead of δ. The noise is the same if 2ᾱ g̃² = g², hence g̃ = g/√2. With
// S_t = -log p_t, and up to the drift f,
//
//	                             machine learning      stochastic quantization
//	noise                        g dW                  g̃ η
//	reverse drift in t           + g² ∇S_t             + 2 g̃² ∇S_t
//	probability flow in t        + ½ g² ∇S_t           + g̃² ∇S_t
//	Langevin drift, p_t fixed    - ½ g² ∇S_t           - g̃² ∇S_t
//
// The last row is stochastic quantization with the kernel g̃², the local equilibrium
// (3.10) to (3.12) of the paper. So the g of the flow (3.14) is g̃, while that of the
// kernel (3.6) and of the reverse steps (3.7) to (3.9), whose noise then has unit
// variance, is the g of this library.
func FieldTheoryDiffusion(p SDE, t float64) float64 { return p.Diffusion(t) / math.Sqrt2 }

// VE is the variance-expanding process of the paper, dφ = σ^t dW, whose perturbation
// kernel (3.6) has the standard deviation s(t), s(t)² = (σ^{2t} - 1)/(2 ln σ). The zero
// value uses σ = 25, for which s(1) = 9.845.
type VE struct {
	// Sigma is σ > 1. Default 25.
	Sigma float64
}

// VEGeometric is the variance-expanding process whose noise level grows
// geometrically, s(t) = Min (Max/Min)^t, of Song et al., arXiv:2011.13456, eq. (30).
// Equal steps of its time are equal steps of log s. At t = 0 the field already has
// the noise Min.
type VEGeometric struct {
	// Min and Max are s(0) and s(1). Defaults 0.01 and 50.
	Min, Max float64
}

// VP is the variance-preserving process dφ = -½β(t) φ dt + √β(t) dW with
// β(t) = BetaMin + t (BetaMax - BetaMin), of Song et al., arXiv:2011.13456, eq. (32):
//
//	α(t) = e^{-B/2},  s(t)² = 1 - e^{-B},  B(t) = ∫₀ᵗ β dt.
//
// It keeps unit variance, so fields should have about unit variance.
type VP struct {
	// BetaMin and BetaMax are β(0) and β(1). Defaults 0.1 and 20.
	BetaMin, BetaMax float64
}

// SubVP is the sub-variance-preserving process of Song et al., arXiv:2011.13456,
// eq. (34): the drift of [VP] with g² = β (1 - e^{-2B}), so that s(t) = 1 - e^{-B} stays
// below that of VP.
type SubVP struct {
	// BetaMin and BetaMax are β(0) and β(1). Defaults 0.1 and 20.
	BetaMin, BetaMax float64
}

var (
	_ SDE = VE{}
	_ SDE = VEGeometric{}
	_ SDE = VP{}
	_ SDE = SubVP{}
)

func orDefault(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

func (p VE) sigma() float64 { return orDefault(p.Sigma, 25) }

// String returns the name of the process and σ.
func (p VE) String() string { return fmt.Sprintf("ve(sigma=%g)", p.sigma()) }

// Scale returns 1.
func (p VE) Scale(float64) float64 { return 1 }

// Drift returns 0.
func (p VE) Drift(float64) float64 { return 0 }

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

// bounds returns s(0) and the logarithmic growth rate ln(Max/Min) of s.
func (p VEGeometric) bounds() (low, rate float64) {
	low = orDefault(p.Min, 0.01)
	return low, math.Log(orDefault(p.Max, 50) / low)
}

// String returns the name of the process with s(0) and s(1).
func (p VEGeometric) String() string {
	return fmt.Sprintf("ve-geometric(min=%g,max=%g)", orDefault(p.Min, 0.01), orDefault(p.Max, 50))
}

// Scale returns 1.
func (p VEGeometric) Scale(float64) float64 { return 1 }

// Drift returns 0.
func (p VEGeometric) Drift(float64) float64 { return 0 }

// Diffusion returns g(t) = s(t) √(2 ln(Max/Min)).
func (p VEGeometric) Diffusion(t float64) float64 {
	_, rate := p.bounds()
	return p.StdDev(t) * math.Sqrt(2*rate)
}

// StdDev returns s(t) = Min (Max/Min)^t.
func (p VEGeometric) StdDev(t float64) float64 {
	low, rate := p.bounds()
	return low * math.Exp(rate*t)
}

// Time returns the time at which the standard deviation is s, the inverse of StdDev.
func (p VEGeometric) Time(s float64) float64 {
	low, rate := p.bounds()
	return math.Log(s/low) / rate
}

// linearBeta is β(t) = lo + t (hi - lo), common to the processes that shrink the field.
type linearBeta struct{ lo, hi float64 }

func newBeta(lo, hi float64) linearBeta { return linearBeta{orDefault(lo, 0.1), orDefault(hi, 20)} }

func (b linearBeta) String() string { return fmt.Sprintf("(beta=%g..%g)", b.lo, b.hi) }

func (b linearBeta) at(t float64) float64 { return b.lo + t*(b.hi-b.lo) }

// integral returns B(t) = ∫₀ᵗ β dt.
func (b linearBeta) integral(t float64) float64 { return t * (b.lo + 0.5*t*(b.hi-b.lo)) }

// time returns the time at which the integral is v: the root of the quadratic equation
// in the form that does not cancel.
func (b linearBeta) time(v float64) float64 {
	return 2 * v / (b.lo + math.Sqrt(b.lo*b.lo+2*(b.hi-b.lo)*v))
}

func (p VP) beta() linearBeta { return newBeta(p.BetaMin, p.BetaMax) }

// String returns the name of the process and the range of β.
func (p VP) String() string { return "vp" + p.beta().String() }

// Scale returns α(t) = e^{-B(t)/2}.
func (p VP) Scale(t float64) float64 { return math.Exp(-0.5 * p.beta().integral(t)) }

// Drift returns f(t) = -½β(t).
func (p VP) Drift(t float64) float64 { return -0.5 * p.beta().at(t) }

// Diffusion returns g(t) = √β(t).
func (p VP) Diffusion(t float64) float64 { return math.Sqrt(p.beta().at(t)) }

// StdDev returns s(t) = √(1 - e^{-B(t)}).
func (p VP) StdDev(t float64) float64 { return math.Sqrt(-math.Expm1(-p.beta().integral(t))) }

// Time returns the time of a noise level, from σ² = e^B - 1.
func (p VP) Time(sigma float64) float64 { return p.beta().time(math.Log1p(sigma * sigma)) }

func (p SubVP) beta() linearBeta { return newBeta(p.BetaMin, p.BetaMax) }

// String returns the name of the process and the range of β.
func (p SubVP) String() string { return "sub-vp" + p.beta().String() }

// Scale returns α(t) = e^{-B(t)/2}.
func (p SubVP) Scale(t float64) float64 { return math.Exp(-0.5 * p.beta().integral(t)) }

// Drift returns f(t) = -½β(t).
func (p SubVP) Drift(t float64) float64 { return -0.5 * p.beta().at(t) }

// Diffusion returns g(t) = √(β (1 - e^{-2B})).
func (p SubVP) Diffusion(t float64) float64 {
	b := p.beta()
	return math.Sqrt(-b.at(t) * math.Expm1(-2*b.integral(t)))
}

// StdDev returns s(t) = 1 - e^{-B(t)}.
func (p SubVP) StdDev(t float64) float64 { return -math.Expm1(-p.beta().integral(t)) }

// Time returns the time of a noise level, from σ = 2 sinh(B/2).
func (p SubVP) Time(sigma float64) float64 { return p.beta().time(2 * math.Asinh(sigma/2)) }

// brownian is dφ = dW, whose time is the variance of the noise: what a sampler that
// was told noise levels and no process works with.
type brownian struct{}

func (brownian) Scale(float64) float64      { return 1 }
func (brownian) StdDev(t float64) float64   { return math.Sqrt(t) }
func (brownian) Drift(float64) float64      { return 0 }
func (brownian) Diffusion(float64) float64  { return 1 }
func (brownian) Time(sigma float64) float64 { return sigma * sigma }
func (brownian) String() string             { return "brownian" }

// scaled is a process of φ/unit, seen from φ.
type scaled struct {
	SDE
	unit float64
}

func (p scaled) StdDev(t float64) float64    { return p.unit * p.SDE.StdDev(t) }
func (p scaled) Diffusion(t float64) float64 { return p.unit * p.SDE.Diffusion(t) }
func (p scaled) Time(sigma float64) float64  { return p.SDE.Time(sigma / p.unit) }
