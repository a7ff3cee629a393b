package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// driven returns y_i = 0.7 y_{i-1} + u_i with u of a linear congruential generator, which other
// languages can repeat to the last bit, and for each entry whether to keep it, 2 of 3.
func driven(n int) (x []float64, keep []bool) {
	s, y := uint64(1), 0.0
	for range n {
		s = (1103515245*s + 12345) % (1 << 31)
		y = 0.7*y + float64(s)/(1<<31)
		x = append(x, y)
		keep = append(keep, s>>16%3 != 0)
	}
	return x, keep
}

// The values of Obs.gamma_method() of the Python package pyerrors 2.17.0 for the same series:
// with random gaps, complete, and with a stride. With gaps the error of the mean is pyerrors'
// times the root of the part of the autocorrelation that contributes, and that of τ_int, which
// counts what was measured as without gaps there, times that part over √f, f = 2/3.
func TestGammaMethodStepsAgainstPyerrors(t *testing.T) {
	x, keep := driven(2000)
	gaps, strided := Replica{}, Replica{}
	for i, v := range x {
		if keep[i] {
			gaps.Steps, gaps.Values = append(gaps.Steps, i+1), append(gaps.Values, v)
		}
		if i%4 == 0 {
			strided.Steps, strided.Values = append(strided.Steps, i+3), append(strided.Values, v)
		}
	}
	for _, c := range []struct {
		name                       string
		replica                    Replica
		spacing, window            int
		tau, tauError, err, factor float64
		measured                   float64 // part of the steps
	}{
		{"gaps", gaps, 1, 19, 2.7591377252517213, 0.5956963454724252, 0.026981184741539575, 0.85, 1366. / 2000},
		{"complete", Replica{Values: x}, 1, 19, 2.6834541590319207, 0.4836734528472391, 0.0218663228047706, 1, 1},
		{"stride", strided, 4, 5, 0.6829105118226142, 0.13161930044476125, 0.021890658758020713, 1, 1},
	} {
		r, err := GammaMethodSteps([]Replica{c.replica}, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Spacing != c.spacing || r.Tau.Window != c.window || math.Abs(r.Tau.Value-c.tau) > 1e-10 {
			t.Errorf("%s: τ_int = %+v in units of %d, pyerrors has %v(%v), window %d", c.name, r.Tau, r.Spacing, c.tau, c.tauError, c.window)
		}
		part := r.Mean.Error / c.err
		if want := part * part / math.Sqrt(c.measured) * c.tauError; math.Abs(r.Tau.Error/want-1) > 0.02 {
			t.Errorf("%s: the error of τ_int is %v, want %v", c.name, r.Tau.Error, want)
		}
		if c.factor == 1 && math.Abs(part-1) > 1e-10 || math.Abs(part-c.factor) > 0.02 {
			t.Errorf("%s: the error of the mean is %v of pyerrors', want %v", c.name, part, c.factor)
		}
		if ess := float64(r.N) / r.ESS() / 2; c.factor == 1 && math.Abs(ess-c.tau) > 1e-10 {
			t.Errorf("%s: N/(2 ESS) = %v, want τ_int", c.name, ess)
		}
	}
}

// Replicas without gaps give what GammaMethod gives; with gaps and different strides the
// autocorrelation function is that of sums over all pairs of steps.
func TestGammaMethodSteps(t *testing.T) {
	rng := newRand(5)
	a, b := ar1(rng, 900, 0.8), ar1(rng, 700, 0.8)
	want, err := GammaMethod([][]float64{a, b}, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	steps := make([]int, len(b))
	for i := range steps {
		steps[i] = 17 + i
	}
	got, err := GammaMethodSteps([]Replica{{Values: a}, {steps, b}}, GammaConfig{})
	if err != nil || got.Mean != want.Mean || got.Tau != want.Tau || got.Spacing != 1 {
		t.Errorf("without gaps: %+v, %v, want %+v", got, err, want)
	}

	replicas := []Replica{gapped(rng, a, 3, 0.7), gapped(rng, b, 6, 1)}
	got, err = GammaMethodSteps(replicas, GammaConfig{})
	if err != nil || got.Spacing != 3 {
		t.Fatalf("spacing %d, want 3 (%v)", got.Spacing, err)
	}
	mean, n := 0.0, 0.0
	for _, r := range replicas {
		mean, n = mean+sum(r.Values), n+float64(len(r.Values))
	}
	mean /= n
	gamma := make([]float64, len(got.Rho))
	for lag := range gamma {
		pairs := 0.0
		for _, r := range replicas {
			for i, v := range r.Values {
				for j, u := range r.Values {
					if r.Steps[j]-r.Steps[i] == 3*lag {
						gamma[lag] += (v - mean) * (u - mean)
						pairs++
					}
				}
			}
		}
		gamma[lag] /= pairs
		if rho := gamma[lag] / gamma[0]; math.Abs(got.Rho[lag]-rho) > 1e-12 {
			t.Errorf("ρ(%d) = %v, want %v", lag, got.Rho[lag], rho)
		}
	}
}

// gapped puts a series on every stride-th step and keeps a fraction of it.
func gapped(rng *rand.Rand, x []float64, stride int, fraction float64) Replica {
	r := Replica{}
	for i, v := range x {
		if rng.Float64() < fraction {
			r.Steps, r.Values = append(r.Steps, stride*i), append(r.Values, v)
		}
	}
	return r
}

// With half of the steps measured at random beside a chain of twice the stride, the pulls of
// the mean have the variance 1, and those with 2τ_int C(0)/N for its square, whatever pairs were
// measured, less.
func TestGammaMethodStepsPulls(t *testing.T) {
	const seeds, n, a = 400, 3000, 0.9
	var pulls, naive, tau []float64
	for seed := range seeds {
		rng := newRand(uint64(seed))
		x, y := ar1(rng, n, a), ar1(rng, n, a)
		every := make([]float64, 0, n/2)
		for i := 0; i < n; i += 2 {
			every = append(every, y[i])
		}
		r, err := GammaMethodSteps([]Replica{gapped(rng, x, 1, 0.5), gapped(rng, every, 2, 1)}, GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, r.Mean.Pull(0))
		tau = append(tau, r.Tau.Pull(ar1Tau(a)))
		naive = append(naive, r.Mean.Value/math.Sqrt(2*r.Tau.Value*r.Variance/float64(r.N)))
	}
	within(t, "mean pull", average(pulls), 0, 1/math.Sqrt(seeds), 5)
	within(t, "variance of the pulls of τ_int", sampleVariance(tau), 1, math.Sqrt(2.0/seeds), 5)
	within(t, "variance of the pulls", sampleVariance(pulls), 1, math.Sqrt(2.0/seeds), 5)
	// 2τ = 19, of which 1 + 18/2 counts.
	within(t, "variance of the pulls without regard to the gaps", sampleVariance(naive), 10.0/19, math.Sqrt(2.0/seeds)*10/19, 5)
}

func TestGammaMethodStepsErrors(t *testing.T) {
	for name, r := range map[string][]Replica{
		"no replica":          nil,
		"too few steps":       {{Steps: []int{1}, Values: []float64{1, 2}}},
		"descending":          {{Steps: []int{1, 3, 2}, Values: []float64{1, 2, 3}}},
		"twice":               {{Steps: []int{1, 1}, Values: []float64{1, 2}}},
		"a long chain":        {{Steps: []int{0, 1, 1 << 30}, Values: []float64{1, 2, 4}}},
		"distances overflow":  {{Steps: []int{math.MinInt, 0, math.MaxInt}, Values: []float64{1, 2, 4}}},
		"no pair at distance": {{Steps: []int{0, 2, 4, 6, 8}, Values: []float64{1, 5, 2, 2, 4}}, {Steps: []int{0, 3, 6}, Values: []float64{2, 1, 4}}},
	} {
		if got, err := GammaMethodSteps(r, GammaConfig{}); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := GammaMethodSteps([]Replica{{Values: []float64{1, math.NaN()}}}, GammaConfig{}); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN: %v", err)
	}
	if _, err := GammaMethodSteps([]Replica{{}}, GammaConfig{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty replica: %v", err)
	}
	var short *TooShortError
	if _, err := GammaMethodSteps([]Replica{{Steps: []int{7}, Values: []float64{1}}}, GammaConfig{}); !errors.As(err, &short) {
		t.Errorf("a single measurement: %v", err)
	}
}
