package stats

import (
	"errors"
	"math"
	"testing"
)

// q = N(0, 1), S = (x-μ)²/2σ² with log Z = log(σ√2π), and a correlated chain in p.
func TestBridgeLogZPulls(t *testing.T) {
	const seeds, n, mu, sigma, a = 200, 2000, 1, 0.7, 0.6
	logZ := math.Log(sigma * math.Sqrt(2*math.Pi))
	logw := func(x float64) float64 {
		d := (x - mu) / sigma
		return -d*d/2 + x*x/2 + 0.5*math.Log(2*math.Pi)
	}
	var pulls, errs, forward []float64
	for seed := range seeds {
		rng := newRand(uint64(seed))
		q, p := make([]float64, n), ar1(rng, 3*n, a)
		for i := range q {
			q[i] = logw(rng.NormFloat64())
		}
		for i, v := range p {
			p[i] = logw(mu + sigma*v)
		}
		e, err := BridgeLogZ(q, p)
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, e.Pull(logZ))
		errs = append(errs, e.Error)
		f, err := LogMeanExp(q)
		if err != nil {
			t.Fatal(err)
		}
		forward = append(forward, f.Error)
	}
	within(t, "mean pull", average(pulls), 0, 1/math.Sqrt(seeds), 5)
	within(t, "variance of the pulls", sampleVariance(pulls), 1, math.Sqrt(2.0/seeds), 5)
	if !(average(errs) < average(forward)) {
		t.Errorf("error %v is not below that of the forward weights alone, %v", average(errs), average(forward))
	}
}

func TestBridgeLogZEdges(t *testing.T) {
	same := []float64{-1e5, -1e5, -1e5}
	e, err := BridgeLogZ(same, append(same, same...))
	if err != nil || math.Abs(e.Value+1e5) > 1e-9 || e.Error != 0 {
		t.Errorf("p = q: %+v, %v, want -1e5 without error", e, err)
	}
	// A shift of all weights shifts log Z.
	q, p := []float64{0.1, -3, 2, 1, math.Inf(-1)}, ar1(newRand(8), 100, 0)
	a, errA := BridgeLogZ(q, p)
	for i := range q {
		q[i] += 1000
	}
	for i := range p {
		p[i] += 1000
	}
	b, errB := BridgeLogZ(q, p)
	if errA != nil || errB != nil || math.Abs(b.Value-a.Value-1000) > 1e-9 || math.Abs(b.Error-a.Error) > 1e-9 {
		t.Errorf("shift by 1000: %+v, %v and %+v, %v", a, errA, b, errB)
	}
	inf := math.Inf(-1)
	for _, tt := range []struct {
		q, p []float64
		want error
	}{
		{nil, p, ErrEmpty},
		{q, nil, ErrEmpty},
		{[]float64{inf, inf}, p, ErrZeroWeight},
		{[]float64{0, math.NaN()}, p, ErrNotFinite},
		{q[:4], []float64{1, inf}, ErrNotFinite},
	} {
		if e, err := BridgeLogZ(tt.q, tt.p); !errors.Is(err, tt.want) || !math.IsNaN(e.Value) {
			t.Errorf("%v, %v: %v, %v, want %v", tt.q, tt.p, e, err, tt.want)
		}
	}
	var short *TooShortError
	if e, err := BridgeLogZ([]float64{1}, p); !errors.As(err, &short) || !finite(e.Value) || short.Estimate.Value != e.Value {
		t.Errorf("one sample of q: %v, %v", e, err)
	}
}
