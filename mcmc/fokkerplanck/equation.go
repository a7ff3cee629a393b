package fokkerplanck

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

const (
	panicLength = "fokkerplanck: slice length does not match the number of cells"
	panicMode   = "fokkerplanck: mode number out of range"
)

// Config configures [New]. Lo and Hi are required.
type Config struct {
	// Lo and Hi are the ends of the interval. They are to lie where e^{-S/α} and the
	// densities of interest vanish; S - min S ≈ 40α is far enough and loses no precision.
	Lo, Hi float64
	// Cells is the number of cells; 0 means 400. The cost of a time step is linear in it
	// and that of the spectrum cubic.
	Cells int
	// Alpha is the diffusion constant α of (2.3); 0 means 1, the convention of field
	// theory.
	Alpha float64
}

// Equation is the Fokker–Planck equation of an action on a grid. It is immutable and
// safe for concurrent use.
type Equation struct {
	phi   []float64
	step  float64
	alpha float64
	// right[i] and left[i] are the rates of the hops i → i+1 and i+1 → i, out[i] the
	// total rate away from i: dP_i/dτ = right_{i-1} P_{i-1} + left_i P_{i+1} - out_i P_i.
	right, left, out []float64
	// delta[i] is (S_{i+1} - S_i)/α.
	delta []float64
	equil []float64
}

// New returns the Fokker–Planck equation (2.6) of action, of which the value for a single
// variable is used. The flux between neighbouring cells is that of J. S. Chang and
// G. Cooper (J. Comp. Phys. 6 (1970) 1): exact for a drift that is constant between
// them. It returns an error if action is nil, unless Lo < Hi are finite, there are at
// least 3 cells and α is positive, or if S is not finite on the grid.
func New(action lattice.Action, cfg Config) (*Equation, error) {
	if cfg.Cells == 0 {
		cfg.Cells = 400
	}
	if cfg.Alpha == 0 {
		cfg.Alpha = 1
	}
	switch {
	case action == nil:
		return nil, fmt.Errorf("fokkerplanck: expected an action, got nil")
	case !(cfg.Lo < cfg.Hi) || math.IsInf(cfg.Hi-cfg.Lo, 0):
		return nil, fmt.Errorf("fokkerplanck: expected a finite interval, got %v to %v", cfg.Lo, cfg.Hi)
	case cfg.Cells < 3:
		return nil, fmt.Errorf("fokkerplanck: expected at least 3 cells, got %d", cfg.Cells)
	case !(cfg.Alpha > 0) || math.IsInf(cfg.Alpha, 0):
		return nil, fmt.Errorf("fokkerplanck: expected a positive finite diffusion constant α, got %v", cfg.Alpha)
	}
	n := cfg.Cells
	e := &Equation{
		phi: make([]float64, n), step: (cfg.Hi - cfg.Lo) / float64(n), alpha: cfg.Alpha,
		right: make([]float64, n-1), left: make([]float64, n-1), out: make([]float64, n),
		delta: make([]float64, n-1), equil: make([]float64, n),
	}
	s := make([]float64, n)
	for i := range s {
		e.phi[i] = cfg.Lo + (float64(i)+0.5)*e.step
		s[i] = action.Value(e.phi[i:i+1]) / e.alpha
		if math.IsNaN(s[i]) || math.IsInf(s[i], 0) {
			return nil, fmt.Errorf("fokkerplanck: expected a finite action, got S = %v at φ = %v", s[i]*e.alpha, e.phi[i])
		}
	}
	unit := e.alpha / (e.step * e.step)
	for i := range e.right {
		e.delta[i] = s[i+1] - s[i]
		e.right[i], e.left[i] = unit*bernoulli(e.delta[i]), unit*bernoulli(-e.delta[i])
		e.out[i] += e.right[i]
		e.out[i+1] += e.left[i]
	}
	e.equilibrium(s)
	return e, nil
}

// bernoulli returns x/(e^x - 1), whose ratio at x and -x is e^{-x}: detailed balance.
func bernoulli(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x / math.Expm1(x)
}

func (e *Equation) equilibrium(s []float64) {
	least := math.Inf(1)
	for _, v := range s {
		least = min(least, v)
	}
	sum := 0.0
	for i, v := range s {
		e.equil[i] = math.Exp(least - v)
		sum += e.equil[i]
	}
	for i := range e.equil {
		e.equil[i] /= sum * e.step
	}
}

// Cells returns the number of cells.
func (e *Equation) Cells() int { return len(e.phi) }

// Step returns the width of a cell.
func (e *Equation) Step() float64 { return e.step }

// Points writes the middles of the cells into dst and returns it. A nil dst is
// allocated; otherwise its length must be the number of cells.
func (e *Equation) Points(dst []float64) []float64 {
	dst = e.grow(dst)
	copy(dst, e.phi)
	return dst
}

// Equilibrium writes the density (2.8), e^{-S/α} normalised on the grid, into dst and
// returns it. A nil dst is allocated; otherwise its length must be the number of cells.
func (e *Equation) Equilibrium(dst []float64) []float64 {
	dst = e.grow(dst)
	copy(dst, e.equil)
	return dst
}

// Gaussian writes the density of N(mean, sd²), normalised on the grid, into dst and
// returns it. It returns an error if the width sd is below that of a cell, or if more
// than 1e-9 of the probability lies outside the interval. A nil dst is allocated;
// otherwise its length must be the number of cells.
func (e *Equation) Gaussian(dst []float64, mean, sd float64) ([]float64, error) {
	if !(sd >= e.step) || math.IsInf(sd, 0) {
		return nil, fmt.Errorf("fokkerplanck: expected a width of at least one cell of %.3g, got %v", e.step, sd)
	}
	lo, hi := e.phi[0]-e.step/2, e.phi[len(e.phi)-1]+e.step/2
	outside := (math.Erfc((mean-lo)/(math.Sqrt2*sd)) + math.Erfc((hi-mean)/(math.Sqrt2*sd))) / 2
	if !(outside < 1e-9) {
		return nil, fmt.Errorf("fokkerplanck: expected a density between %.3g and %.3g, got %v ± %v", lo, hi, mean, sd)
	}
	dst = e.grow(dst)
	sum := 0.0
	for i, x := range e.phi {
		u := (x - mean) / sd
		dst[i] = math.Exp(-u * u / 2)
		sum += dst[i]
	}
	for i := range dst {
		dst[i] /= sum * e.step
	}
	return dst, nil
}

// Mean returns ⟨O⟩ = ∫ O(φ) P(φ) dφ (2.7) of a density p.
func (e *Equation) Mean(p []float64, o func(phi float64) float64) float64 {
	if len(p) != len(e.phi) {
		panic(panicLength)
	}
	sum := 0.0
	for i, x := range e.phi {
		sum += o(x) * p[i]
	}
	return sum * e.step
}

func (e *Equation) grow(dst []float64) []float64 {
	if dst == nil {
		return make([]float64, len(e.phi))
	}
	if len(dst) != len(e.phi) {
		panic(panicLength)
	}
	return dst
}
