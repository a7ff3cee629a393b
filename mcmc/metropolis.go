package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// MetropolisConfig configures [NewMetropolis]. The zero value is a good choice.
type MetropolisConfig struct {
	// Width is the half width w of the proposal φ_x + w·U(-1, 1), the start value
	// if the width is tuned; 0 means 1.
	Width float64
	// Hits is the number of proposals for a number before going to the next; 0 means 2.
	Hits int
	// Acceptance is the fraction of accepted proposals that the width is tuned to;
	// 0 means 0.5.
	Acceptance float64
}

// RowAction is an action that has a loop of its own for local Metropolis updates, which
// saves the calls that [lattice.LocalAction] takes for every number.
type RowAction interface {
	lattice.LocalAction
	// UpdateRow updates the numbers i = first, first+stride, … of the row along the
	// last dimension that ends before number end, one after the other. For each it
	// takes the next hits elements {s, e} of draws, in (-1, 1) and (0, ∞), and with
	// each of them replaces φ_i by φ_i + width·s if that changes S by less than e. It
	// returns the number of replacements and the change of S.
	UpdateRow(phi []float64, first, end, stride int, width float64, hits int, draws [][2]float64) (accepted int, delta float64)
}

// Metropolis is the local algorithm of N. Metropolis et al., J. Chem. Phys. 21
// (1953) 1087: one step proposes Hits new values of each number of the field
// in turn. If the extents of the lattice are all even, the sites are visited in
// checkerboard order, first those with an even sum of coordinates, then the odd
// ones; otherwise in sequence. Both orders leave exp(-S) invariant.
//
// The loop over a row is the action's own if it is a [RowAction].
//
// While adaptation is on (see [Adaptive]) each step moves the width towards the
// configured acceptance by a Robbins–Monro recursion; the width is saved with the
// state of a chain.
type Metropolis struct {
	tuner
	action lattice.LocalAction
	order  []int32
	layout lattice.Layout
	hits   int
	rows   *rowSweep
}

var (
	_ Stateful = (*Metropolis)(nil)
	_ Adaptive = (*Metropolis)(nil)
)

// NewMetropolis returns the local Metropolis kernel of action. It returns an
// error if there is no action, if Width or Hits is negative or Width not finite, if
// Acceptance is outside [0, 1), or if Difference, or the updates of a [RowAction],
// contradict Value.
func NewMetropolis(action lattice.LocalAction, cfg MetropolisConfig) (*Metropolis, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: Metropolis: %w", err)
	}
	switch {
	case cfg.Hits < 0:
		return nil, fmt.Errorf("mcmc: expected a number of Metropolis hits ≥ 0, got %d", cfg.Hits)
	}
	width, err := newTuner("Metropolis width", cfg.Width, 1, cfg.Acceptance, 0.5)
	if err != nil {
		return nil, err
	}
	m := &Metropolis{tuner: width, action: action, layout: action.Layout(), hits: cfg.Hits}
	if m.hits == 0 {
		m.hits = 2
	}
	if row, ok := action.(RowAction); ok {
		m.rows, err = newRowSweep(row, m.hits)
		return m, err
	}
	m.order = checkerboard(action.Layout().Lattice)
	return m, checkDifference(action)
}

// Width returns the half width of the proposals.
func (m *Metropolis) Width() float64 { return m.value }

// Step visits every number of the field once. It returns an error if phi does not have
// the size of the layout.
func (m *Metropolis) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != m.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", m.layout.Size(), len(phi))
	}
	var accepted int
	var delta float64
	switch {
	case m.rows != nil:
		accepted, delta = m.rows.sweep(rng, phi, m.value)
	case m.order != nil:
		for _, x := range m.order {
			for i := int(x); i < len(phi); i += m.layout.Volume() {
				n, d := m.number(rng, phi, i)
				accepted += n
				delta += d
			}
		}
	default:
		for i := range phi {
			n, d := m.number(rng, phi, i)
			accepted += n
			delta += d
		}
	}
	p := float64(accepted) / float64(len(phi)*m.hits)
	m.observe(p)
	return Info{Accepted: accepted > 0, AcceptProb: p, DeltaH: delta}, nil
}

// number makes the hits on number i of the field.
func (m *Metropolis) number(rng *rand.Rand, phi []float64, i int) (accepted int, delta float64) {
	for range m.hits {
		v := phi[i] + m.value*(2*rng.Float64()-1)
		// A NaN compares false and is rejected.
		if d := m.action.Difference(phi, i, v); d < rng.ExpFloat64() {
			phi[i] = v
			accepted++
			delta += d
		}
	}
	return accepted, delta
}

// checkDifference compares Difference with Value at a few numbers of random fields. They
// differ where the method belongs to an action that another one embeds and adds to.
func checkDifference(action lattice.LocalAction) error {
	rng := rand.New(rand.NewPCG(1, 0x64696666))
	phi := make([]float64, action.Layout().Size())
	for range 2 {
		before := randomField(rng, action, phi, 1)
		for range 4 {
			i := rng.IntN(len(phi))
			old := phi[i]
			v := old + 0.1*rng.NormFloat64()
			got := action.Difference(phi, i, v)
			phi[i] = v
			want := action.Value(phi) - before
			phi[i] = old
			if finite(want) && !(math.Abs(got-want) <= 1e-9*(math.Abs(before)+float64(len(phi)))) {
				return fmt.Errorf("mcmc: expected a Difference of %T that agrees with its Value, %v, got %v: is it that of an embedded action?", action, want, got)
			}
		}
	}
	return nil
}

// randomField fills phi with Gaussian numbers of the given size about half of it, closer
// to 0 where their action is not finite, and returns their action.
func randomField(rng *rand.Rand, action lattice.Action, phi []float64, size float64) float64 {
	for i := range phi {
		phi[i] = size * (rng.NormFloat64() + 0.5)
	}
	reduce(action, phi)
	return action.Value(phi)
}

// checkerboard returns the sites in the order even, odd, or nil if an extent is
// odd: a site may then have a neighbour of its own parity.
func checkerboard(lat *lattice.Lattice) []int32 {
	for mu := range lat.Dim() {
		if lat.Extent(mu)%2 != 0 {
			return nil
		}
	}
	order := make([]int32, 0, lat.Volume())
	coord := make([]int, lat.Dim())
	for odd := range 2 {
		for x := range lat.Volume() {
			if parity(lat, coord, x) == odd {
				order = append(order, int32(x))
			}
		}
	}
	return order
}

// siteOrder returns all sites, in checkerboard order where the lattice has one.
func siteOrder(lat *lattice.Lattice) []int32 {
	order := checkerboard(lat)
	if order == nil {
		for x := range lat.Volume() {
			order = append(order, int32(x))
		}
	}
	return order
}

// parity returns the sum of the coordinates of x modulo 2, with coord as memory.
func parity(lat *lattice.Lattice, coord []int, x int) int {
	sum := 0
	for _, c := range lat.Coord(coord, x) {
		sum += c
	}
	return sum % 2
}
