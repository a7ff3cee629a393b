package stats

import (
	"fmt"
	"math"
)

// TwoSided compares the log-weights log w = -S - log q of configurations drawn from q with
// those of configurations of the theory p ∝ exp(-S). The former alone say nothing about
// regions that q never visits: there the weights of the theory's own configurations are
// large. For Gaussian log-weights both have the same standard deviation s, and their means
// differ by s².
type TwoSided struct {
	// SDDrawn and SDTheory are the standard deviations of both.
	SDDrawn, SDTheory Estimate
	// Shift is ⟨log w⟩_p - ⟨log w⟩_q, never negative up to its error: it is the sum of the
	// divergences KL(p‖q) and KL(q‖p).
	Shift Estimate
	// ESSDrawn is the effective sample size over N of the draws, and ESSTheory the same as
	// the configurations of the theory see it, 1/(⟨w⟩_p ⟨1/w⟩_p).
	ESSDrawn, ESSTheory float64
	// Largest is the largest log w of the theory's configurations above that of the draws:
	// far above zero where q has a hole.
	Largest float64
}

// Check returns an error that says what is wrong if q does not cover the theory, as far as
// these configurations tell. With s the standard deviation of the draws, that of the theory
// may be 1.5 s and Shift 1.5 s², each up to three of its errors; ESSTheory at least half of
// ESSDrawn; Largest at most s² + 5s, five standard deviations of Gaussian log-weights.
func (t TwoSided) Check() error {
	const factor, errors, reach, half = 1.5, 3, 5, 0.5
	s := t.SDDrawn.Value
	switch v := s * s; {
	case t.SDTheory.Value > factor*s+errors*math.Hypot(t.SDTheory.Error, factor*t.SDDrawn.Error):
		return fmt.Errorf("stats: expected log-weights of the theory that spread like those of the draws, sd(log w) = %v, got %v", t.SDDrawn, t.SDTheory)
	case t.Shift.Value > factor*v+errors*math.Hypot(t.Shift.Error, 2*factor*s*t.SDDrawn.Error):
		return fmt.Errorf("stats: expected a mean log-weight of the theory above that of the draws by about their variance %.3g, got %v", v, t.Shift)
	case t.ESSTheory < half*t.ESSDrawn:
		return fmt.Errorf("stats: expected an effective sample size near the %.3g of the draws, got %.3g as the theory sees it", t.ESSDrawn, t.ESSTheory)
	case t.Largest > v+reach*s:
		return fmt.Errorf("stats: expected log-weights of the theory within %.3g of the largest of the draws, got one that is %.3g above: the draws hardly go there", v+reach*s, t.Largest)
	}
	return nil
}

// CompareLogWeights compares log-weights of draws from q with those of independent
// configurations of the theory. It returns an error for fewer than two of either, and for
// one that is not finite: of a draw that failed the weight is zero, and it is to be left
// out; of a configuration of the theory it says that q does not reach it.
func CompareLogWeights(drawn, theory []float64) (TwoSided, error) {
	var t TwoSided
	for i, x := range [][]float64{drawn, theory} {
		name := []string{"draws", "the theory"}[i]
		if len(x) < 2 {
			return t, fmt.Errorf("stats: expected at least two log-weights of %s, got %d", name, len(x))
		}
		if err := checkSeries(x); err != nil {
			return t, fmt.Errorf("%w (log-weights of %s)", err, name)
		}
	}
	q, p := momentsOf(drawn), momentsOf(theory)
	t.SDDrawn, t.SDTheory = q.sd(), p.sd()
	var err error
	if t.ESSDrawn, err = LogWeightESS(drawn); err != nil {
		return t, err
	}
	t.Shift = Estimate{Value: p.mean - q.mean, Error: math.Sqrt(q.variance/q.n + p.variance/p.n)}
	up, down := 0.0, 0.0
	for _, w := range theory {
		up += math.Exp(w-p.largest) / p.n
		down += math.Exp(p.least-w) / p.n
	}
	t.ESSTheory = math.Exp(p.least-p.largest) / (up * down)
	t.Largest = p.largest - q.largest
	return t, nil
}

// moments are the moments of independent numbers.
type moments struct {
	n, mean, variance, fourth, least, largest float64
}

func momentsOf(x []float64) moments {
	m := moments{n: float64(len(x)), least: math.Inf(1), largest: math.Inf(-1)}
	for _, v := range x {
		m.mean += v / m.n
		m.least, m.largest = math.Min(m.least, v), math.Max(m.largest, v)
	}
	for _, v := range x {
		d := (v - m.mean) * (v - m.mean)
		m.variance += d / (m.n - 1)
		m.fourth += d * d / m.n
	}
	return m
}

// sd returns the standard deviation with its error, √((µ₄ - σ⁴)/n)/2σ.
func (m moments) sd() Estimate {
	if m.variance == 0 {
		return Estimate{}
	}
	spread := math.Max(0, m.fourth-m.variance*m.variance)
	sd := math.Sqrt(m.variance)
	return Estimate{Value: sd, Error: math.Sqrt(spread/m.n) / (2 * sd)}
}
