package mcmc

import (
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// phi4Sweep is the Metropolis sweep of φ⁴ in two dimensions, with the part of
// the action that one site sees,
//
//	S_x(v) = v²(1-2λ + λv²) - v·2κ Σ_{±μ} φ(x±μ̂).
//
// Only the new value and the sum of the neighbours enter. The random numbers of a
// row are drawn first, one 64-bit word a proposal, which keeps calls out of the loop
// of the updates; and the outcome of an update is chosen by conditional moves, since
// half of the proposals are rejected, which no branch predictor foresees.
type phi4Sweep struct {
	rows, cols   int
	kappa2, m, l float64
	checkerboard bool
	draws        []metropolisDraw
}

// metropolisDraw is the randomness of one proposal: a number of the symmetric
// uniform distribution on (-1, 1), and an exponential variate.
type metropolisDraw struct{ shift, exponential float64 }

// newPhi4Sweep returns nil unless the lattice has two dimensions of extent at
// least 2; a site of an extent of 1 is its own neighbour.
func newPhi4Sweep(a *lattice.Phi4, hits int) *phi4Sweep {
	lat := a.Layout().Lattice
	if lat.Dim() != 2 || lat.Extent(0) < 2 || lat.Extent(1) < 2 {
		return nil
	}
	rows, cols := lat.Extent(0), lat.Extent(1)
	s := &phi4Sweep{
		rows: rows, cols: cols,
		kappa2: 2 * a.Kappa(), m: 1 - 2*a.Lambda(), l: a.Lambda(),
		checkerboard: rows%2 == 0 && cols%2 == 0,
	}
	if s.checkerboard {
		cols /= 2
	}
	s.draws = make([]metropolisDraw, cols*hits)
	return s
}

func (s *phi4Sweep) sweep(rng *rand.Rand, phi []float64, width float64, hits int) (accepted int, delta float64) {
	passes, stride := 1, 1
	if s.checkerboard {
		passes, stride = 2, 2
	}
	for parity := range passes {
		for i := range s.rows {
			up, down := i-1, i+1
			if up < 0 {
				up = s.rows - 1
			}
			if down == s.rows {
				down = 0
			}
			start := 0
			if s.checkerboard {
				start = (i + parity) & 1
			}
			drawMetropolis(rng, s.draws)
			n, d := s.row(s.slice(phi, i), s.slice(phi, up), s.slice(phi, down), start, stride, width, hits)
			accepted += n
			delta += d
		}
	}
	return accepted, delta
}

func (s *phi4Sweep) slice(phi []float64, i int) []float64 { return phi[i*s.cols : (i+1)*s.cols] }

// drawMetropolis draws one word a proposal: 28 bits make the shift, 28 the
// exponential variate, and 8 choose its layer.
func drawMetropolis(rng *rand.Rand, draws []metropolisDraw) {
	for n := range draws {
		u := rng.Uint64()
		i, j := u&255, uint32(u>>8)&(1<<zigBits-1)
		e := (float64(j) + 0.5) * zigW[i]
		if j >= zigK[i] {
			e = zigSlow(rng, i, e)
		}
		// The top bits are a signed integer; the half makes the distribution symmetric.
		shift := float64(int64(u)>>(64-zigBits)) + 0.5
		draws[n] = metropolisDraw{shift * (1.0 / (1 << (zigBits - 1))), e}
	}
}

func (s *phi4Sweep) row(row, up, down []float64, start, stride int, width float64, hits int) (accepted int, delta float64) {
	up, down = up[:len(row)], down[:len(row)]
	draws, m, l, kappa2 := s.draws, s.m, s.l, s.kappa2
	next := 0
	for x := start; x < len(row); x += stride {
		left, right := x-1, x+1
		if left < 0 {
			left = len(row) - 1
		}
		if right == len(row) {
			right = 0
		}
		h := kappa2 * (row[left] + row[right] + up[x] + down[x])
		v := row[x]
		first := v * (v*(m+l*v*v) - h)
		old := first
		for _, r := range draws[next : next+hits] {
			w := v + width*r.shift
			trial := w * (w*(m+l*w*w) - h)
			vb, wb := math.Float64bits(v), math.Float64bits(w)
			ob, tb := math.Float64bits(old), math.Float64bits(trial)
			n := 0
			if trial-old < r.exponential {
				vb, ob, n = wb, tb, 1
			}
			v, old = math.Float64frombits(vb), math.Float64frombits(ob)
			accepted += n
		}
		next += hits
		row[x] = v
		delta += old - first
	}
	return accepted, delta
}
