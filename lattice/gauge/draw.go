package gauge

import (
	"math"
	"math/rand/v2"
)

// Drawer is a [Weight] that can draw a single plaquette from its density: θ in (-π, π] with
// the density exp(-s(θ))/∫exp(-s). All plaquettes of two dimensions are such draws but for
// the condition on their sum.
type Drawer interface {
	Weight
	Draw(rng *rand.Rand) float64
}

var (
	_ Drawer = Wilson{}
	_ Drawer = Villain{}
)

// Draw returns an angle of the von Mises density exp(β cos θ)/(2πI_0(β)).
func (w Wilson) Draw(rng *rand.Rand) float64 {
	if w.Beta < 0 {
		return Wrap(math.Pi + VonMises(rng, -w.Beta))
	}
	return VonMises(rng, w.Beta)
}

// Draw returns a Gaussian angle of variance 1/β, wrapped.
func (w Villain) Draw(rng *rand.Rand) float64 { return Wrap(rng.NormFloat64() / math.Sqrt(w.Beta)) }

// uniformBelow is the κ below which the von Mises density is uniform to double precision.
const uniformBelow = 0x1p-56

// VonMises returns an angle in (-π, π] with the density exp(κ cos θ)/(2πI_0(κ)), κ ≥ 0, by
// the exact rejection from a wrapped Cauchy density of D. J. Best and N. I. Fisher, J. R.
// Stat. Soc. C 28 (1979) 152. Differences are written without cancellation, so that small
// κ, which are nearly uniform, and large κ, which are nearly Gaussian with the variance 1/κ,
// are drawn as well as others: with at most 1.52 proposals on average.
func VonMises(rng *rand.Rand, kappa float64) float64 {
	if kappa < uniformBelow {
		return math.Pi * (1 - 2*rng.Float64())
	}
	// ρ = (τ - √(2τ))/(2κ) with τ = 1 + √(1+4κ²), and r = (1+ρ²)/(2ρ).
	root := math.Sqrt(1 + 4*kappa*kappa)
	tau := math.Sqrt(1 + root)
	rho := 2 * kappa / (1 + root) * tau / (tau + math.Sqrt2)
	excess := (1 - rho) * (1 - rho) / (2 * rho) // r - 1
	for {
		// z = cos πu, and the proposal has cos θ = f = (1+rz)/(r+z).
		sin, cos := math.Sincos(math.Pi / 2 * rng.Float64())
		below := 2 * sin * sin * excess / (excess + 2*cos*cos) // 1 - f
		c := kappa * (excess + below)
		u := rng.Float64()
		if c*(2-c) > u || math.Log(c/u)+1-c >= 0 {
			theta := 2 * math.Asin(math.Min(1, math.Sqrt(below/2)))
			if rng.Uint64()>>63 == 0 {
				return theta
			}
			return Wrap(-theta)
		}
	}
}
