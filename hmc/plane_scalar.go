package hmc

// scalarLoops run everywhere and for every extent.
var scalarLoops = loops{"scalar", kickDriftScalar, kickScalar, energyScalar}

// step returns a K at a site with value v and neighbours that add up to sum.
func (c couplings) step(v, sum float64) float64 {
	return c.hop*sum - v*(c.mass+c.quartic*(v*v))
}

func kickDriftScalar(p *plane, c couplings, drift float64) {
	for i := range p.rows {
		mid, up, down := p.neighbours(i)
		pi := p.pi[i*p.cols:][:len(mid)]
		out := p.next[i*p.cols:][:len(mid)]
		left, v := mid[len(mid)-1], mid[0]
		// The loop runs over the right neighbours, of which the last is the first site.
		for x, right := range mid[1:] {
			q := pi[x] + c.step(v, left+right+(up[x]+down[x]))
			pi[x] = q
			out[x] = v + drift*q
			left, v = v, right
		}
		x := len(mid) - 1
		q := pi[x] + c.step(v, left+mid[0]+(up[x]+down[x]))
		pi[x] = q
		out[x] = v + drift*q
	}
}

func kickScalar(p *plane, c couplings) {
	for i := range p.rows {
		mid, up, down := p.neighbours(i)
		pi := p.pi[i*p.cols:][:len(mid)]
		left, v := mid[len(mid)-1], mid[0]
		for x, right := range mid[1:] {
			pi[x] += c.step(v, left+right+(up[x]+down[x]))
			left, v = v, right
		}
		x := len(mid) - 1
		pi[x] += c.step(v, left+mid[0]+(up[x]+down[x]))
	}
}

func energyScalar(p *plane) (pi2, hop, phi2, phi4 float64) {
	for i := range p.rows {
		mid, _, down := p.neighbours(i)
		pi := p.pi[i*p.cols:][:len(mid)]
		left := mid[len(mid)-1]
		for x, v := range mid {
			pi2 += pi[x] * pi[x]
			hop += v * (left + down[x])
			q := v * v
			phi2 += q
			phi4 += q * q
			left = v
		}
	}
	return pi2, hop, phi2, phi4
}
