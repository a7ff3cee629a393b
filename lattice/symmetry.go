package lattice

// Orbits sorts sites, or displacements or momenta, into the orbits of the point group
// of the lattice: the reflections x_μ → -x_μ and the exchanges of dimensions of equal
// extent (D4 on a square). Element x of the result is the number of the orbit of site
// x, counted from 0 in the order of first appearance; n is the number of orbits.
func (l *Lattice) Orbits() (orbit []int, n int) {
	orbit = make([]int, l.volume)
	first := make(map[int]int) // the representative's site → number of the orbit
	coord := make([]int, l.Dim())
	for x := range orbit {
		l.Coord(coord, x)
		for mu, c := range coord {
			coord[mu] = min(c, l.dims[mu]-c)
		}
		l.sortEqualExtents(coord)
		rep := l.Index(coord...)
		k, ok := first[rep]
		if !ok {
			k = len(first)
			first[rep] = k
		}
		orbit[x] = k
	}
	return orbit, len(first)
}

// sortEqualExtents sorts the coordinates of every set of dimensions of equal extent.
func (l *Lattice) sortEqualExtents(coord []int) {
	for mu, n := range l.dims {
		least := mu
		for nu := mu + 1; nu < len(coord); nu++ {
			if l.dims[nu] == n && coord[nu] < coord[least] {
				least = nu
			}
		}
		coord[mu], coord[least] = coord[least], coord[mu]
	}
}

// Symmetrize writes the mean of f over each of the [Lattice.Orbits] into dst and
// returns it: the part of f that is invariant under the point group. f is a function
// of displacements or momenta laid out like a field, such as a two-point function or
// a power spectrum; its symmetric part estimates the same expectation value with a
// smaller error. A nil dst is allocated; otherwise its length must be V. dst may be f.
func (l *Lattice) Symmetrize(dst, f []float64) []float64 {
	if len(f) != l.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	dst = grow(dst, len(f))
	orbit, n := l.Orbits()
	sum, size := make([]float64, n), make([]float64, n)
	for x, k := range orbit {
		sum[k] += f[x]
		size[k]++
	}
	for x, k := range orbit {
		dst[x] = sum[k] / size[k]
	}
	return dst
}

// SymmetrizeReflections writes the mean of f over the reflections x_μ → -x_μ of every
// direction into dst and returns it, as [Lattice.Symmetrize] does for the whole point group. A
// nil dst is allocated; otherwise its length must be V. dst may be f.
func (l *Lattice) SymmetrizeReflections(dst, f []float64) []float64 {
	if len(f) != l.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	dst = grow(dst, len(f))
	copy(dst, f)
	for mu := range l.dims {
		image := l.Reflect(nil, dst, mu)
		for x, v := range image {
			dst[x] = (dst[x] + v) / 2
		}
	}
	return dst
}

// Translate writes φ'(x) = φ(x-a) into dst and returns it. a has Dim components. A nil
// dst is allocated; otherwise its length must be V and it must not overlap phi.
func (l *Lattice) Translate(dst, phi []float64, a ...int) []float64 {
	if len(a) != l.Dim() {
		panic("lattice: wrong number of coordinates")
	}
	return l.permute(dst, phi, func(coord []int) {
		for mu := range coord {
			coord[mu] -= a[mu]
		}
	})
}

// Reflect writes φ'(x) = φ(x with x_μ → -x_μ) into dst and returns it. A nil dst is
// allocated; otherwise its length must be V and it must not overlap phi.
func (l *Lattice) Reflect(dst, phi []float64, mu int) []float64 {
	return l.permute(dst, phi, func(coord []int) { coord[mu] = -coord[mu] })
}

// Exchange writes φ'(x) = φ(x with x_μ ↔ x_ν) into dst and returns it. It panics
// unless both dimensions have the same extent. A nil dst is allocated; otherwise its
// length must be V and it must not overlap phi.
func (l *Lattice) Exchange(dst, phi []float64, mu, nu int) []float64 {
	if l.dims[mu] != l.dims[nu] {
		panic("lattice: exchange of dimensions of different extent")
	}
	return l.permute(dst, phi, func(coord []int) { coord[mu], coord[nu] = coord[nu], coord[mu] })
}

// permute writes φ'(x) = φ(move x) into dst.
func (l *Lattice) permute(dst, phi []float64, move func(coord []int)) []float64 {
	if len(phi) != l.volume {
		panic("lattice: field length does not match the lattice volume")
	}
	dst = grow(dst, len(phi))
	coord := make([]int, l.Dim())
	for x := range dst {
		l.Coord(coord, x)
		move(coord)
		dst[x] = phi[l.Index(coord...)]
	}
	return dst
}
