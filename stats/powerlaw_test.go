package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

// Fits to noisy power laws: exponents and crossing have the spread that their errors say.
func TestPowerLaw(t *testing.T) {
	x := []float64{16, 32, 64, 128}
	rng := rand.New(rand.NewPCG(1, 2))
	const runs, noise = 400, 0.05
	noisy := func(a, p float64) stats.PowerLaw {
		y := make([]stats.Estimate, len(x))
		for i := range x {
			exact := a * math.Pow(x[i], p)
			v := exact * math.Exp(noise*rng.NormFloat64())
			y[i] = stats.Estimate{Value: v, Error: noise * v}
		}
		f, err := stats.FitPowerLaw(x, y)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var exponent, amplitude, middle, crossing, chi2 float64
	for range runs {
		p, q := noisy(2, 1.5), noisy(0.1, 2.5)
		exponent += math.Pow(p.Exponent.Pull(1.5), 2) / runs
		amplitude += math.Pow(p.LogAmplitude.Pull(math.Log(2)), 2) / runs
		middle += math.Pow(p.At(100).Pull(2000), 2) / runs
		c, ok := p.Crossing(q)
		if !ok {
			t.Fatal("no crossing")
		}
		crossing += math.Pow(c.Pull(20), 2) / runs
		chi2 += p.Chi2 / runs
	}
	// A mean of 400 squares has a standard deviation of √(2/400), χ² of 2 degrees one of 2/√400.
	bound := 5 * math.Sqrt(2./runs)
	for name, v := range map[string]float64{"exponent": exponent, "amplitude": amplitude, "value": middle, "crossing": crossing} {
		if math.Abs(v-1) > bound {
			t.Errorf("%s: mean squared pull %v, bound 1 ± %v", name, v, bound)
		}
	}
	if math.Abs(chi2-2) > 5*2/math.Sqrt(runs) {
		t.Errorf("mean χ² of two degrees of freedom %v", chi2)
	}
	one := stats.Estimate{Value: 1, Error: 0.1}
	flat, err := stats.FitPowerLaw([]float64{1, 2}, []stats.Estimate{one, one})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := flat.Crossing(flat); ok {
		t.Error("a power law crosses itself")
	}
	for name, f := range map[string]func() error{
		"one point": func() error { _, err := stats.FitPowerLaw([]float64{1}, []stats.Estimate{one}); return err },
		"no error": func() error {
			_, err := stats.FitPowerLaw([]float64{1, 2}, []stats.Estimate{one, {Value: 1}})
			return err
		},
		"negative":        func() error { _, err := stats.FitPowerLaw([]float64{1, -2}, []stats.Estimate{one, one}); return err },
		"equal":           func() error { _, err := stats.FitPowerLaw([]float64{3, 3}, []stats.Estimate{one, one}); return err },
		"half the points": func() error { _, err := stats.FitPowerLaw([]float64{1, 2}, []stats.Estimate{one}); return err },
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
