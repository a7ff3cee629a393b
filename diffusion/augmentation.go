package diffusion

import (
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/latdiff/latdiff/lattice"
)

// transformation is a symmetry of an action: a translation, a sign, and a linear map of
// the components.
type transformation struct {
	// origin is the site that becomes site 0.
	origin int
	sign   float64
	// mix is an orthogonal matrix of the components, row by row; nil: none.
	mix []float64
}

// augmentation draws a symmetry of the action, as far as the symmetries are known. A model
// with a spectrum is invariant under translations, whatever the action.
func (m *Model) augmentation(rng *rand.Rand) transformation {
	t := transformation{sign: 1}
	s := m.cfg.Symmetries
	if m.spectrum != nil || s != nil && s.Translation {
		t.origin = rng.IntN(m.layout.Volume())
	}
	if s == nil {
		return t
	}
	if s.Sign && rng.Uint64()&1 == 1 {
		t.sign = -1
	}
	switch {
	case s.Rotation:
		t.mix = rotation(rng, m.layout.Components)
	case s.Permutation:
		t.mix = permutation(rng, m.layout.Components)
		flip(rng, t.mix, s.Signs)
	case slices.Contains(s.Signs, true):
		t.mix = identity(m.layout.Components)
		flip(rng, t.mix, s.Signs)
	}
	return t
}

func identity(n int) []float64 {
	q := make([]float64, n*n)
	for i := range n {
		q[i*n+i] = 1
	}
	return q
}

// flip changes the signs of rows at random where signs allows it.
func flip(rng *rand.Rand, q []float64, signs []bool) {
	n := len(signs)
	for c, allowed := range signs {
		if allowed && rng.Uint64()&1 == 1 {
			floats.Scale(-1, q[c*n:(c+1)*n])
		}
	}
}

// rotation draws an orthogonal matrix from the invariant measure: the Gram–Schmidt
// orthogonalisation of n Gaussian vectors.
func rotation(rng *rand.Rand, n int) []float64 {
	q := make([]float64, n*n)
	for i := range n {
		row := q[i*n : (i+1)*n]
		for j := range row {
			row[j] = rng.NormFloat64()
		}
		for k := range i {
			before := q[k*n : (k+1)*n]
			overlap := floats.Dot(row, before)
			for j := range row {
				row[j] -= overlap * before[j]
			}
		}
		floats.Scale(1/floats.Norm(row, 2), row)
	}
	return q
}

// permutation draws a permutation of n components as a matrix.
func permutation(rng *rand.Rand, n int) []float64 {
	p := make([]float64, n*n)
	for i, j := range rng.Perm(n) {
		p[i*n+j] = 1
	}
	return p
}

// apply writes the image of src into dst.
func (t transformation) apply(l lattice.Layout, dst []float32, src []float64) {
	v := l.Volume()
	if t.mix == nil {
		for c := range l.Components {
			translate(l.Lattice, dst[c*v:(c+1)*v], l.Component(src, c), t.origin, t.sign)
		}
		return
	}
	mixed := make([]float64, v)
	for c := range l.Components {
		clear(mixed)
		for from := range l.Components {
			if w := t.mix[c*l.Components+from]; w != 0 {
				for x, f := range l.Component(src, from) {
					mixed[x] += w * f
				}
			}
		}
		translate(l.Lattice, dst[c*v:(c+1)*v], mixed, t.origin, t.sign)
	}
}

// translate writes sign times src, translated so that its site origin becomes the
// site 0, into dst.
func translate(lat *lattice.Lattice, dst []float32, src []float64, origin int, sign float64) {
	last := lat.Dim() - 1
	n := lat.Extent(last)
	shift, row := lat.Coord(nil, origin), make([]int, lat.Dim())
	cut := shift[last]
	for r := range lat.Volume() / n {
		lat.Coord(row, r*n)
		for mu := range row {
			row[mu] += shift[mu]
		}
		row[last] = 0
		from := src[lat.Index(row...):][:n]
		to := dst[r*n : (r+1)*n]
		for x := range n {
			to[x] = float32(sign * from[(x+cut)%n])
		}
	}
}
