package plane

// scalarLoops run everywhere and for every extent.
var scalarLoops = Loops{"scalar", kickDriftScalar, kickScalar, energyScalar}

// step returns a K at a site with value v and neighbours that add up to sum.
func (c Couplings) step(v, sum float64) float64 {
	return c.Hop*sum - v*(c.Mass+c.Quartic*(v*v))
}

func kickDriftScalar(next, pi, phi []float64, cols int, c Couplings, drift float64) {
	for o := 0; o < len(phi); o += cols {
		mid, up, down := neighbours(phi, o, cols)
		p := pi[o:][:len(mid)]
		out := next[o:][:len(mid)]
		left, v := mid[len(mid)-1], mid[0]
		// The loop runs over the right neighbours, of which the last is the first site.
		for x, right := range mid[1:] {
			q := p[x] + c.step(v, left+right+(up[x]+down[x]))
			p[x] = q
			out[x] = v + drift*q
			left, v = v, right
		}
		x := len(mid) - 1
		q := p[x] + c.step(v, left+mid[0]+(up[x]+down[x]))
		p[x] = q
		out[x] = v + drift*q
	}
}

func kickScalar(pi, phi []float64, cols int, c Couplings) {
	for o := 0; o < len(phi); o += cols {
		mid, up, down := neighbours(phi, o, cols)
		p := pi[o:][:len(mid)]
		left, v := mid[len(mid)-1], mid[0]
		for x, right := range mid[1:] {
			p[x] += c.step(v, left+right+(up[x]+down[x]))
			left, v = v, right
		}
		x := len(mid) - 1
		p[x] += c.step(v, left+mid[0]+(up[x]+down[x]))
	}
}

func energyScalar(pi, phi []float64, cols int) (pi2, hop, phi2, phi4 float64) {
	for o := 0; o < len(phi); o += cols {
		mid, _, down := neighbours(phi, o, cols)
		p := pi[o:][:len(mid)]
		left := mid[len(mid)-1]
		for x, v := range mid {
			pi2 += p[x] * p[x]
			hop += v * (left + down[x])
			q := v * v
			phi2 += q
			phi4 += q * q
			left = v
		}
	}
	return pi2, hop, phi2, phi4
}
