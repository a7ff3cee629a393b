package lattice

import "github.com/latdiff/latdiff/internal/plane"

// Kick does π ← π + a K(φ) with the drift K of [Phi4.Drift] in one pass: a momentum
// update of molecular dynamics. It panics unless pi and phi have V elements.
func (a *Phi4) Kick(pi, phi []float64, step float64) {
	a.check(phi)
	a.check(pi)
	if a.loops != nil {
		a.loops.Kick(pi, phi, a.lat.dims[1], a.couplings(step))
		return
	}
	n := a.lat.dims[a.lat.Dim()-1]
	for base := 0; base < len(phi); base += n {
		a.kickRow(pi, phi, base, n, step)
	}
}

// KickDrift does π ← π + a K(φ) and next ← φ + b π in one pass: a momentum and a field
// update with unit masses. It panics unless all have V elements; next must overlap
// neither phi nor pi.
func (a *Phi4) KickDrift(next, pi, phi []float64, kick, drift float64) {
	a.check(phi)
	a.check(pi)
	a.check(next)
	if a.loops != nil {
		a.loops.KickDrift(next, pi, phi, a.lat.dims[1], a.couplings(kick), drift)
		return
	}
	n := a.lat.dims[a.lat.Dim()-1]
	for base := 0; base < len(phi); base += n {
		a.kickRow(pi, phi, base, n, kick)
		row := phi[base : base+n]
		p, out := pi[base:][:len(row)], next[base:][:len(row)]
		for x, v := range row {
			out[x] = v + drift*p[x]
		}
	}
}

// Energy returns ½ Σ π² + S(φ) in one pass. It panics unless both have V elements.
func (a *Phi4) Energy(pi, phi []float64) float64 {
	a.check(phi)
	a.check(pi)
	if a.loops != nil {
		pi2, hop, phi2, phi4 := a.loops.Energy(pi, phi, a.lat.dims[1])
		return pi2/2 - 2*a.kappa*hop + (1-2*a.lambda)*phi2 + a.lambda*phi4
	}
	pi2 := 0.0
	for _, p := range pi {
		pi2 += p * p
	}
	return pi2/2 + a.Value(phi)
}

// couplings returns the coefficients of step·K(φ).
func (a *Phi4) couplings(step float64) plane.Couplings {
	return plane.Couplings{Hop: 2 * step * a.kappa, Mass: 2 * step * (1 - 2*a.lambda), Quartic: 4 * step * a.lambda}
}

// kickRow is Kick for the row of length n that starts at site base.
func (a *Phi4) kickRow(pi, phi []float64, base, n int, step float64) {
	c := a.couplings(step)
	row := phi[base : base+n]
	p := pi[base:][:len(row)]
	left := row[n-1]
	for x, v := range row {
		right := row[0]
		if x+1 < len(row) {
			right = row[x+1]
		}
		p[x] += c.Hop*(left+right) - v*(c.Mass+c.Quartic*v*v)
		left = v
	}
	for mu := range a.lat.Dim() - 1 {
		next, prev := a.rows(phi, mu, base, n)
		for x := range p {
			p[x] += c.Hop * (next[x] + prev[x])
		}
	}
}
