package hollow

import (
	"fmt"
	"math"
	"slices"
)

// orbits returns the transfer functions E_o(k) = Σ_{y∈o} Π_µ cos(k_µ y_µ) of the indicator
// functions of the orbits o of non-zero displacements y, |y_µ| ≤ reach, under
// reflections and the permutations of directions of the same class, all of them if
// classes is nil; one row per orbit, laid out like a field on a lattice of these extents.
// Orbits are ordered, and their number depends on reach and the classes only. A displacement that reaches further than half-way
// around the lattice is left out: no orbit contains a translation by zero.
func orbits(dims []int, reach int, classes []int) (rows [][]float64) {
	index, cosines := map[string]int{}, cosinesOf(dims)
	y := make([]int, len(dims))
	var visit func(mu int)
	visit = func(mu int) {
		if mu < len(dims) {
			for y[mu] = -reach; y[mu] <= reach; y[mu]++ {
				visit(mu + 1)
			}
			return
		}
		key := make([]int, len(y))
		inside, zero := true, true
		for nu, v := range y {
			key[nu] = max(v, -v)
			inside = inside && 2*key[nu] <= dims[nu]
			zero = zero && v == 0
		}
		if zero {
			return
		}
		name := fmt.Sprint(sorted(key, classes))
		o, ok := index[name]
		if !ok {
			o = len(rows)
			index[name] = o
			rows = append(rows, make([]float64, volume(dims)))
		}
		if inside {
			addPlaneWave(rows[o], dims, y, cosines)
		}
	}
	visit(0)
	return rows
}

// sorted returns the values of key in each class in increasing order.
func sorted(key, classes []int) [][]int {
	groups := make([][]int, len(key))
	for mu, v := range key {
		class := 0
		if classes != nil {
			class = classes[mu]
		}
		groups[class] = append(groups[class], v)
	}
	for _, g := range groups {
		slices.Sort(g)
	}
	return groups
}

// addPlaneWave adds Π_µ cos(k_µ y_µ) to a function of k; cosines holds those of an axis by
// its extent.
func addPlaneWave(row []float64, dims, y []int, cosines map[int][]float64) {
	for i := range row {
		rest := i
		wave := 1.0
		for mu := len(dims) - 1; mu >= 0; mu-- {
			k := rest % dims[mu]
			rest /= dims[mu]
			wave *= cosines[dims[mu]][k*max(y[mu], -y[mu])%dims[mu]]
		}
		row[i] += wave
	}
}

// cosinesOf returns cos(2πj/n), 0 ≤ j < n, for all extents n: cos(k y) at the wave number k =
// 2πi/n is that of j = iy modulo n, which also keeps the digits that large angles lose.
func cosinesOf(dims []int) map[int][]float64 {
	table := make(map[int][]float64)
	for _, n := range dims {
		row := make([]float64, n)
		for j := range row {
			row[j] = math.Cos(2 * math.Pi * float64(j) / float64(n))
		}
		table[n] = row
	}
	return table
}

func volume(dims []int) int {
	v := 1
	for _, n := range dims {
		v *= n
	}
	return v
}
