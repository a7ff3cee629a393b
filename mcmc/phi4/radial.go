package phi4

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// radial is the weight r^k exp(-m r² - λ r⁴) on r > 0.
type radial struct{ k, m, lambda float64 }

// peak returns the square y of the position of the maximum, 4λy² + 2my = k.
func (w radial) peak() float64 {
	root := math.Sqrt(w.m*w.m + 4*w.lambda*w.k)
	if w.m > 0 {
		return w.k / (w.m + root)
	}
	if w.lambda == 0 {
		return 0
	}
	return (root - w.m) / (4 * w.lambda)
}

// least returns -log of the maximum.
func (w radial) least() float64 {
	y := w.peak()
	s := y * (w.m + w.lambda*y)
	if w.k > 0 {
		s -= w.k / 2 * math.Log(y)
	}
	return s
}

// drop returns by how much -log of the weight at r² = y is above its minimum.
func (w radial) drop(y float64) float64 {
	p := w.peak()
	if p == 0 {
		return y * (w.m + w.lambda*y)
	}
	// With m from the condition for the maximum, no large terms cancel.
	d := y - p
	s := w.lambda * d * d
	if w.k > 0 {
		s += w.k / 2 * (d/p - math.Log1p(d/p))
	}
	return s
}

// interval returns the r between which the weight is above e^{-cut} of its maximum.
func (w radial) interval(cut float64) (lo, hi float64) {
	p := w.peak()
	in, out := p, 2*p+1
	for w.drop(out) < cut {
		in, out = out, 2*out
	}
	hi = math.Sqrt(w.edge(cut, in, out))
	if w.drop(0) > cut {
		lo = math.Sqrt(w.edge(cut, p, 0))
	}
	return lo, hi
}

// edge returns the r² between in and out where the weight is e^{-cut} of its maximum.
func (w radial) edge(cut, in, out float64) float64 {
	for range 60 {
		if mid := in + (out-in)/2; w.drop(mid) < cut {
			in = mid
		} else {
			out = mid
		}
	}
	return out
}

// gauss returns the nodes and weights of the Gauss–Legendre rule on [lo, hi].
func gauss(n int, lo, hi float64) (x, w []float64) {
	x, w = make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(x, w, lo, hi)
	return x, w
}

// refine calls f with more and more nodes until two consecutive sets of values agree
// within tol, or most is exceeded. f leaves its results where the caller finds them.
func refine(what string, first, most int, tol float64, f func(nodes int) ([]float64, error)) error {
	var last []float64
	for n := first; n <= most; n += n / 2 {
		v, err := f(n)
		if err != nil {
			return err
		}
		if last != nil && converged(last, v, tol) {
			return nil
		}
		last = v
	}
	return fmt.Errorf("phi4: expected %s to converge with %d nodes, got differences above %g: the couplings are too extreme", what, most, tol)
}
