package schwinger

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice/gauge"
)

// Marginal is the fermion weight of lifted plaquettes, (det D)² averaged over the two holonomies,
// by a sum over a square grid of them that is shifted at random:
//
//	ŵ(θ) = (1/n²) Σ_jk det D(θ, h₀ + 2πj/n, h₁ + 2πk/n)²,  h₀, h₁ uniform in (-π, π].
//
// ŵ is an estimate without bias, and a chain that keeps it with the state, and as the
// holonomies of a state one of those of the grid, drawn with their weights, is exact (the
// pseudo-marginal chain of C. Andrieu and G. O. Roberts, Ann. Statist. 37 (2009) 697). The
// determinant is a smooth periodic function of the holonomies, which a grid of a few points
// integrates well. It is safe for concurrent use.
type Marginal struct {
	lift  *gauge.Lift
	dirac *Dirac
	grid  int
}

// DefaultGrid is the default of n.
const DefaultGrid = 4

// NewMarginal returns the weight for grids of n² holonomies; zero stands for [DefaultGrid]. It
// returns an error for a lift and an operator that are missing or of different lattices, and for
// n < 0.
func NewMarginal(lift *gauge.Lift, dirac *Dirac, n int) (*Marginal, error) {
	switch {
	case lift == nil || dirac == nil:
		return nil, fmt.Errorf("schwinger: expected a lift and a Dirac operator, got %v and %v", lift, dirac)
	case !lift.Torus().Layout().Equal(dirac.layout):
		return nil, fmt.Errorf("schwinger: expected a lift and a Dirac operator of one lattice, got %v and %v", lift.Layout(), dirac.layout)
	case n < 0:
		return nil, fmt.Errorf("schwinger: expected a grid of holonomies, got n = %d", n)
	}
	if n == 0 {
		n = DefaultGrid
	}
	return &Marginal{lift, dirac, n}, nil
}

// Draw writes links with the lifted plaquettes theta, in the gauge of the tree of
// [gauge.Torus.FromPlaquettes], into dst, and returns them with log ŵ. Their holonomies are those
// of a point of the grid, drawn by its weight. The errors are those of [gauge.Lift.Links]. A nil
// dst is allocated.
func (m *Marginal) Draw(rng *rand.Rand, dst, theta []float64) (links []float64, logWeight float64, err error) {
	if dst, err = m.lift.Links(rng, dst, theta); err != nil {
		return dst, 0, err
	}
	torus := m.lift.Torus()
	plaquettes := torus.Plaquettes(nil, dst)
	h0, h1 := torus.Holonomies(dst)
	n := m.grid
	logs, top := make([]float64, n*n), math.Inf(-1)
	at := func(i int) ([]float64, error) {
		step := 2 * math.Pi / float64(n)
		return torus.FromPlaquettes(dst, plaquettes, h0+step*float64(i/n), h1+step*float64(i%n))
	}
	for i := range logs {
		if dst, err = at(i); err != nil {
			return dst, 0, err
		}
		logDet, _ := m.dirac.LogDet(dst)
		logs[i] = 2 * logDet
		top = math.Max(top, logs[i])
	}
	sum := 0.0
	for i, l := range logs {
		logs[i] = math.Exp(l - top)
		sum += logs[i]
	}
	chosen, u := len(logs)-1, sum*rng.Float64()
	for i, w := range logs {
		if u -= w; u < 0 {
			chosen = i
			break
		}
	}
	dst, err = at(chosen)
	return dst, top + math.Log(sum/float64(n*n)), err
}
