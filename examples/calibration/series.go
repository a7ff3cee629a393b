package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/stats"
)

// mode is a part of a series: an autoregressive process of unit variance times √share.
type mode struct {
	a     float64 // correlation of neighbours
	share float64
}

// tauInt returns (1+a)/(1-a)/2, averaged with the shares.
func tauInt(modes []mode) float64 {
	tau := 0.0
	for _, m := range modes {
		tau += m.share * (1 + m.a) / (1 - m.a) / 2
	}
	return tau
}

// slowest returns the exponential autocorrelation time of the slowest mode, 0 where it is that
// of noise.
func slowest(modes []mode) float64 {
	a := 0.0
	for _, m := range modes {
		a = max(a, m.a)
	}
	if a == 0 {
		return 0
	}
	return -1 / math.Log(a)
}

// ofTau returns the process of a given τ_int.
func ofTau(tau float64) []mode { return []mode{{(2*tau - 1) / (2*tau + 1), 1}} }

// draw returns a stationary series.
func draw(rng *rand.Rand, n int, modes []mode) []float64 {
	x := make([]float64, n)
	for _, m := range modes {
		v, noise, size := rng.NormFloat64(), math.Sqrt(1-m.a*m.a), math.Sqrt(m.share)
		for i := range x {
			x[i] += size * v
			v = m.a*v + noise*rng.NormFloat64()
		}
	}
	return x
}

// errorOfMean returns the exact error of the mean of n entries,
// 1/n² Σ_ij C(i-j) = 1/n [1 + 2 Σ_t (1 - t/n) a^t].
func errorOfMean(n int, modes []mode) float64 {
	variance := 0.0
	for _, m := range modes {
		sum, power := 1.0, 1.0
		for t := 1; t < n; t++ {
			power *= m.a
			sum += 2 * (1 - float64(t)/float64(n)) * power
		}
		variance += m.share * sum / float64(n)
	}
	return math.Sqrt(variance)
}

// times are the τ_int of the series of one mode.
var times = []float64{0.5, 2, 10, 50, 150}

func seriesName(tau float64) string { return fmt.Sprintf("series_tau_%g", tau) }

// replicaCount is the number of chains that a series is divided into.
const replicaCount = 16

// seriesStudies are the autoregressive series.
func seriesStudies(o options) ([]study, error) {
	var out []study
	for _, tau := range times {
		out = append(out, seriesStudy(o, seriesName(tau), fmt.Sprintf("series, τ_int = %g", tau), ofTau(tau)))
	}
	slow := []mode{{0, 0.9}, {ofTau(50)[0].a, 0.1}}
	return append(out, seriesStudy(o, "series_two_modes", fmt.Sprintf("series, 10 %% with τ_int = 50 beside noise, τ_int = %.3g", tauInt(slow)), slow)), nil
}

func seriesStudy(o options, name, title string, modes []mode) study {
	tau, exact := tauInt(modes), errorOfMean(o.entries, modes)
	return study{name, title, func(_ context.Context, s *set) error {
		x := draw(s.rng, o.entries, modes)
		g, gErr := stats.GammaMethod([][]float64{x}, stats.GammaConfig{})
		errs := []error{
			s.add("mean_gamma", g.Mean, 0, gErr),
			s.add("tau_int", g.Tau.Estimate, tau, gErr),
			s.add("error_of_mean", stats.Estimate{Value: g.Mean.Error, Error: g.ErrorOfError}, exact, gErr),
		}
		tail, err := stats.GammaMethod([][]float64{x}, stats.GammaConfig{TauExp: slowest(modes)})
		errs = append(errs, s.add("mean_tail", tail.Mean, 0, err), s.add("tau_int_tail", tail.Tau.Estimate, tau, err))

		sokal, err := stats.GammaMethod([][]float64{x}, stats.GammaConfig{Window: stats.WindowSokal})
		errs = append(errs, s.add("mean_sokal", sokal.Mean, 0, err), s.add("tau_int_sokal", sokal.Tau.Estimate, tau, err))

		chains := make([][]float64, replicaCount)
		for r := range chains {
			chains[r] = draw(s.rng, o.entries/replicaCount, modes)
		}
		g, err = stats.GammaMethod(chains, stats.GammaConfig{})
		errs = append(errs, s.add("mean_16_replicas", g.Mean, 0, err), s.add("tau_int_16_replicas", g.Tau.Estimate, tau, err))

		half := stats.Replica{}
		for i, v := range x {
			if s.rng.IntN(2) == 0 {
				half.Steps, half.Values = append(half.Steps, i), append(half.Values, v)
			}
		}
		g, err = stats.GammaMethodSteps([]stats.Replica{half}, stats.GammaConfig{})
		errs = append(errs, s.add("mean_half_measured", g.Mean, 0, err), s.add("tau_int_half_measured", g.Tau.Estimate, tau, err))

		mean := func(m []float64) float64 { return m[0] }
		j, err := stats.Jackknife([][]float64{x}, 0, mean)
		errs = append(errs, s.add("mean_jackknife", j, 0, err))
		b, err := stats.Bootstrap([][]float64{x}, stats.BootstrapConfig{Seed: s.seed}, mean)
		return errors.Join(append(errs, s.add("mean_bootstrap", b.Estimate, 0, err))...)
	}}
}
