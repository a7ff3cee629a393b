package stats

import (
	"errors"
	"math"
	"testing"
)

// Gaussian log-weights of standard deviation s, normalised so that log⟨w⟩ = logZ.
func gaussianLogWeights(seed uint64, n int, s, logZ float64) []float64 {
	rng := newRand(seed)
	l := make([]float64, n)
	for i := range l {
		l[i] = logZ - s*s/2 + s*rng.NormFloat64()
	}
	return l
}

func TestGaussianLogWeights(t *testing.T) {
	const n, logZ = 400_000, -1234.5
	for _, s := range []float64{0.1, 0.5, 1} {
		l := gaussianLogWeights(7, n, s, logZ)
		r, err := LogWeightStats(l)
		if err != nil {
			t.Fatal(err)
		}
		within(t, "ESS/N", r.ESS.Value, math.Exp(-s*s), r.ESS.Error, 5)
		within(t, "acceptance", r.Acceptance.Value, math.Erfc(s/2), r.Acceptance.Error, 5)
		within(t, "log Z", r.LogZ.Value, logZ, r.LogZ.Error, 5)
		within(t, "error of log Z", r.LogZ.Error, math.Sqrt(math.Expm1(s*s)/n), r.LogZ.Error, 0.1)
		within(t, "sd(log w)", r.SD, s, s/math.Sqrt(2*n), 5)
		within(t, "mean log w", r.MeanLog, logZ-s*s/2, s/math.Sqrt(n), 5)
		if ess, err := LogWeightESS(l); err != nil || math.Abs(ess-r.ESS.Value) > 1e-9 {
			t.Errorf("LogWeightESS = %v, %v, LogWeightStats has %v", ess, err, r.ESS)
		}
		if z, err := LogMeanExp(l); err != nil || math.Abs(z.Value-r.LogZ.Value) > 1e-9 || math.Abs(z.Error/r.LogZ.Error-1) > 1e-6 {
			t.Errorf("LogMeanExp = %v, %v, LogWeightStats has %v", z, err, r.LogZ)
		}
	}
}

// The sorted sums agree with the double sum over pairs of chain state and proposal.
func TestAcceptanceByPairs(t *testing.T) {
	l := gaussianLogWeights(5, 200, 1.5, 3)
	l[17] = l[4]
	l[23] = math.Inf(-1)
	num, den := 0.0, 0.0
	for i := range l {
		for j := range l {
			if i != j && !math.IsInf(l[i], -1) {
				num += math.Exp(l[i]) * min(1, math.Exp(l[j]-l[i]))
			}
		}
		den += math.Exp(l[i])
	}
	r, err := LogWeightStats(l)
	if err != nil {
		t.Fatal(err)
	}
	if want := num / den / float64(len(l)-1); math.Abs(r.Acceptance.Value-want) > 1e-13 {
		t.Errorf("acceptance = %v, the double sum gives %v", r.Acceptance, want)
	}
	if r.Zeros != 1 {
		t.Errorf("Zeros = %d, want 1", r.Zeros)
	}
}

// An independence Metropolis chain accepts as often as the weights predict, for
// weights that are far from Gaussian: proposals uniform on [0, 1] for the density 3x².
func TestAcceptanceOfChain(t *testing.T) {
	const n = 200_000
	rng := newRand(11)
	logWeight := func() float64 { return 2 * math.Log(rng.Float64()) }
	l := make([]float64, n)
	for i := range l {
		l[i] = logWeight()
	}
	r, err := LogWeightStats(l)
	if err != nil {
		t.Fatal(err)
	}
	// The state is at x with density 3x²: ∫ 3x² [x/3 + 1 - x] dx.
	within(t, "predicted acceptance", r.Acceptance.Value, 0.5, r.Acceptance.Error, 5)
	within(t, "ESS/N", r.ESS.Value, 5.0/9, r.ESS.Error, 5)
	accepted := make([]float64, n)
	state := 0.0
	for i := range accepted {
		if next := logWeight(); math.Log(rng.Float64()) < next-state {
			state = next
			accepted[i] = 1
		}
	}
	// The start at the largest weight is forgotten after a few steps.
	observed, err := GammaMethod([][]float64{accepted[1000:]}, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	within(t, "predicted minus observed acceptance, in sigma", r.Acceptance.Sigma(observed.Mean), 0, 1, 5)
	if r.Acceptance.Error > 0.002 || observed.Mean.Error > 0.004 {
		t.Errorf("errors out of proportion: %v predicted, %v observed", r.Acceptance, observed.Mean)
	}
}

// The scatter of the estimates over seeds is that of their errors.
func TestLogWeightPulls(t *testing.T) {
	const seeds, n, s = 300, 2000, 0.6
	var acc, ess, z []float64
	for seed := range seeds {
		r, err := LogWeightStats(gaussianLogWeights(uint64(seed), n, s, 0))
		if err != nil {
			t.Fatal(err)
		}
		acc = append(acc, r.Acceptance.Pull(math.Erfc(s/2)))
		ess = append(ess, r.ESS.Pull(math.Exp(-s*s)))
		z = append(z, r.LogZ.Pull(0))
	}
	for what, p := range map[string][]float64{"acceptance": acc, "ESS": ess, "log Z": z} {
		within(t, "variance of the pulls of "+what, sampleVariance(p), 1, math.Sqrt(2.0/seeds), 5)
	}
	within(t, "mean pull of the acceptance", average(acc), 0, 1/math.Sqrt(seeds), 5)
}

// The errors agree with a jackknife that leaves one weight out, for skewed weights.
func TestLogWeightErrors(t *testing.T) {
	const n = 500
	rng := newRand(4)
	l := make([]float64, n)
	for i := range l {
		l[i] = 2 * math.Log(rng.Float64())
	}
	r, err := LogWeightStats(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		name string
		got  Estimate
		of   func(LogWeights) float64
	}{
		{"acceptance", r.Acceptance, func(s LogWeights) float64 { return s.Acceptance.Value }},
		{"ESS", r.ESS, func(s LogWeights) float64 { return s.ESS.Value }},
		{"log Z", r.LogZ, func(s LogWeights) float64 { return s.LogZ.Value }},
	} {
		kept := make([]float64, 0, n)
		want, err := JackknifeFunc(n, n, func(keep []int) float64 {
			kept = kept[:0]
			for _, i := range keep {
				kept = append(kept, l[i])
			}
			s, err := LogWeightStats(kept)
			if err != nil {
				t.Fatal(err)
			}
			return q.of(s)
		})
		// The two differ in order 1/n.
		if err != nil || q.got.Value != want.Value || math.Abs(q.got.Error/want.Error-1) > 5.0/n {
			t.Errorf("%s: %+v, the jackknife has %+v, %v", q.name, q.got, want, err)
		}
	}
}

func sampleVariance(x []float64) float64 {
	c := centre(x)
	return c.scale * c.scale * sumSquares(c.dev[0]) / float64(len(x)-1)
}

func TestLogWeightEdges(t *testing.T) {
	inf := math.Inf(-1)
	r, err := LogWeightStats([]float64{-1e6, -1e6, -1e6, -1e6})
	if err != nil || r.ESS != (Estimate{1, 0}) || r.Acceptance != (Estimate{1, 0}) || r.LogZ != (Estimate{-1e6, 0}) ||
		r.SD != 0 || r.GaussianAcceptance != 1 || r.MaxShare != 0.25 {
		t.Errorf("equal weights: %+v, %v", r, err)
	}
	r, err = LogWeightStats([]float64{inf, 5, inf, inf})
	if err != nil || r.ESS.Value != 0.25 || r.Acceptance.Value != 0 || r.MaxShare != 1 || r.Zeros != 3 {
		t.Errorf("a single weight above zero: %+v, %v", r, err)
	}
	for _, tt := range []struct {
		logw []float64
		want error
	}{
		{nil, ErrEmpty},
		{[]float64{inf, inf}, ErrZeroWeight},
		{[]float64{0, math.NaN()}, ErrNotFinite},
		{[]float64{0, math.Inf(1)}, ErrNotFinite},
	} {
		if _, err := LogWeightStats(tt.logw); !errors.Is(err, tt.want) {
			t.Errorf("LogWeightStats(%v) gives %v, want %v", tt.logw, err, tt.want)
		}
		if v, err := LogWeightESS(tt.logw); !errors.Is(err, tt.want) || !math.IsNaN(v) {
			t.Errorf("LogWeightESS(%v) gives %v, %v, want %v", tt.logw, v, err, tt.want)
		}
		if e, err := LogMeanExp(tt.logw); !errors.Is(err, tt.want) || !math.IsNaN(e.Value) {
			t.Errorf("LogMeanExp(%v) gives %v, %v, want %v", tt.logw, e, err, tt.want)
		}
	}
	var short *TooShortError
	if r, err := LogWeightStats([]float64{3}); !errors.As(err, &short) || r.LogZ.Value != 3 || r.ESS.Value != 1 {
		t.Errorf("one weight: %+v, %v", r, err)
	}
}

// FuzzLogWeights checks bounds, the invariance under a shift, and the acceptance
// against the double sum.
func FuzzLogWeights(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 0}, 1.0, 0.0)
	f.Add([]byte{0, 0, 0}, 1e300, 5.0)
	f.Add([]byte{9, 9}, 1e-300, -1e300)
	f.Add([]byte{1, 128}, 700.0, math.Inf(1))
	f.Fuzz(func(t *testing.T, data []byte, scale, shift float64) {
		if len(data) > 200 {
			data = data[:200]
		}
		l := make([]float64, len(data))
		for i, b := range data {
			l[i] = scale * float64(b)
			if b == 0 {
				l[i] = math.Inf(-1)
			}
		}
		r, err := LogWeightStats(l)
		var short *TooShortError
		if err != nil && !errors.As(err, &short) {
			if !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrNotFinite) && !errors.Is(err, ErrZeroWeight) {
				t.Fatalf("%v gives %v", l, err)
			}
			return
		}
		n := float64(len(l))
		if !(r.ESS.Value > 0.999/n && r.ESS.Value <= 1) || !(r.MaxShare >= 0.999/n && r.MaxShare <= 1) || math.IsNaN(r.LogZ.Value) {
			t.Fatalf("%v: %+v", l, r)
		}
		if len(l) < 2 {
			return
		}
		if !(r.Acceptance.Value >= 0 && r.Acceptance.Value <= 1) || !(r.Acceptance.Error >= 0) || !(r.ESS.Error >= 0) || !(r.LogZ.Error >= 0) {
			t.Fatalf("%v: %+v", l, r)
		}
		largest := math.Inf(-1)
		for _, v := range l {
			largest = max(largest, v)
		}
		num, den := 0.0, 0.0
		for i := range l {
			for j := range l {
				if i != j {
					num += math.Exp(min(l[i], l[j]) - largest)
				}
			}
			den += math.Exp(l[i] - largest)
		}
		if want := num / den / (n - 1); math.Abs(r.Acceptance.Value-want) > 1e-10 {
			t.Fatalf("%v: acceptance %v, the double sum gives %v", l, r.Acceptance, want)
		}
		if !(math.Abs(shift) < 1e3 && math.Abs(scale) < 1e3) {
			return
		}
		for i := range l {
			l[i] += shift
		}
		s, err := LogWeightStats(l)
		if err != nil || math.Abs(s.ESS.Value-r.ESS.Value) > 1e-8 || math.Abs(s.Acceptance.Value-r.Acceptance.Value) > 1e-8 ||
			math.Abs(s.LogZ.Value-r.LogZ.Value-shift) > 1e-8 {
			t.Fatalf("%v: %+v, shifted by %v %+v, %v", l, r, shift, s, err)
		}
	})
}

func BenchmarkLogWeightStats(b *testing.B) {
	l := gaussianLogWeights(1, 100_000, 1, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LogWeightStats(l); err != nil {
			b.Fatal(err)
		}
	}
}
