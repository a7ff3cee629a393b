package lattice

// neighbours returns Σ_{±μ} φ(x±μ̂) of a field of one component over the neighbours
// that are other sites: the link of an extent of one joins a site to itself.
func (l *Lattice) neighbours(phi []float64, x int) float64 {
	sum := 0.0
	for mu, n := range l.dims {
		if n > 1 {
			sum += phi[l.fwd[mu*l.volume+x]] + phi[l.bwd[mu*l.volume+x]]
		}
	}
	return sum
}

// selfLinks returns the number of links of a site that join it to itself.
func (l *Lattice) selfLinks() int {
	self := 0
	for _, n := range l.dims {
		if n == 1 {
			self++
		}
	}
	return self
}

// addNeighbours adds factor·Σ_{±μ} φ(x±μ̂), with the neighbours that are the site itself,
// to dst.
func (l *Lattice) addNeighbours(dst, phi []float64, factor float64) {
	for mu := range l.dims {
		fwd, bwd := l.Forward(mu), l.Backward(mu)
		for x := range dst {
			dst[x] += factor * (phi[fwd[x]] + phi[bwd[x]])
		}
	}
}
