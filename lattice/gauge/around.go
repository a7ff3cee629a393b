package gauge

import "iter"

// Around returns the angles θ_p of the 2(d-1) plaquettes with link i, component i/V of site
// i mod V, not wrapped, with the sign ±1 of the link in each. In directions of extent 1 the
// link appears twice in the same plaquette, with both signs, and they are left out.
func (l *Links) Around(links []float64, i int) iter.Seq2[float64, float64] {
	return func(yield func(theta, sign float64) bool) {
		v := l.layout.Volume()
		mu, x := i/v, int32(i%v)
		a, fmu := l.layout.Component(links, mu), l.layout.Forward(mu)
		for nu := range l.layout.Dim() {
			if nu == mu || l.layout.Extent(nu) == 1 {
				continue
			}
			b, fnu := l.layout.Component(links, nu), l.layout.Forward(nu)
			// θ_µν up to its sign, which s does not see: the plaquettes in front of the link
			// and behind it.
			y := l.layout.Backward(nu)[x]
			if !yield(a[x]+b[fmu[x]]-a[fnu[x]]-b[x], 1) ||
				!yield(a[y]+b[fmu[y]]-a[x]-b[y], -1) {
				return
			}
		}
	}
}
