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
	if err != nil || res.Tau.Value != 0.5 || res.Tau.Error != 0 || res.Mean != (Estimate{0.1, 0}) {
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

func BenchmarkIntegratedAutocorrelation(b *testing.B) {
	x := ar1(newRand(1), 100_000, 0.9)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := IntegratedAutocorrelation(x, GammaConfig{}); err != nil {
			b.Fatal(err)
		}
	}
}
