package hmc

import (
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// Integrator is a symmetric splitting scheme for the equations of motion
// φ' = M⁻¹π, π' = K(φ) = -∂S/∂φ. A step of size ε applies in turn
//
//	π ← π + c₀ε K(φ),  φ ← φ + c₁ε M⁻¹π,  π ← π + c₂ε K(φ),  …
//
// with a list of coefficients of odd length that reads the same in both
// directions. Each update is a shear, so a step preserves the phase-space volume,
// and the palindrome makes it reversible: the two properties on which the
// exactness of hybrid Monte Carlo rests, whatever the coefficients.
//
// The zero value stands for [Leapfrog].
type Integrator struct {
	// Name identifies the scheme in tables and file headers.
	Name         string
	coefficients []float64
}

// Leapfrog is the second-order scheme with one force evaluation per step
// (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216).
var Leapfrog = Integrator{"leapfrog", []float64{0.5, 1, 0.5}}

// Omelyan is the second-order minimum-norm scheme 2MN with two force evaluations
// per step and λ = 0.1931833275037836 (Omelyan, Mryglod, Folk, Comput. Phys.
// Commun. 151 (2003) 272). Two steps of size 1/2 have a smaller energy violation in
// φ⁴ theory than ten leapfrog steps of size 1/10, at less than half the force
// evaluations (docs/performance.md), which makes it the scheme to prefer.
var Omelyan = Integrator{"omelyan", palindrome(0.1931833275037836, 0.5, 1-2*0.1931833275037836)}

// Omelyan4 is the fourth-order minimum-norm scheme 4MN5FV with five force
// evaluations per step (Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003)
// 272; tested for lattice field theory by Takaishi, de Forcrand, Phys. Rev. E 73
// (2006) 036706).
var Omelyan4 = Integrator{"omelyan4", palindrome(
	omf4a, omf4b, omf4c, omf4d, 0.5-omf4a-omf4c, 1-2*(omf4b+omf4d))}

const (
	omf4a = 0.08398315262876693
	omf4b = 0.2539785108410595
	omf4c = 0.6822365335719091
	omf4d = -0.03230286765269967
)

// palindrome completes the first half of a list, which ends with its middle
// element.
func palindrome(half ...float64) []float64 {
	c := slices.Clone(half)
	for i := len(half) - 2; i >= 0; i-- {
		c = append(c, half[i])
	}
	return c
}

// NewIntegrator returns the scheme with the given coefficients, which alternate
// between momentum and field updates and start and end with a momentum update. It
// returns an error unless their number is odd and at least three, all are finite,
// they form a palindrome, and the coefficients of either kind add up to one.
func NewIntegrator(name string, coefficients ...float64) (Integrator, error) {
	n := len(coefficients)
	if n < 3 || n%2 == 0 {
		return Integrator{}, fmt.Errorf("hmc: expected an odd number of at least 3 coefficients, got %d", n)
	}
	var sum [2]float64
	for i, c := range coefficients {
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return Integrator{}, fmt.Errorf("hmc: expected finite coefficients, got %v", c)
		}
		if d := coefficients[n-1-i]; math.Abs(c-d) > 1e-14 {
			return Integrator{}, fmt.Errorf("hmc: expected a palindrome of coefficients, got %v and %v at %d and %d",
				c, d, i, n-1-i)
		}
		sum[i%2] += c
	}
	for i, kind := range []string{"momentum", "field"} {
		if math.Abs(sum[i]-1) > 1e-13 {
			return Integrator{}, fmt.Errorf("hmc: expected %s coefficients with the sum 1, got %v", kind, sum[i])
		}
	}
	return Integrator{name, slices.Clone(coefficients)}, nil
}

// Coefficients returns a copy of the list c₀, c₁, …
func (in Integrator) Coefficients() []float64 { return slices.Clone(in.list()) }

// Forces returns the number of force evaluations per step, not counting the one
// that closes a trajectory.
func (in Integrator) Forces() int { return len(in.list()) / 2 }

func (in Integrator) list() []float64 {
	if len(in.coefficients) == 0 {
		return Leapfrog.coefficients
	}
	return in.coefficients
}

// Integrate advances the field phi and the momenta pi in place by steps steps of
// size eps under the given action and unit masses; a negative eps runs backwards.
// It panics if phi and pi differ in length.
func (in Integrator) Integrate(action lattice.Action, phi, pi []float64, eps float64, steps int) {
	if len(phi) != len(pi) {
		panic("hmc: field and momenta differ in length")
	}
	d := &generic{action: action, phi: phi, pi: pi, force: make([]float64, len(phi))}
	in.run(d, eps, steps)
}

// run applies steps steps of size eps; the momentum updates at the joints of two
// steps are merged into one.
func (in Integrator) run(d dynamics, eps float64, steps int) {
	if steps < 1 {
		return
	}
	c := in.list()
	last := len(c) - 1
	a := c[0]
	for range steps {
		for i := 1; i < last; i += 2 {
			d.kickDrift(a*eps, c[i]*eps)
			a = c[i+1]
		}
		a += c[0]
	}
	d.kick((a - c[0]) * eps)
}
