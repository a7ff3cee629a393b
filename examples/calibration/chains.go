package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/mcmc/phi4"
	"github.com/latdiff/latdiff/stats"
)

// thermalised is the number of sweeps before a chain is measured.
const thermalised = 300

// The ring of φ⁴ theory.
const ringSites, ringKappa, ringLambda = 8, 0.3, 0.1

// theory is an action with its exact observables.
type theory struct {
	action *lattice.Phi4
	exact  phi4.Exact
	binder float64
}

// chainStudies are Metropolis chains of theories that are solved.
func chainStudies(o options) ([]study, error) {
	free, err := solve(0.2, 0, 4, 4)
	if err != nil {
		return nil, err
	}
	ring, err := solve(ringKappa, ringLambda, ringSites)
	if err != nil {
		return nil, err
	}
	m2, m4 := ringMoments(ringSites, ringKappa, ringLambda)
	ring.binder = 1 - m4/(3*m2*m2)
	q := newGaussian(ring)
	return []study{
		{"free_field", "Metropolis, free field on 4x4, κ = 0.2", func(ctx context.Context, s *set) error {
			return free.observables(ctx, s, o.entries)
		}},
		{"ring", "Metropolis, φ⁴ on a ring of 8", func(ctx context.Context, s *set) error {
			return ring.observables(ctx, s, o.entries)
		}},
		{"ring_log_z", "log Z of φ⁴ on a ring of 8", func(ctx context.Context, s *set) error {
			return ring.logZ(ctx, s, q, o)
		}},
	}, nil
}

// solve returns the theory; the Binder cumulant is that of a Gaussian.
func solve(kappa, lambda float64, dims ...int) (theory, error) {
	lat, err := lattice.New(dims...)
	if err != nil {
		return theory{}, err
	}
	t := theory{}
	if t.action, err = lattice.NewPhi4(lat, kappa, lambda); err != nil {
		return t, err
	}
	t.exact, err = phi4.Solve(t.action.Layout(), kappa, lambda)
	return t, err
}

// run makes a Metropolis chain and calls visit after every sweep.
func (t theory) run(ctx context.Context, s *set, sweeps int, visit func(phi []float64)) error {
	k, err := mcmc.NewMetropolis(t.action, mcmc.MetropolisConfig{})
	if err != nil {
		return err
	}
	start := make([]float64, t.action.Layout().Size())
	for i := range start {
		start[i] = s.rng.NormFloat64()
	}
	chain, err := mcmc.NewChain(k, start, s.seed, 1)
	if err != nil {
		return err
	}
	if err := chain.Thermalise(ctx, thermalised); err != nil {
		return err
	}
	for range sweeps {
		if err := chain.Run(ctx, 1); err != nil {
			return err
		}
		visit(chain.Field())
	}
	return nil
}

// observables compares those of package measure, and those of package stats with the
// jackknife.
func (t theory) observables(ctx context.Context, s *set, sweeps int) error {
	volume := t.action.Layout().Volume()
	series := measure.Series{Volume: volume}
	observables := measure.Observables(t.action)
	err := t.run(ctx, s, sweeps, func(phi []float64) {
		for k, x := range []*[]float64{&series.M, &series.Action, &series.Phi2, &series.Phi4} {
			*x = append(*x, observables[k].Func(phi))
		}
	})
	if err != nil {
		return err
	}
	values, err := measure.Chain(series)
	if err != nil {
		return err
	}
	var errs []error
	for _, q := range []struct {
		name  string
		truth float64
	}{
		{measure.AbsM, t.exact.AbsM}, {measure.Chi2, t.exact.Chi}, {measure.Binder, t.binder},
		{measure.ActionDensity, t.exact.ActionDensity}, {measure.Phi2, t.exact.Phi2}, {measure.Phi4, t.exact.Phi4},
	} {
		if math.IsNaN(q.truth) {
			continue // ⟨|M|⟩ of the ring
		}
		e, _ := values.Get(q.name)
		errs = append(errs, s.add(q.name+"_gamma", e, q.truth, nil))
	}
	e, err := stats.Susceptibility(series.M, volume, 0)
	errs = append(errs, s.add("chi2_jackknife", e, t.exact.Chi, err))
	e, err = stats.BinderCumulant(series.M, 0)
	errs = append(errs, s.add("binder_jackknife", e, t.binder, err))
	two, four := make([]float64, len(series.M)), make([]float64, len(series.M))
	for i, m := range series.M {
		two[i], four[i] = m*m, m*m*m*m
	}
	b, err := stats.Bootstrap([][]float64{two, four}, stats.BootstrapConfig{Seed: s.seed}, func(m []float64) float64 {
		return 1 - m[1]/(3*m[0]*m[0])
	})
	return errors.Join(append(errs, s.add("binder_bootstrap", b.Estimate, t.binder, err))...)
}

// cumulantStudies are the Binder cumulants of independent Gaussian magnetisations.
func cumulantStudies(options) ([]study, error) {
	var out []study
	for _, n := range []int{100, 500, 1000, 4000} {
		out = append(out, study{fmt.Sprintf("gaussian_m_%d", n), fmt.Sprintf("%d Gaussian magnetisations", n), func(_ context.Context, s *set) error {
			m := draw(s.rng, n, ofTau(0.5))
			e, err := stats.BinderCumulant(m, 0)
			return s.add("binder_jackknife", e, 0, err)
		}})
	}
	return out, nil
}

// logZ compares the four routes to log Z with the transfer matrix.
func (t theory) logZ(ctx context.Context, s *set, q gaussian, o options) error {
	truth := t.exact.LogZ
	drawn := make([]float64, o.weights)
	phi := make([]float64, ringSites)
	for i := range drawn {
		drawn[i] = -q.draw(s.rng, phi)
		drawn[i] -= t.action.Value(phi)
	}
	w, err := stats.LogWeightStats(drawn)
	if err != nil {
		return err
	}
	s.kHat = w.ParetoK
	errs := []error{s.addWeighted("log_z_draws", w.LogZ, truth, w.ParetoK, o.weights, nil)}

	// Every measurement for the bridge, which knows autocorrelation, and those far apart, which
	// are independent, for the mean of 1/w.
	var chain, apart []float64
	err = t.run(ctx, s, o.entries, func(phi []float64) {
		l := -t.action.Value(phi) - q.logDensity(phi)
		if len(chain)%independentAfter == 0 {
			apart = append(apart, l)
		}
		chain = append(chain, l)
	})
	if err != nil {
		return err
	}
	e, k, err := reverse(apart)
	if err != nil {
		return err
	}
	errs = append(errs, s.addWeighted("log_z_theory", e, truth, k, len(apart), nil))
	e, err = stats.BridgeLogZ(drawn, chain)
	errs = append(errs, s.add("log_z_bridge", e, truth, err))

	path, err := phi4.HoppingPath(t.action.Layout(), ringKappa, ringLambda)
	if err != nil {
		return err
	}
	a, err := mcmc.Anneal(ctx, path, mcmc.AnnealConfig{Thermalisation: 20, Seed: s.seed, Workers: 1})
	if err != nil {
		return err
	}
	errs = append(errs, s.add("log_z_annealing", a.LogZ, truth, nil))
	r, err := mcmc.ThermodynamicIntegration(ctx, path, mcmc.ThermodynamicConfig{
		Nodes: 8, Thermalisation: 50, Steps: 200, Seed: s.seed, Workers: 1,
	})
	if err != nil {
		return err
	}
	return errors.Join(append(errs, s.add("log_z_thermodynamic", r.LogZ, truth, nil))...)
}

// independentAfter is a number of sweeps far above the τ_int of log w on the ring.
const independentAfter = 40

// ringMoments returns ⟨(Σφ)²⟩ and ⟨(Σφ)⁴⟩ on a ring of n sites, n a power of two, from the
// transfer matrix with a source, Z(h) = ∫ exp(-S + hΣφ), as a power series in h to fourth order
// on a grid of field values: the trapezoidal rule converges exponentially for such integrands.
func ringMoments(n int, kappa, lambda float64) (second, fourth float64) {
	const reach, nodes, order = 6.0, 121, 5
	step := 2 * reach / (nodes - 1)
	// power[k] is the coefficient of h^k of the product of some transfer matrices.
	power := make([][]float64, order)
	factorial := 1.0
	for k := range power {
		if k > 0 {
			factorial *= float64(k)
		}
		power[k] = make([]float64, nodes*nodes)
		for i := range nodes {
			for j := range nodes {
				x, y := -reach+float64(i)*step, -reach+float64(j)*step
				v := func(x float64) float64 { return (1-2*lambda)*x*x + lambda*x*x*x*x }
				power[k][i*nodes+j] = step * math.Exp(2*kappa*x*y-v(x)/2-v(y)/2) * math.Pow(y, float64(k)) / factorial
			}
		}
	}
	for ; n > 1; n /= 2 {
		power = square(power, nodes)
	}
	var z [order]float64
	for k := range z {
		for i := range nodes {
			z[k] += power[k][i*nodes+i]
		}
	}
	return 2 * z[2] / z[0], 24 * z[4] / z[0]
}

// square returns the square of a series of matrices, to the same order.
func square(a [][]float64, n int) [][]float64 {
	out := make([][]float64, len(a))
	for k := range out {
		out[k] = make([]float64, n*n)
		for l := range k + 1 {
			for i := range n {
				row := out[k][i*n : (i+1)*n]
				for m, x := range a[l][i*n : (i+1)*n] {
					for j, y := range a[k-l][m*n : (m+1)*n] {
						row[j] += x * y
					}
				}
			}
		}
	}
	return out
}
