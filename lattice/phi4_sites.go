package lattice

import "math"

// UpdateRow makes local Metropolis updates at the sites first, first+stride, … of the
// row along the last dimension that ends before site end. At each site it takes the
// next hits elements {s, e} of draws, and with each of them replaces φ_x by
// φ_x + width·s if that changes S by less than e. With s of a symmetric distribution
// and exponential e of mean 1 this is the algorithm of Metropolis. It returns the
// number of replacements and the change of S.
//
// What one site sees of the action is
//
//	S_x(v) = v²(1-2λ + λv²) - v·2κ Σ_{±μ} φ(x±μ̂),
//
// so that only the new value and the sum of the neighbours enter.
func (a *Phi4) UpdateRow(phi []float64, first, end, stride int, width float64, hits int, draws [][2]float64) (accepted int, delta float64) {
	if n := a.lat.dims[a.lat.Dim()-1]; a.lat.Dim() == 2 && a.lat.dims[0] > 1 && n > 1 {
		down, up := a.rows(phi, 0, end-n, n)
		return a.updatePlaneRow(phi[end-n:end], up, down, first-(end-n), stride, width, hits, draws)
	}
	for x := first; x < end; x += stride {
		v, n, d := updateNumber(phi[x], 2*a.kappa*a.lat.neighbours(phi, x), a.mass, a.lambda, width, draws[:hits])
		phi[x] = v
		draws = draws[hits:]
		accepted += n
		delta += d
	}
	return accepted, delta
}

// updateNumber makes Metropolis updates of a number v of which the action sees
// v²(m + lv²) - hv. The outcome of an update is chosen by conditional moves, since half
// of the proposals are rejected, which no branch predictor foresees.
func updateNumber(v, h, m, l, width float64, draws [][2]float64) (w float64, accepted int, delta float64) {
	first := v * (v*(m+l*v*v) - h)
	old := first
	for _, r := range draws {
		w := v + width*r[0]
		trial := w * (w*(m+l*w*w) - h)
		vb, wb := math.Float64bits(v), math.Float64bits(w)
		ob, tb := math.Float64bits(old), math.Float64bits(trial)
		n := 0
		if trial-old < r[1] {
			vb, ob, n = wb, tb, 1
		}
		v, old = math.Float64frombits(vb), math.Float64frombits(ob)
		accepted += n
	}
	return v, accepted, old - first
}

// updatePlaneRow is UpdateRow for a row with the rows before and after it. It has
// updateNumber in its loop: the call would cost a fifth of the time.
func (a *Phi4) updatePlaneRow(row, up, down []float64, start, stride int, width float64, hits int, draws [][2]float64) (accepted int, delta float64) {
	up, down = up[:len(row)], down[:len(row)]
	m, l, kappa2 := a.mass, a.lambda, 2*a.kappa
	next := 0
	for x := start; x < len(row); x += stride {
		left, right := x-1, x+1
		if left < 0 {
			left = len(row) - 1
		}
		if right == len(row) {
			right = 0
		}
		h := kappa2 * (row[left] + row[right] + up[x] + down[x])
		v := row[x]
		first := v * (v*(m+l*v*v) - h)
		old := first
		for _, r := range draws[next : next+hits] {
			w := v + width*r[0]
			trial := w * (w*(m+l*w*w) - h)
			vb, wb := math.Float64bits(v), math.Float64bits(w)
			ob, tb := math.Float64bits(old), math.Float64bits(trial)
			n := 0
			if trial-old < r[1] {
				vb, ob, n = wb, tb, 1
			}
			v, old = math.Float64frombits(vb), math.Float64frombits(ob)
			accepted += n
		}
		next += hits
		row[x] = v
		delta += old - first
	}
	return accepted, delta
}

// Reflect returns the reflection w = 2c(h) - v of the value v of a site about an
// approximate minimum c of its potential V(v) - hv, where h = 2κ Σ_{±μ} φ(x±μ̂) over the
// neighbours that are other sites, and the change of V(v) - hv. The point c depends on
// h alone, so that the reflection is its own inverse.
func (a *Phi4) Reflect(v, h float64) (w, delta float64) {
	w = 2*a.centre(h) - v
	p, q := v*v, w*w
	return w, (q-p)*(a.mass+a.lambda*(q+p)) - h*(w-v)
}

// centre approximates the minimum of v²(mass + λv²) - hv on the side of h by Newton's
// method from a point beyond it, from where it converges monotonically. The last
// step is a few per cent, its square the error: enough for a good acceptance.
func (a *Phi4) centre(h float64) float64 {
	switch {
	case a.lambda == 0:
		return h / (2 * a.mass)
	case h == 0 && a.mass >= 0:
		return 0
	}
	var v float64
	if a.mass > 0 {
		v = h / (2 * a.mass)
	} else {
		v = math.Cbrt(h/(4*a.lambda)) + math.Copysign(a.well, h)
	}
	for range 16 {
		q := 4 * a.lambda * v * v
		next := (2*q*v + h) / (2*a.mass + 3*q)
		close := math.Abs(next-v) <= math.Abs(v)/32
		v = next
		if close {
			break
		}
	}
	return v
}
