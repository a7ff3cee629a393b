package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// ar1 returns a stationary series x_i = a x_{i-1} + √(1-a²) z of unit variance, whose
// autocorrelation function is a^t and whose τ_int is (1+a)/(1-a)/2.
func ar1(rng *rand.Rand, n int, a float64) []float64 {
	x := make([]float64, n)
	v := rng.NormFloat64()
	s := math.Sqrt(1 - a*a)
	for i := range x {
		x[i] = v
		v = a*v + s*rng.NormFloat64()
	}
	return x
}

func ar1Tau(a float64) float64 { return 0.5 * (1 + a) / (1 - a) }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// within fails the test unless |got - want| ≤ sigmas·err.
func within(t *testing.T, what string, got, want, err, sigmas float64) {
	t.Helper()
	if !(math.Abs(got-want) <= sigmas*err) {
		t.Errorf("%s = %v, want %v ± %v·%v", what, got, want, sigmas, err)
	}
}

func TestTauOfAR1(t *testing.T) {
	const n = 400_000
	for _, cfg := range []GammaConfig{{}, {Window: WindowSokal}, {Window: WindowFixed}} {
		for _, a := range []float64{0.9, 0.5, 0, -0.5} {
			x := ar1(newRand(1), n, a)
			tau, err := IntegratedAutocorrelation(x, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if tau.Error <= 0 || tau.Error > 0.1*ar1Tau(a) {
				t.Errorf("a = %v, %+v: τ_int = %v with an error out of proportion", a, cfg, tau)
			}
			// The truncation error is bounded by what is left of the tail.
			bias := math.Pow(math.Abs(a), float64(tau.Window+1)) / (1 - math.Abs(a))
			within(t, "τ_int of AR(1)", tau.Value, ar1Tau(a), tau.Error+bias/5, 5)
		}
	}
}

// The pulls of τ_int, of the mean and of the error of the mean over many series have
// mean 0 and variance 1 if value, error and error of the error are right.
func TestGammaMethodPulls(t *testing.T) {
	const seeds, n, a = 400, 4000, 0.8
	tau := ar1Tau(a)
	// Exact variance of the mean of n entries of AR(1).
	exact := 0.0
	for k := 1 - n; k < n; k++ {
		exact += (1 - math.Abs(float64(k))/n) * math.Pow(a, math.Abs(float64(k)))
	}
	exact = math.Sqrt(exact / n)
	var pulls [3][]float64
	for seed := range seeds {
		x := ar1(newRand(uint64(seed)), n, a)
		// Two replicas of unequal length.
		res, err := GammaMethod([][]float64{x[:n/4], x[n/4:]}, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		pulls[0] = append(pulls[0], res.Tau.Pull(tau))
		pulls[1] = append(pulls[1], res.Mean.Pull(0))
		pulls[2] = append(pulls[2], (res.Mean.Error-exact)/res.ErrorOfError)
	}
	for k, what := range []string{"τ_int", "the mean", "the error"} {
		m := average(pulls[k])
		v := 0.0
		for _, p := range pulls[k] {
			v += (p - m) * (p - m) / (seeds - 1)
		}
		t.Logf("pulls of %s: mean %.3f, variance %.3f", what, m, v)
		// Wolff's window leaves a truncation bias that is a fraction of the error.
		if what == "the mean" {
			within(t, "mean pull of "+what, m, 0, 1/math.Sqrt(seeds), 5)
		} else {
			within(t, "mean pull of "+what, m, 0, 1, 0.5)
		}
		within(t, "variance of the pulls of "+what, v, 1, math.Sqrt(2.0/seeds), 5)
	}
}

func TestGammaMethodEdges(t *testing.T) {
	constant := []float64{0.1, 0.1, 0.1, 0.1, 0.1}
	res, err := GammaMethod([][]float64{constant, constant[:2]}, GammaConfig{})
	if err != nil || res.Tau.Value != 0.5 || res.Tau.Error != 0 || res.Mean != (Estimate{0.1, 0}) || res.ESS() != 0 {
		t.Errorf("constant series: %+v, %v", res, err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if _, err := GammaMethod([][]float64{{1, 2, bad}}, GammaConfig{}); !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v in the series gives %v", bad, err)
		}
	}
	for _, r := range [][][]float64{nil, {}, {{}}, {{1, 2}, {}}} {
		if _, err := GammaMethod(r, GammaConfig{}); !errors.Is(err, ErrEmpty) {
			t.Errorf("replicas %v give %v", r, err)
		}
	}
	var short *TooShortError
	tau, err := IntegratedAutocorrelation(ar1(newRand(3), 200, 0.99), GammaConfig{})
	if !errors.As(err, &short) || short.Estimate != tau.Estimate || !(tau.Value > 5) {
		t.Errorf("200 entries with τ_int = 100: %v, %v", tau, err)
	}
	if _, err := IntegratedAutocorrelation([]float64{1}, GammaConfig{}); !errors.As(err, &short) {
		t.Errorf("a single entry gives %v", err)
	}
	if tau, err := IntegratedAutocorrelation([]float64{1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1}, GammaConfig{}); err != nil || !(tau.Value > 0) {
		t.Errorf("a series of two values gives %v, %v", tau, err)
	}
}

// A fixed window without correction is the bare sum (4.14), with the correction of
// eq. 49 otherwise; Sokal's window is the first W ≥ c τ_int(W).
func TestWindows(t *testing.T) {
	const n, lags = 5000, 150
	x := ar1(newRand(5), n, 0.8)
	rho, err := Autocorrelation(x, lags)
	if err != nil {
		t.Fatal(err)
	}
	bare := func(w int) float64 { return 0.5 + sum(rho[1:w+1]) }
	sokal := 1
	for float64(sokal) < 4*bare(sokal) {
		sokal++
	}
	for _, tt := range []struct {
		cfg GammaConfig
		w   int
	}{
		{GammaConfig{Window: WindowFixed, Plain: true}, 100},
		{GammaConfig{Window: WindowFixed, W: 7, Plain: true}, 7},
		{GammaConfig{Window: WindowFixed, W: 7}, 7},
		{GammaConfig{Window: WindowSokal, C: 4, Plain: true}, sokal},
	} {
		want := bare(tt.w)
		err := 2 * want * math.Sqrt(math.Abs(float64(tt.w)+0.5-want)/n)
		if !tt.cfg.Plain {
			want *= (1 + float64(2*tt.w+1)/n) / (1 + 1.0/n)
		}
		res, e := GammaMethod([][]float64{x}, tt.cfg)
		got := res.Tau
		variance := sampleVariance(x) * (n - 1) / n
		if e := math.Sqrt(2 * want * variance * (1 + 1.0/n) / n); math.Abs(res.Mean.Error/e-1) > 1e-11 {
			t.Errorf("%+v: error of the mean %v, want %v", tt.cfg, res.Mean.Error, e)
		}
		if e := res.Mean.Error * math.Sqrt((float64(tt.w)+0.5)/n); math.Abs(res.ErrorOfError/e-1) > 1e-11 {
			t.Errorf("%+v: error of the error %v, want %v", tt.cfg, res.ErrorOfError, e)
		}
		if e != nil || got.Window != tt.w || math.Abs(got.Value-want) > 1e-11 || math.Abs(got.Error-err) > 1e-11 {
			t.Errorf("%+v: %+v, %v, want %v ± %v with W = %d", tt.cfg, got, e, want, err, tt.w)
		}
	}
	var short *TooShortError
	for _, cfg := range []GammaConfig{
		{MaxLag: 5}, {Window: WindowSokal, MaxLag: 5}, {Window: WindowFixed, W: n}, {TauExp: 5, MaxLag: 5},
	} {
		res, err := GammaMethod([][]float64{x}, cfg)
		if !errors.As(err, &short) || !(res.Tau.Value > 1) || !(res.Mean.Error > 0) || short.Need <= n {
			t.Errorf("%+v: %+v, %v, want an error about an open window", cfg, res.Tau, err)
		}
	}
	for _, cfg := range []GammaConfig{
		{Window: -1}, {Window: 3}, {S: -1}, {S: math.NaN()}, {C: -1}, {C: math.Inf(1)}, {W: -1},
		{MaxLag: -1}, {TauExp: -1}, {TauExp: math.NaN()}, {NSigma: -1}, {NSigma: math.NaN()},
	} {
		if res, err := GammaMethod([][]float64{x}, cfg); err == nil || errors.As(err, &short) || !math.IsNaN(res.Tau.Value) {
			t.Errorf("%+v gives %v", cfg, err)
		}
	}
}

// C(0) of short series, where the mean takes 2τ/N of the variance away.
func TestVarianceOfShortSeries(t *testing.T) {
	const seeds, n, a = 15_000, 300, 0.5
	var v, naive []float64
	for seed := range seeds {
		x := ar1(newRand(uint64(seed)), n, a)
		res, err := GammaMethod([][]float64{x}, GammaConfig{Window: WindowFixed, W: 3})
		if err != nil {
			t.Fatal(err)
		}
		v, naive = append(v, res.Variance), append(naive, sampleVariance(x))
	}
	e := math.Sqrt(sampleVariance(v) / seeds)
	within(t, "variance", average(v), 1, e, 5)
	if average(naive) > 1-5*e {
		t.Errorf("the naive variance %v does not miss 1 by 5·%v: the test cannot tell", average(naive), e)
	}
}

// The error of ρ(t) is its scatter over seeds.
func TestRhoErrors(t *testing.T) {
	const seeds, n, a = 400, 5000, 0.7
	lags := []int{1, 3, 6, 12}
	values, errs := make([][]float64, len(lags)), make([][]float64, len(lags))
	for seed := range seeds {
		res, err := GammaMethod([][]float64{ar1(newRand(uint64(seed)), n, a)}, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for k, lag := range lags {
			values[k] = append(values[k], res.Rho[lag])
			errs[k] = append(errs[k], res.RhoError[lag])
		}
	}
	for k, lag := range lags {
		want := math.Sqrt(sampleVariance(values[k]))
		t.Logf("ρ(%d): scatter %.5f, error %.5f", lag, want, average(errs[k]))
		within(t, "error of ρ", average(errs[k]), want, want/math.Sqrt(2*seeds)+0.03*want, 5)
	}
}

// One mode with a tenth of the variance decays slowly. The automatic window, which
// takes the decay from τ_int, cuts its tail off; with the known τ_exp it is added.
func TestTauExpTail(t *testing.T) {
	const seeds, n, slow, share = 100, 20_000, 0.98, 0.1
	truth := 0.5 + share*slow/(1-slow)
	var plain, tail []float64
	for seed := range seeds {
		x, y := ar1(newRand(uint64(seed)), n, slow), ar1(newRand(uint64(seed+1e6)), n, 0)
		for i := range x {
			x[i] = math.Sqrt(share)*x[i] + math.Sqrt(1-share)*y[i]
		}
		p, err := IntegratedAutocorrelation(x, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := GammaMethod([][]float64{x}, GammaConfig{TauExp: -1 / math.Log(slow)})
		if err != nil {
			t.Fatal(err)
		}
		plain, tail = append(plain, p.Value), append(tail, res.Tau.Value)
		w := res.Tau.Window
		want := (0.5+sum(res.Rho[1:w+1]))*(1+float64(2*w+1)/n)/(1+1.0/n) - res.Rho[w+1]/math.Log(slow)
		if res.Rho[w+1] > 0 && math.Abs(res.Tau.Value-want) > 1e-12 {
			t.Fatalf("τ_int = %v, the sum with the tail is %v", res.Tau.Value, want)
		}
		if res.Rho[w] < res.RhoError[w] || res.Rho[w+1] > res.RhoError[w+1] {
			t.Fatalf("window %d does not end where ρ is one sigma", w)
		}
	}
	t.Logf("τ_int %.2f: automatic window %.2f, with tail %.2f", truth, average(plain), average(tail))
	e := math.Hypot(math.Sqrt(sampleVariance(tail)/seeds), math.Sqrt(sampleVariance(plain)/seeds))
	if !(truth-average(plain) > 5*e) {
		t.Errorf("the automatic window has τ_int = %v, which does not miss the tail of %v", average(plain), truth)
	}
	if !(math.Abs(average(tail)-truth) < truth-average(plain)-5*e) {
		t.Errorf("τ_int = %v with and %v without the tail, want %v", average(tail), average(plain), truth)
	}
}

// The covariance of ρ from the correlation of ρ with itself is Bartlett's sum.
func TestBartlett(t *testing.T) {
	for _, window := range []int{1, 5, 40, 99} {
		rho := make([]float64, 100)
		rng := newRand(1)
		for k := range rho {
			rho[k] = rng.NormFloat64()
		}
		rho[0] = 1
		cut := func(k int) float64 {
			if k = max(k, -k); k > window {
				return 0
			}
			return rho[k]
		}
		b := newBartlett(rho, window, 7)
		for s := 1; s < 100; s += 3 {
			for u := 1; u < 100; u += 7 {
				want, size := 0.0, 0.0
				for k := 1; k <= window+max(s, u); k++ {
					p := cut(k+s) + cut(k-s) - 2*cut(k)*cut(s)
					q := cut(k+u) + cut(k-u) - 2*cut(k)*cut(u)
					want += p * q / 7
					size += (p*p + q*q) / 7
				}
				if got := b.covariance(s, u); math.Abs(got-want) > 1e-12*size {
					t.Errorf("window %d: cov(ρ(%d), ρ(%d)) = %v, want %v", window, s, u, got, want)
				}
			}
		}
	}
}

// Replicas of one distribution have a uniform ReplicaP; a shifted one has not.
func TestReplicaP(t *testing.T) {
	const seeds, n, a = 300, 3000, 0.6
	var p []float64
	for seed := range seeds {
		rng := newRand(uint64(seed))
		r := [][]float64{ar1(rng, n, a), ar1(rng, 2*n, a), ar1(rng, n/2, a), ar1(rng, n, a)}
		res, err := GammaMethod(r, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, res.ReplicaP)
	}
	if r, err := KolmogorovSmirnov(p, func(p float64) float64 { return p }, 0); err != nil || r.P < 1e-5 {
		t.Errorf("ReplicaP is not uniform: %+v, %v", r, err)
	}
	x, y := ar1(newRand(1), n, a), ar1(newRand(2), n, a)
	for i := range y {
		y[i]++
	}
	res, err := GammaMethod([][]float64{x, y}, GammaConfig{Window: WindowFixed, W: 20})
	if err != nil || res.ReplicaP > 1e-3 || math.Abs(res.ReplicaMeans[1]-average(y)) > 1e-12 {
		t.Errorf("shifted replicas: %+v, %v", res, err)
	}
	// Their difference is slow: deviations from the common mean count as correlation.
	if res, _ := GammaMethod([][]float64{x, y}, GammaConfig{}); res.Tau.Value < 10*ar1Tau(a) {
		t.Errorf("shifted replicas have τ_int = %v", res.Tau)
	}
}

func TestMean(t *testing.T) {
	e, err := Mean([]float64{1, 2, 3, 4})
	if err != nil || e.Value != 2.5 || math.Abs(e.Error-math.Sqrt(5.0/3/4)) > 1e-15 {
		t.Errorf("mean = %+v, %v", e, err)
	}
	if e, err := Mean([]float64{0.1, 0.1, 0.1}); err != nil || e != (Estimate{0.1, 0}) {
		t.Errorf("mean of a constant = %+v, %v", e, err)
	}
	if e, err := Mean([]float64{1.6e308, 1.7e308}); err != nil || math.Abs(e.Value/1.65e308-1) > 1e-15 || math.Abs(e.Error/5e306-1) > 1e-12 {
		t.Errorf("mean of huge values = %+v, %v", e, err)
	}
	var short *TooShortError
	if e, err := Mean([]float64{3}); !errors.As(err, &short) || e.Value != 3 || !math.IsNaN(e.Error) || short.Estimate.Value != 3 {
		t.Errorf("mean of one value = %+v, %v", e, err)
	}
	if _, err := Mean(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("mean of nothing gives %v", err)
	}
	if e, err := Mean([]float64{1, math.NaN()}); !errors.Is(err, ErrNotFinite) || !math.IsNaN(e.Value) {
		t.Errorf("mean with NaN = %+v, %v", e, err)
	}
}

// FuzzGamma feeds any series, cut into two replicas: a result is a number with a
// positive error, or comes with an error that says why not, and it does not depend on
// shift and scale of the series.
func FuzzGamma(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, uint8(3), uint8(0))
	f.Add([]byte{0, 255, 0, 255, 0, 255, 0, 255}, uint8(0), uint8(1))
	f.Add([]byte{7, 7, 7, 7}, uint8(2), uint8(2))
	f.Add([]byte{1}, uint8(0), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, cut, rule uint8) {
		x, y := make([]float64, len(data)), make([]float64, len(data))
		for i, b := range data {
			x[i] = float64(b)
			y[i] = 1e100 * (float64(b) + 16)
		}
		split := func(x []float64) [][]float64 {
			if c := int(cut); c > 0 && c < len(x) {
				return [][]float64{x[:c], x[c:]}
			}
			return [][]float64{x}
		}
		cfg := GammaConfig{Window: Window(rule % 3), W: 1 + int(rule/16)}
		if rule&4 != 0 {
			cfg.TauExp = float64(rule)
		}
		res, err := GammaMethod(split(x), cfg)
		other, otherErr := GammaMethod(split(y), cfg)
		if (err == nil) != (otherErr == nil) || res.Tau.Window != other.Tau.Window {
			// At the threshold of a rule, rounding decides.
			return
		}
		var short *TooShortError
		switch {
		case len(data) == 0:
			if !errors.Is(err, ErrEmpty) {
				t.Fatalf("an empty series gives %v", err)
			}
		case err == nil:
			if !(res.Tau.Value > 0) || !(res.Tau.Error >= 0) || !(res.Mean.Error >= 0) || !finite(res.Mean.Value) ||
				!(res.ReplicaP >= 0 && res.ReplicaP <= 1) || len(res.Rho) != len(res.RhoError) {
				t.Fatalf("%v: %+v", data, res)
			}
		case errors.As(err, &short):
			if short.Need <= short.N {
				t.Fatalf("%v: needs %d of %d", data, short.Need, short.N)
			}
		case errors.Is(err, ErrNegativeVariance):
			if !(res.Tau.Value <= 0) {
				t.Fatalf("%v: %+v, %v", data, res, err)
			}
		default:
			t.Fatalf("%v gives %v", data, err)
		}
		if finite(res.Tau.Value) && math.Abs(res.Tau.Value-other.Tau.Value) > 1e-7*(1+math.Abs(res.Tau.Value)) {
			t.Fatalf("%v: τ_int = %v, %v after shift and scale", data, res.Tau, other.Tau)
		}
		if finite(res.Mean.Error) && math.Abs(other.Mean.Error/1e100-res.Mean.Error) > 1e-6*(1+res.Mean.Error) {
			t.Fatalf("%v: error %v, %v after shift and scale", data, res.Mean, other.Mean)
		}
	})
}

func BenchmarkIntegratedAutocorrelation(b *testing.B) {
	x := ar1(newRand(1), 100_000, 0.9)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := IntegratedAutocorrelation(x, GammaConfig{}); err != nil {
			b.Fatal(err)
		}
	}
}

// Deviations from their own mean make few entries look anticorrelated, two always.
func TestGammaMethodOfFewEntries(t *testing.T) {
	for n := 2; n < minSamples; n++ {
		for seed := range uint64(50) {
			x := ar1(newRand(seed), n, 0)
			for _, cfg := range []GammaConfig{{}, {Window: WindowSokal}, {Window: WindowFixed, W: 1, Plain: true}, {TauExp: 2}} {
				res, err := GammaMethod([][]float64{x}, cfg)
				var short *TooShortError
				if !errors.As(err, &short) || short.Need < minSamples || short.N != n || !(res.Tau.Value >= 0.5) || !finite(res.Tau.Error) {
					t.Fatalf("%d entries, %+v: %+v, %v", n, cfg, res.Tau, err)
				}
				// At least the error of independent entries with the variance about their mean.
				naive, err := Mean(x)
				if err != nil || !(res.Mean.Error >= naive.Error*math.Sqrt(float64(n-1)/float64(n))*(1-1e-12)) {
					t.Fatalf("%d entries: error %v, independent entries have %v, %v", n, res.Mean, naive, err)
				}
			}
		}
	}
}
