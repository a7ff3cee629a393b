package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

// y = 2a - b + noise of variance 4 with a, b of variance 1 explains 5/9, of which a alone
// has 4/9; a third operator is a copy of a, a fourth has nothing to do with y.
func TestRegress(t *testing.T) {
	const n = 4000
	rng := rand.New(rand.NewPCG(1, 0))
	x := make([][]float64, 4)
	var y []float64
	for range n {
		a, b := rng.NormFloat64(), rng.NormFloat64()
		for i, v := range []float64{7 + 3*a, b, a, rng.NormFloat64()} {
			x[i] = append(x[i], v)
		}
		y = append(y, 100+2*a-b+2*rng.NormFloat64())
	}
	r, err := stats.Regress(y, x, stats.RegressConfig{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, e stats.Estimate, want float64) {
		t.Helper()
		if !(e.Error > 0 && e.Error < 0.03) || math.Abs(e.Pull(want)) > 5 {
			t.Errorf("%s: expected %v, got %v", what, want, e)
		}
	}
	check("R²", r.R2, 5./9)
	check("a alone", r.Alone[0], 4./9)
	check("its copy alone", r.Alone[2], 4./9)
	check("without b", r.Loss[1], 1./9)
	if l := r.Loss[0]; math.Abs(l.Value) > 1e-9 {
		t.Errorf("a can be replaced by its copy, but the loss is %v", l)
	}
	// An operator without meaning costs about 1/n of the variance.
	if l := r.Loss[3]; math.Abs(l.Value) > 5./n {
		t.Errorf("loss without noise: %v", l)
	}
	if r.InSample < r.R2.Value || r.InSample > r.R2.Value+0.02 {
		t.Errorf("in sample %v, held out %v", r.InSample, r.R2)
	}
	// a and its copy share the coefficient 2.
	for i, want := range []float64{1, -1, 1, 0} {
		if c := r.Coefficients[i]; math.Abs(c-want) > 5*2/math.Sqrt(n) {
			t.Errorf("coefficient %d: expected %v, got %v", i, want, c)
		}
	}
}

// Many operators without meaning explain much of few samples, and nothing of others.
func TestRegressChance(t *testing.T) {
	const n, p = 120, 30
	rng := rand.New(rand.NewPCG(2, 0))
	x, y := make([][]float64, p), make([]float64, n)
	for i := range y {
		y[i] = rng.NormFloat64()
		for j := range x {
			x[j] = append(x[j], rng.NormFloat64())
		}
	}
	r, err := stats.Regress(y, x, stats.RegressConfig{Folds: 8})
	if err != nil {
		t.Fatal(err)
	}
	if r.InSample < 0.1 || r.R2.Value > 5*r.R2.Error {
		t.Errorf("in sample %v, held out %v", r.InSample, r.R2)
	}
}

func TestRegressErrors(t *testing.T) {
	x, y := [][]float64{{1, 2, 3, 4, 5, 7}}, []float64{2, 1, 4, 3, 6, 5}
	for name, f := range map[string]func() error{
		"no operators": func() error { _, err := stats.Regress(y, nil, stats.RegressConfig{}); return err },
		"lengths":      func() error { _, err := stats.Regress(y[:4], x, stats.RegressConfig{}); return err },
		"folds":        func() error { _, err := stats.Regress(y, x, stats.RegressConfig{Folds: 1}); return err },
		"more folds":   func() error { _, err := stats.Regress(y, x, stats.RegressConfig{Folds: 7}); return err },
		"not finite": func() error {
			_, err := stats.Regress([]float64{1, 2, 3, 4, 5, math.NaN()}, x, stats.RegressConfig{})
			return err
		},
		"nothing to fit": func() error { _, err := stats.Regress(make([]float64, 6), x, stats.RegressConfig{}); return err },
	} {
		if f() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	var short *stats.TooShortError
	if _, err := stats.Regress(y[:5], [][]float64{x[0][:5]}, stats.RegressConfig{}); !errors.As(err, &short) {
		t.Errorf("five samples: got %v", err)
	}
	// A constant operator explains nothing.
	r, err := stats.Regress(y, [][]float64{{3, 3, 3, 3, 3, 3}}, stats.RegressConfig{})
	if err != nil || r.R2.Value > 0 {
		t.Errorf("a constant operator: %+v, %v", r, err)
	}
}
