package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// rowSweep is the Metropolis sweep of a [RowAction]. The random numbers of a row are
// drawn first, one 64-bit word a proposal, which keeps calls out of the loop of the
// updates.
type rowSweep struct {
	action RowAction
	hits   int
	// size, volume and n are the numbers of a field, of a component and of a row.
	size, volume, n int
	// odd is the parity of the first site of every row of the lattice, nil if sites are
	// visited in sequence.
	odd   []int
	draws [][2]float64
}

func newRowSweep(action RowAction, hits int) (*rowSweep, error) {
	l := action.Layout()
	s := &rowSweep{action: action, hits: hits, size: l.Size(), volume: l.Volume(), n: l.Extent(l.Dim() - 1)}
	if checkerboard(l.Lattice) != nil {
		coord := make([]int, l.Dim())
		for x := 0; x < l.Volume(); x += s.n {
			s.odd = append(s.odd, parity(l.Lattice, coord, x))
		}
	}
	count := s.n
	if s.odd != nil {
		count /= 2
	}
	s.draws = make([][2]float64, count*hits)
	return s, s.check()
}

// sweep visits every number once: the even sites before the odd ones or all in their
// order, by rows, and by components within a row.
func (s *rowSweep) sweep(rng *rand.Rand, phi []float64, width float64) (accepted int, delta float64) {
	passes, stride := 1, 1
	if s.odd != nil {
		passes, stride = 2, 2
	}
	for pass := range passes {
		for row, base := 0, 0; base < s.volume; row, base = row+1, base+s.n {
			first := 0
			if s.odd != nil {
				first = s.odd[row] ^ pass
			}
			for i := base; i < s.size; i += s.volume {
				drawMetropolis(rng, s.draws)
				n, d := s.action.UpdateRow(phi, i+first, i+s.n, stride, width, s.hits, s.draws)
				accepted += n
				delta += d
			}
		}
	}
	return accepted, delta
}

// check compares a sweep over a random field with Value. They
// differ where the method belongs to an action that another one embeds and adds to.
func (s *rowSweep) check() error {
	rng := rand.New(rand.NewPCG(1, 0x726f77))
	before := make([]float64, s.size)
	value := randomField(rng, s.action, before, 1)
	after := slices.Clone(before)
	_, delta := s.sweep(rng, after, 0.5)
	want := s.action.Value(after) - value
	if !(math.Abs(delta-want) <= 1e-9*(math.Abs(value)+float64(s.size))) {
		return fmt.Errorf("mcmc: expected updates of the rows of %T that change S by %v, got %v: are they those of an embedded action?", s.action, want, delta)
	}
	return nil
}

// drawMetropolis draws one word a proposal {shift, exponential}: a number of the
// symmetric uniform distribution on (-1, 1), and an exponential variate of mean 1. 28
// bits make the shift, 28 the exponential variate, and 8 choose its layer.
func drawMetropolis(rng *rand.Rand, draws [][2]float64) {
	for n := range draws {
		u := rng.Uint64()
		i, j := u&255, uint32(u>>8)&(1<<zigBits-1)
		e := (float64(j) + 0.5) * zigW[i]
		if j >= zigK[i] {
			e = zigSlow(rng, i, e)
		}
		// The top bits are a signed integer; the half makes the distribution symmetric.
		shift := float64(int64(u)>>(64-zigBits)) + 0.5
		draws[n] = [2]float64{shift * (1.0 / (1 << (zigBits - 1))), e}
	}
}
