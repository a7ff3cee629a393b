package stats

import (
	"fmt"
	"math"
)

// Replica is the series of an observable on one chain that was measured at some of its steps.
type Replica struct {
	// Steps are the numbers of the steps, ascending; nil means 1, 2, 3, …
	Steps []int
	// Values are the measurements, one for each of Steps.
	Values []float64
}

// maxSteps bounds the length of a chain in units of the spacing, which is what memory is
// taken for.
const maxSteps = 1 << 26

// GammaMethodSteps is [GammaMethod] for chains that were measured with gaps, or at different
// strides: the autocorrelation function is that of the steps, in units of Spacing, the greatest
// common divisor of all distances between measurements,
//
//	Γ(t) = Σ_pairs (a_i - ā)(a_{i+t} - ā) / (number of pairs at the distance t),
//
// over the pairs of which both were measured, which is what the Python package pyerrors does
// (Joswig, Kuberski, Kuhlmann, Neuendorf, arXiv:2209.14371). Tau, its error and Rho are in units
// of Spacing. The error of the mean takes into account that with gaps fewer pairs contribute
// to it,
//
//	σ² = C(0)/N [1 + 2 Σ_{t≤W} c(t) ρ(t)],
//
// with c(t) the number of pairs over Σ_r N_r(1 - t/L_r), N_r measurements in a chain of L_r
// units. Without gaps c = 1; where a fraction f was measured at random c = f, and
// 2τ_int C(0)/N, the error of pyerrors, is too large: √2 times for f = 1/2 and large τ_int.
// The error of τ_int is 2 s/√f √(|W + 1/2 - τ|/N), with 1/2 + Σ c(t)ρ(t) for s, where complete
// series have 2τ √(|W + 1/2 - τ|/N), and that of the error has f/N for 1/N; RhoError is that of N
// entries without gaps.
//
// Errors are those of [GammaMethod], and an error for steps that do not ascend or are not as
// many as the values, for chains longer than 2²⁶ units, and if no two measurements have a
// distance that Γ has to be known at, such as 1 for chains with the strides 2 and 3.
func GammaMethodSteps(replicas []Replica, cfg GammaConfig) (GammaResult, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return undefinedGamma(), err
	}
	values, err := checkReplicas(replicas)
	if err != nil {
		return undefinedGamma(), err
	}
	c := centre(values...)
	spacing, longest := spacingOf(replicas)
	if longest > maxSteps {
		return undefinedGamma(), fmt.Errorf("stats: expected chains of at most %d steps in units of their spacing %d, got %d", maxSteps, spacing, longest)
	}
	return cfg.estimate(c, newStepGrid(c.dev, replicas, spacing), spacing, longest)
}

// checkReplicas returns the values of all replicas.
func checkReplicas(replicas []Replica) ([][]float64, error) {
	if len(replicas) == 0 {
		return nil, ErrEmpty
	}
	values := make([][]float64, len(replicas))
	for r, x := range replicas {
		if err := checkSeries(x.Values); err != nil {
			return nil, fmt.Errorf("%w (replica %d)", err, r)
		}
		if x.Steps != nil && len(x.Steps) != len(x.Values) {
			return nil, fmt.Errorf("stats: expected a step for each of %d values of replica %d, got %d", len(x.Values), r, len(x.Steps))
		}
		for i := 1; i < len(x.Steps); i++ {
			if x.Steps[i] <= x.Steps[i-1] {
				return nil, fmt.Errorf("stats: expected ascending steps in replica %d, got %d after %d", r, x.Steps[i], x.Steps[i-1])
			}
		}
		if n := len(x.Steps); n > 0 && x.Steps[n-1]-x.Steps[0] < 0 {
			return nil, fmt.Errorf("stats: expected steps whose distance an int holds in replica %d, got %d and %d", r, x.Steps[0], x.Steps[n-1])
		}
		values[r] = x.Values
	}
	return values, nil
}

// spacingOf returns the greatest common divisor of the distances between the steps of all
// replicas, 1 if there are none, and the length of the longest replica in units of it.
func spacingOf(replicas []Replica) (spacing, longest int) {
	span := 0
	for _, r := range replicas {
		n := len(r.Values)
		if r.Steps == nil {
			if n > 1 {
				spacing = 1
			}
			span = max(span, n-1)
			continue
		}
		for i := 1; i < n; i++ {
			spacing = gcd(spacing, r.Steps[i]-r.Steps[i-1])
		}
		span = max(span, r.Steps[n-1]-r.Steps[0])
	}
	spacing = max(spacing, 1)
	return spacing, span/spacing + 1
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// stepGrid holds deviations at equal distances of steps, zero where nothing was measured.
type stepGrid struct {
	dev [][]float64
	// present is 1 where something was measured; nil means everywhere.
	present [][]float64
	// measured are the numbers of measurements in the replicas.
	measured []int
}

// newStepGrid returns nil if there are no gaps.
func newStepGrid(dev [][]float64, replicas []Replica, spacing int) *stepGrid {
	g := &stepGrid{}
	gaps := false
	for r, x := range replicas {
		n := len(x.Values)
		length := n
		if x.Steps != nil {
			length = (x.Steps[n-1]-x.Steps[0])/spacing + 1
		}
		gaps = gaps || length != n
		d, p := make([]float64, length), make([]float64, length)
		for i, v := range dev[r] {
			at := i
			if x.Steps != nil {
				at = (x.Steps[i] - x.Steps[0]) / spacing
			}
			d[at], p[at] = v, 1
		}
		g.dev, g.present, g.measured = append(g.dev, d), append(g.present, p), append(g.measured, n)
	}
	if !gaps {
		return nil
	}
	return g
}

// covariances returns Γ(t), t = 0 … tmax, zero where there is no pair.
func (g *stepGrid) covariances(tmax int) []float64 {
	if g.present == nil {
		return covariances(g.dev, tmax)
	}
	gamma := make([]float64, tmax+1)
	productSums(gamma, g.dev)
	for t, n := range g.pairs(tmax) {
		gamma[t] /= max(n, 1)
	}
	return gamma
}

// pairs returns the number of measurements at the distance t, t = 0 … tmax.
func (g *stepGrid) pairs(tmax int) []float64 {
	n := make([]float64, tmax+1)
	productSums(n, g.present)
	for t := range n {
		// Fourier transforms leave rounding errors.
		n[t] = math.Round(n[t])
	}
	return n
}

// fraction returns the part of the steps that was measured.
func (g *stepGrid) fraction() float64 {
	if g.present == nil {
		return 1
	}
	measured, steps := 0, 0
	for r, n := range g.measured {
		measured += n
		steps += len(g.dev[r])
	}
	return float64(measured) / float64(steps)
}

// coverage returns c(t), t = 0 … tmax: the number of pairs over what it would be if the
// neighbours of every measurement were measured.
func (g *stepGrid) coverage(tmax int) []float64 {
	c := g.pairs(tmax)
	for t := range c {
		all := 0.0
		for r, d := range g.dev {
			all += float64(g.measured[r]) * max(1-float64(t)/float64(len(d)), 0)
		}
		if all > 0 {
			c[t] /= all
		}
	}
	return c
}
