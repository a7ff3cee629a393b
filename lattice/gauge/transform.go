package gauge

import "math/rand/v2"

// Transform makes the gauge transformation U_µ(x) → e^{iα(x)} U_µ(x) e^{-iα(x+µ̂)},
//
//	φ_µ(x) → φ_µ(x) + α(x) - α(x+µ̂),
//
// in place, with one angle α(x) for every site, and wraps the links.
func (l *Links) Transform(links, alpha []float64) {
	l.mustFit(links)
	mustLength("gauge angles", alpha, l.layout.Volume())
	for mu := range l.layout.Dim() {
		a, f := l.layout.Component(links, mu), l.layout.Forward(mu)
		for x, v := range a {
			a[x] = Wrap(v + alpha[x] - alpha[f[x]])
		}
	}
}

// RandomGauge makes a gauge transformation whose angles are independent and uniform in
// (-π, π]. The links of a fixed gauge become those of the theory, whose gauge is uniform.
// alpha is memory for V angles; nil is allocated.
func (l *Links) RandomGauge(rng *rand.Rand, links, alpha []float64) {
	if alpha == nil {
		alpha = make([]float64, l.layout.Volume())
	}
	uniform(rng, alpha)
	l.Transform(links, alpha)
}

// TreeGauge writes the angles α of the transformation to the gauge of a maximal tree into
// dst and returns it: after [Links.Transform] the V-1 links of the tree vanish. α is 0 at the
// origin. The tree has the links of direction µ at the sites whose coordinates in all
// directions before µ vanish, but for the last link of a line: in two dimensions all of
// direction 0 that do not wrap around, and those of direction 1 at x₀ = 0. A nil dst is
// allocated.
func (l *Links) TreeGauge(dst, links []float64) []float64 {
	l.mustFit(links)
	v := l.layout.Volume()
	if dst == nil {
		dst = make([]float64, v)
	}
	mustLength("gauge angles", dst, v)
	dst[0] = 0
	for x := 1; x < v; x++ {
		// The parent of x is one step back in the first direction whose coordinate is not
		// zero; its index is smaller.
		mu := 0
		for l.coordinate(x, mu) == 0 {
			mu++
		}
		parent := l.layout.Backward(mu)[x]
		dst[x] = dst[parent] + l.layout.Component(links, mu)[parent]
	}
	return dst
}

// coordinate returns coordinate mu of site x.
func (l *Links) coordinate(x, mu int) int {
	for nu := l.layout.Dim() - 1; nu > mu; nu-- {
		x /= l.layout.Extent(nu)
	}
	return x % l.layout.Extent(mu)
}
