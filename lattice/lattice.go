package lattice

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	// maxVolume bounds the number of sites so that site indices fit an int32 and, where
	// an int has 32 bits, the bytes of a field an int.
	maxVolume = min(1<<30, math.MaxInt/8)
	// maxDim bounds the number of dimensions so that NumPy, which has 32, can hold an
	// ensemble of fields of several components. It is no bound on extents above 1.
	maxDim = 30
)

// Lattice is a periodic hypercubic lattice with any number of dimensions and any
// extent per dimension. It is immutable and safe for concurrent use.
type Lattice struct {
	dims    []int
	strides []int
	volume  int
	// fwd[mu*volume+x] is the site x + μ̂, bwd[mu*volume+x] the site x - μ̂.
	fwd, bwd []int32
}

// New returns the periodic lattice with the given extents, outermost dimension
// first. An extent of 1 makes a site its own neighbour; an extent of 2 gives two
// links between the same pair of sites, as the sum in (4.2) implies.
// It returns an error if there is no extent or more than 30, if one is below 1, or if
// the volume exceeds 2³⁰ sites, fewer where an int has 32 bits.
func New(dims ...int) (*Lattice, error) {
	l, err := newLattice(dims)
	if err != nil {
		return nil, fmt.Errorf("lattice: %w", err)
	}
	return l, nil
}

func newLattice(dims []int) (*Lattice, error) {
	volume, err := checkDims(dims)
	if err != nil {
		return nil, err
	}
	l := &Lattice{
		dims:    slices.Clone(dims),
		strides: make([]int, len(dims)),
		volume:  volume,
		fwd:     make([]int32, len(dims)*volume),
		bwd:     make([]int32, len(dims)*volume),
	}
	stride := 1
	for mu := len(dims) - 1; mu >= 0; mu-- {
		l.strides[mu] = stride
		n := dims[mu]
		for x := range volume {
			c := x / stride % n
			base := x - c*stride
			l.fwd[mu*volume+x] = int32(base + (c+1)%n*stride)
			l.bwd[mu*volume+x] = int32(base + (c+n-1)%n*stride)
		}
		stride *= n
	}
	return l, nil
}

// checkDims returns the volume, or an error for extents that make no lattice.
func checkDims(dims []int) (int, error) {
	if len(dims) == 0 {
		return 0, fmt.Errorf("expected at least one extent, got none")
	}
	if len(dims) > maxDim {
		return 0, fmt.Errorf("expected at most %d extents, got %d", maxDim, len(dims))
	}
	// The tables of neighbours have len(dims) entries per site.
	most := min(maxVolume, math.MaxInt/8/len(dims))
	volume := 1
	for _, n := range dims {
		if n < 1 {
			return 0, fmt.Errorf("expected positive extents, got %s", FormatDims(dims))
		}
		if n > most/volume {
			return 0, fmt.Errorf("expected at most %d sites, got %s", most, FormatDims(dims))
		}
		volume *= n
	}
	return volume, nil
}

// Dim returns the number of dimensions d.
func (l *Lattice) Dim() int { return len(l.dims) }

// Dims returns a copy of the extents, outermost dimension first.
func (l *Lattice) Dims() []int { return slices.Clone(l.dims) }

// Extent returns the extent of dimension mu, 0 ≤ mu < Dim.
func (l *Lattice) Extent(mu int) int { return l.dims[mu] }

// Volume returns the number of sites V.
func (l *Lattice) Volume() int { return l.volume }

// Forward returns the table of forward neighbours in direction mu: entry x is the
// site x + μ̂. The caller must not modify it.
func (l *Lattice) Forward(mu int) []int32 { return l.fwd[mu*l.volume : (mu+1)*l.volume] }

// Backward returns the table of backward neighbours in direction mu: entry x is
// the site x - μ̂. The caller must not modify it.
func (l *Lattice) Backward(mu int) []int32 { return l.bwd[mu*l.volume : (mu+1)*l.volume] }

// Index returns the site with the given coordinates, which are taken modulo the
// extents. It panics unless there are Dim coordinates.
func (l *Lattice) Index(coord ...int) int {
	if len(coord) != len(l.dims) {
		panic("lattice: wrong number of coordinates")
	}
	x := 0
	for mu, c := range coord {
		n := l.dims[mu]
		x += ((c%n + n) % n) * l.strides[mu]
	}
	return x
}

// Coord writes the coordinates of site x into dst and returns it. A nil dst is
// allocated; otherwise its length must be Dim. It panics unless 0 ≤ x < Volume.
func (l *Lattice) Coord(dst []int, x int) []int {
	if dst == nil {
		dst = make([]int, len(l.dims))
	} else if len(dst) != len(l.dims) {
		panic("lattice: wrong number of coordinates")
	}
	if x < 0 || x >= l.volume {
		panic("lattice: site out of range")
	}
	for mu := range l.dims {
		dst[mu] = x / l.strides[mu] % l.dims[mu]
	}
	return dst
}

// Equal reports whether both lattices have the same extents in the same order.
func (l *Lattice) Equal(m *Lattice) bool { return slices.Equal(l.dims, m.dims) }

// String returns the extents in the form "32x32".
func (l *Lattice) String() string { return FormatDims(l.dims) }

// FormatDims returns extents in the form "32x32", the inverse of [ParseDims].
func FormatDims(dims []int) string {
	s := make([]string, len(dims))
	for i, n := range dims {
		s[i] = strconv.Itoa(n)
	}
	return strings.Join(s, "x")
}

// ParseDims parses extents of the form "32x32" (or "16" in one dimension). It
// returns an error for malformed text and for extents that [New] would refuse.
func ParseDims(s string) ([]int, error) {
	fields := strings.Split(s, "x")
	dims := make([]int, len(fields))
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		if err != nil || strings.HasPrefix(f, "+") {
			return nil, fmt.Errorf("lattice: expected extents such as 32x32, got %q", s)
		}
		dims[i] = n
	}
	if _, err := checkDims(dims); err != nil {
		return nil, fmt.Errorf("lattice: %w", err)
	}
	return dims, nil
}
