package flow

import "github.com/latdiff/latdiff/lattice"

// A hierarchical colouring of the torus assigns to every site a number in binary digits;
// with n digits there are 2^n colours, and every further digit splits all classes in
// two. Digits come in generations: generation h looks at bit h of every coordinate.
// The first digit is the parity of the sum of these bits, further ones are the bits
// themselves but the last, which follows. In two dimensions the first digit makes the
// checkerboard, two make four cosets of the even sites, and so on: the shortest
// distance within a class is √2, 2, 2√2, 4, …, √colours.
//
// A direction takes part in generation h if its extent is a multiple of 2^(h+1): the
// colouring then closes around the torus.

// digits returns the binary digits of the colour of the site with coordinates x, as many
// as the lattice has.
func digits(lat *lattice.Lattice, x []int) []int {
	var out []int
	active := make([]int, 0, lat.Dim())
	for h := 0; ; h++ {
		active = active[:0]
		for mu, n := range lat.Dims() {
			if n%(2<<h) == 0 {
				active = append(active, mu)
			}
		}
		if len(active) == 0 {
			return out
		}
		sum := 0
		for _, mu := range active {
			sum += x[mu] >> h & 1
		}
		out = append(out, sum%2)
		for _, mu := range active[:len(active)-1] {
			out = append(out, x[mu]>>h&1)
		}
	}
}

// maxColours returns the largest number of colours: the product of the powers of two
// in the extents.
func maxColours(lat *lattice.Lattice) int { return 1 << len(digits(lat, make([]int, lat.Dim()))) }

func validColours(lat *lattice.Lattice, n int) bool {
	return n > 0 && n&(n-1) == 0 && n <= maxColours(lat)
}

// colouring returns the colour, 0 … n-1, of every site; n must be valid.
func colouring(lat *lattice.Lattice, n int) []int {
	out := make([]int, lat.Volume())
	x := make([]int, lat.Dim())
	for site := range out {
		lat.Coord(x, site)
		for i, d := range digits(lat, x) {
			if 1<<i < n {
				out[site] |= d << i
			}
		}
	}
	return out
}
