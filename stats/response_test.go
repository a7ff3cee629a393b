package stats

import (
	"errors"
	"math"
	"testing"
)

// For S = x²/2 and δS = εx + constant the mean shifts by -ε, and for δS = εx² the
// variance by -2ε, to first order; the chain is correlated.
func TestResponsePulls(t *testing.T) {
	const seeds, n, a, epsilon = 100, 2000, 0.6, 0.01
	var mean, variance []float64
	for seed := range uint64(seeds) {
		replicas, linear, square := make([][][]float64, 2), make([][]float64, 2), make([][]float64, 2)
		for r := range replicas {
			x := ar1(newRand(2*seed+uint64(r)), n+100*r, a)
			x2, d1, d2 := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
			for i, v := range x {
				x2[i], d1[i], d2[i] = v*v, epsilon*v+1e4, epsilon*v*v
			}
			replicas[r], linear[r], square[r] = [][]float64{x, x2}, d1, d2
		}
		g, err := Response(replicas, linear, GammaConfig{}, func(m []float64) float64 { return m[0] })
		if err != nil {
			t.Fatal(err)
		}
		mean = append(mean, g.Mean.Pull(-epsilon))
		g, err = Response(replicas, square, GammaConfig{}, func(m []float64) float64 { return m[1] - m[0]*m[0] })
		if err != nil {
			t.Fatal(err)
		}
		variance = append(variance, g.Mean.Pull(-2*epsilon))
	}
	// A covariance about estimated means is biased by 2τ/n, here 0.06 of its error.
	within(t, "mean pull of the mean", average(mean), 0, 1/math.Sqrt(seeds)+0.02, 5)
	within(t, "variance of the pulls of the mean", sampleVariance(mean), 1, math.Sqrt(2.0/seeds), 5)
	within(t, "mean pull of the variance", average(variance), 0, 1/math.Sqrt(seeds)+0.02, 5)
	within(t, "variance of the pulls of the variance", sampleVariance(variance), 1, math.Sqrt(2.0/seeds), 5)
}

// The response is the derivative of reweighting on the same samples, also far from zero
// and for a function that is not linear.
func TestResponseIsDerivativeOfReweight(t *testing.T) {
	const n, epsilon = 500, 1e-4
	x, y := ar1(newRand(1), n, 0.3), ar1(newRand(2), n, 0.3)
	plus, minus, delta := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range x {
		delta[i] = epsilon * (x[i]*y[i] + x[i])
		plus[i], minus[i] = -delta[i], delta[i]
		x[i] += 1e6
	}
	f := func(m []float64) float64 { return math.Exp(m[0]-1e6) / (2 + m[1]) }
	up, err := Reweight([][]float64{x, y}, plus, 10, f)
	if err != nil {
		t.Fatal(err)
	}
	down, err := Reweight([][]float64{x, y}, minus, 10, f)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Response([][][]float64{{x, y}}, [][]float64{delta}, GammaConfig{}, f)
	want := (up.Value - down.Value) / 2
	// The response keeps the second order of f, reweighting that of the weights, which the
	// difference of two signs removes.
	if err != nil || math.Abs(g.Mean.Value-want) > 3*epsilon*math.Abs(want) {
		t.Errorf("response %v, %v, reweighting gives %v", g.Mean, err, want)
	}
}

func TestResponseErrors(t *testing.T) {
	x := ar1(newRand(1), 100, 0)
	for _, tt := range []struct {
		name     string
		replicas [][][]float64
		delta    [][]float64
		want     error
	}{
		{"no replica", nil, nil, ErrEmpty},
		{"no observable", [][][]float64{{}}, [][]float64{x}, ErrEmpty},
		{"no δS", [][][]float64{{x}}, nil, nil},
		{"an empty series", [][][]float64{{x}}, [][]float64{{}}, ErrEmpty},
		{"another length", [][][]float64{{x}}, [][]float64{x[1:]}, nil},
		{"NaN", [][][]float64{{x}}, [][]float64{append([]float64{math.NaN()}, x[1:]...)}, ErrNotFinite},
		{"fewer observables", [][][]float64{{x, x}, {x}}, [][]float64{x, x}, nil},
	} {
		g, err := Response(tt.replicas, tt.delta, GammaConfig{}, mean0)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !math.IsNaN(g.Mean.Value) {
			t.Errorf("%s gives %v, %v", tt.name, g.Mean, err)
		}
	}
	constant := make([]float64, len(x))
	if g, err := Response([][][]float64{{x}}, [][]float64{constant}, GammaConfig{}, mean0); err != nil || g.Mean != (Estimate{}) {
		t.Errorf("a constant δS shifts by %v, %v", g.Mean, err)
	}
}
