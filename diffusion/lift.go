package diffusion

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// The score of independent lifted angles. One angle has the weight e^{-θ²/2v} P(θ), P of period
// 2π (see [lattice.Lift]). With noise of level σ its density is proportional to
//
//	e^{-y²/2(v+σ²)} G_τ(wy),  w = v/(v+σ²),  τ² = vσ²/(v+σ²),
//
// where G_τ = P ∗ N(0, τ²) has period 2π too: the product of the two Gaussians is one of width
// τ around wy. So the score is a function of one angle and of τ,
//
//	s(y) = -y/(v+σ²) + w u(wy),  u = d log G_τ/dx,
//
// which is tabulated. Given the sum 2πq, angles are independent no more, but to leading order in
// 1/V the others act on each like a constant force λ, the same for all: it is the clean angles
// that have the density e^{λθ} higher, and the score becomes λ + s(θ + σ²λ). As that of the
// fields of one sum it must have no sum itself, which determines λ:
//
//	λ + (1/V) Σ_x s(θ(x) + σ²λ) = 0 .
//
// This is the saddle point of the Fourier representation of the constraint. With s′ at
// θ + σ²λ, differentiating gives ∂λ/∂θ(y) = -s′(y)/(V + σ²Σs′), and the divergence in the
// directions without sum
//
//	Σs′ - (Σs′ + σ²Σs′²)/(V + σ²Σs′) .

// lift holds the table of u for one potential.
type lift struct {
	layout    lattice.Layout
	variance  float64 // v
	spread    float64 // C, where Newton's method for λ starts from
	low, high float64 // the ends of log σ
	// chebyshev holds the coefficients of Chebyshev polynomials in log σ for every node of the
	// table and every one of its liftRow numbers.
	chebyshev []float64
}

const (
	// liftNodes is the number of nodes of u in a period, liftRow that of the numbers that the
	// Hermite interpolation after a node takes: u and its derivative times the spacing at
	// the node and at the next one.
	liftNodes, liftRow = 256, 4
	// liftLevels is the number of Chebyshev polynomials.
	liftLevels = 40
	// The integral over τt is a sum over |t| ≤ liftWindow in steps of at most liftStep.
	liftWindow, liftStep = 9, 0.1
	// liftPoints bounds half the number of these points, for a potential from a file.
	liftPoints = 1 << 12
	// liftPotential is the number of points of a period on which log P is tabulated.
	liftPotential = 1 << 12
)

// newLift tabulates the solution for noise levels between σ_min and σ_max.
func newLift(potential lattice.Lift, spread, sigmaMin, sigmaMax float64) (*lift, error) {
	v := potential.Variance
	bad := !(v > 0) || math.IsInf(v, 0) || lattice.CheckField(potential.Cosines, len(potential.Cosines)) != nil
	if bad {
		return nil, fmt.Errorf("diffusion: expected a lift with a positive variance and finite coefficients, got %+v", potential)
	}
	l := &lift{variance: v, spread: spread, low: math.Log(sigmaMin), high: math.Log(sigmaMax)}
	periodic := newPeriodic(potential)
	if points := liftWindow / periodic.step(math.Sqrt(v)); !(points < liftPoints) {
		return nil, fmt.Errorf("diffusion: expected a lift that %d points resolve, got one of variance %v that takes %.3g", liftPoints, v, points)
	}
	l.chebyshev = make([]float64, liftLevels*liftNodes*liftRow)
	row := make([]float64, liftNodes*liftRow)
	for i := range liftLevels {
		angle := math.Pi * (float64(i) + 0.5) / liftLevels
		sigma := math.Exp((l.low + l.high + (l.high-l.low)*math.Cos(angle)) / 2)
		periodic.tabulate(row, sigma*math.Sqrt(v/(v+sigma*sigma)))
		for n := range liftLevels {
			w := 2 * math.Cos(float64(n)*angle) / liftLevels
			if n == 0 {
				w /= 2
			}
			for j, u := range row {
				l.chebyshev[n*len(row)+j] += w * u
			}
		}
	}
	return l, nil
}

// periodic is log P and its derivative on liftPotential points of a period.
type periodic struct {
	value, slope []float64
	sharpest     float64 // √max|d² log P/dθ²|
}

func newPeriodic(potential lattice.Lift) *periodic {
	p := &periodic{value: make([]float64, liftPotential+1), slope: make([]float64, liftPotential+1)}
	for i := range p.value {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / liftPotential)
		// Clenshaw's recurrence for Σ c_n cos nθ and Σ n c_n sin nθ.
		var a, b, c, d float64
		for n := len(potential.Cosines); n > 0; n-- {
			a, b = 2*cos*a-b+potential.Cosines[n-1], a
			c, d = 2*cos*c-d+float64(n)*potential.Cosines[n-1], c
		}
		p.value[i], p.slope[i] = b-cos*a, sin*c
	}
	for i, s := range p.slope[1:] {
		p.sharpest = max(p.sharpest, math.Sqrt(math.Abs(s-p.slope[i])*liftPotential/(2*math.Pi)))
	}
	return p
}

// at returns log P(θ).
func (p *periodic) at(theta float64) float64 {
	place := theta * liftPotential / (2 * math.Pi)
	place -= liftPotential * math.Floor(place/liftPotential)
	i := min(int(place), liftPotential-1)
	return hermite(p.value, p.slope, 2*math.Pi/liftPotential, i, place-float64(i))
}

// step returns the spacing of the sum over t at the width τ.
func (p *periodic) step(tau float64) float64 { return min(liftStep, 0.4/(tau*p.sharpest+1e-9)) }

// tabulate sets row to the table of u at the width τ.
func (p *periodic) tabulate(row []float64, tau float64) {
	step := p.step(tau)
	half := int(liftWindow / step)
	weights := make([]float64, 2*half+1)
	spacing := 2 * math.Pi / liftNodes
	// u is odd around 0 and π.
	for i := range liftNodes/2 + 1 {
		x, top := spacing*float64(i), math.Inf(-1)
		for j := range weights {
			t := step * float64(j-half)
			weights[j] = p.at(x+tau*t) - t*t/2
			top = max(top, weights[j])
		}
		var m0, m1, m2 float64
		for j, e := range weights {
			t, w := step*float64(j-half), math.Exp(e-top)
			m0, m1, m2 = m0+w, m1+w*t, m2+w*t*t
		}
		m1, m2 = m1/m0, m2/m0
		u, du := m1/tau, (m2-m1*m1-1)/(tau*tau)
		mirror := (liftNodes - i) % liftNodes
		setNode(row, i, u, du*spacing)
		setNode(row, mirror, -u, du*spacing)
	}
}

// setNode sets u and its derivative at a node, which the rows before and after it hold.
func setNode(row []float64, i int, u, du float64) {
	before := (i + liftNodes - 1) % liftNodes
	row[i*liftRow], row[i*liftRow+1] = u, du
	row[before*liftRow+2], row[before*liftRow+3] = u, du
}
