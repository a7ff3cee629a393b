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

// Log-weights 5 ∓ s²/2 + s g obey p = q w/Z with log Z = 5 for Gaussian g, and overlap less
// the larger s: within 5 up to s of about 6. Errors cover the truth or are infinite.
func TestBridgeLogZOverlap(t *testing.T) {
	const seeds, logZ = 40, 5
	for _, size := range []struct {
		q, p int
		a    float64
	}{{1000, 1000, 0}, {100, 100, 0}, {200, 1500, 0.8}} {
		allSquares, all := 0.0, 0.0
		for _, s := range []float64{0.5, 1, 2, 3, 4, 5, 5.5, 6, 6.5, 7, 8, 10, 20, 30, 40} {
			squares, overlap := 0.0, 0
			for seed := range seeds {
				rng := newRand(uint64(1000*s) + uint64(seed))
				q, p := ar1(rng, size.q, 0), ar1(rng, size.p, size.a)
				for i := range q {
					q[i] = logZ - s*s/2 + s*q[i]
				}
				for i := range p {
					p[i] = logZ + s*s/2 + s*p[i]
				}
				e, err := BridgeLogZ(q, p)
				if err != nil || !(e.Error > 0) || !finite(e.Value) {
					t.Fatalf("s = %v, seed %d: %v, %v", s, seed, e, err)
				}
				if !math.IsInf(e.Error, 1) {
					overlap++
					pull := e.Pull(logZ)
					squares += pull * pull
				}
			}
			all, allSquares = all+float64(overlap), allSquares+squares
			// Where few samples overlap, the pulls are not quite Gaussian.
			if n := float64(overlap); overlap > 0 && math.Sqrt(squares/n) > 1.1+5/math.Sqrt(2*n) {
				t.Errorf("%+v, s = %v: rms pull %.2f of %d estimates with overlap", size, s, math.Sqrt(squares/n), overlap)
			}
			if s <= 3 && overlap < seeds || s >= 8 && overlap > 0 {
				t.Errorf("%+v, s = %v: %d of %d estimates with a finite error", size, s, overlap, seeds)
			}
		}
		rms := math.Sqrt(allSquares / all)
		t.Logf("%+v: rms pull %.3f of %v", size, rms, all)
		if math.Abs(rms-1) > 0.1+5/math.Sqrt(2*all) {
			t.Errorf("%+v: rms pull %v of %v estimates with overlap", size, rms, all)
		}
	}
}

// Without overlap the two sums balance where both are dominated by their largest terms,
// e^{l_q - c} = e^{c - l_p}, however far those are apart.
func TestBridgeLogZGap(t *testing.T) {
	for _, gap := range []float64{50, 700, 745, 1000, 1e5, 1e300} {
		q, p := []float64{-gap, -gap - 1, -gap - 2}, []float64{gap, gap + 1, gap + 2}
		e, err := BridgeLogZ(q, p)
		if err != nil || !math.IsInf(e.Error, 1) || math.Abs(e.Value) > 1e-9*gap {
			t.Errorf("gap %v: %v, %v, want 0 with an infinite error", 2*gap, e, err)
		}
		// Weights of q that exceed those of p contradict each other.
		if e, err := BridgeLogZ(p, q); err != nil || !math.IsInf(e.Error, 1) || math.IsNaN(e.Value) {
			t.Errorf("reversed gap %v: %v, %v, want an infinite error", 2*gap, e, err)
		}
	}
}

// The equation of the doc comment holds at the result, also for samples of different size.
func TestBridgeLogZEquation(t *testing.T) {
	for _, n := range [][2]int{{50, 50}, {10, 400}, {300, 20}} {
		q, p := ar1(newRand(1), n[0], 0), ar1(newRand(2), n[1], 0)
		for i := range p {
			p[i] += 1.5
		}
		e, err := BridgeLogZ(q, p)
		if err != nil {
			t.Fatal(err)
		}
		r, z := float64(n[0])/float64(n[1]), math.Exp(e.Value)
		left, right := 0.0, 0.0
		for _, l := range q {
			left += 1 / (1 + r*z/math.Exp(l))
		}
		for _, l := range p {
			right += 1 / (1 + math.Exp(l)/(r*z))
		}
		if math.Abs(left-right) > 1e-12*left {
			t.Errorf("%v samples: the sums are %v and %v", n, left, right)
		}
	}
}
