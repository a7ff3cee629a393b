package u1_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

// Local algorithms at couplings where they change the charge by themselves.
func TestLocalKernelsAgainstExact(t *testing.T) {
	for _, c := range []struct {
		w    gauge.Weight
		dims []int
	}{
		{gauge.Wilson{}, []int{3, 3}}, {gauge.Wilson{Beta: 1}, []int{4, 4}}, {gauge.Wilson{Beta: 1}, []int{2, 2}},
		{gauge.Wilson{Beta: -1}, []int{4, 4}}, {gauge.Wilson{Beta: 2}, []int{3, 5}}, {gauge.Wilson{Beta: 1}, []int{1, 3}}, {gauge.Villain{Beta: 0.7}, []int{4, 4}},
	} {
		a := newAction(t, c.w, c.dims...)
		list := solved(t, a)
		check(t, metropolis(t, a), a, 500, 10000, list)
		if _, ok := c.w.(gauge.Wilson); ok {
			check(t, heatBath(t, a), a, 200, 10000, list)
			check(t, cycle(t, heatBath(t, a), overrelaxation(t, a)), a, 200, 10000, list)
		}
	}
}

// With the hop, charges are right where local algorithms are frozen.
func TestFluxHopAgainstExact(t *testing.T) {
	for _, c := range []struct {
		w    gauge.Weight
		dims []int
	}{
		{gauge.Wilson{Beta: 3}, []int{6, 4}}, {gauge.Wilson{Beta: 7}, []int{8, 8}}, {gauge.Wilson{Beta: 11}, []int{16, 16}},
		{gauge.Villain{Beta: 6}, []int{8, 8}},
	} {
		a := newAction(t, c.w, c.dims...)
		list := solved(t, a)
		check(t, must[*mcmc.Cycle](t)(u1.Recommended(a)), a, 200, 2500, list)
		check(t, cycle(t, metropolis(t, a), fluxHop(t, a)), a, 500, 2500, list[:3])
	}
}

// The kernel of the ensemble that hmc makes, with and without moves, and its equilibrium.
func TestHybridMonteCarlo(t *testing.T) {
	for _, beta := range []float64{1, 6} {
		a := newAction(t, gauge.Wilson{Beta: beta}, 8, 8)
		ens, run, err := hmc.Ensemble(context.Background(), a, hmc.EnsembleConfig{
			N: 2400, Chains: 8, Seed: 5,
			Moves: func(int) ([]mcmc.Kernel, error) { return u1.Moves(a) },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range solved(t, a) {
			e := ensembleMean(t, run, ens.Measure(nil, o.f))
			o.compare(t, lattice.Describe(a), e)
		}
	}
}

// Trajectories alone at strong coupling, with links that are never wrapped.
func TestTrajectoriesAlone(t *testing.T) {
	a := newAction(t, gauge.Wilson{Beta: 1}, 4, 4)
	k := must[*hmc.HMC](t)(hmc.New(a, hmc.Config{Length: 2, Jitter: 0.5}))
	// Without a random gauge and centre, Polyakov loops move by the zero modes of the
	// momenta only, which is slow but free of barriers.
	check(t, k, a, 500, 10000, solved(t, a))
}

// Three and four dimensions, where nothing is exact: one sampler against another.
func TestKernelsAgreeInHigherDimensions(t *testing.T) {
	for i, c := range []struct {
		beta float64
		dims []int
	}{{1.5, []int{4, 4, 4}}, {0.9, []int{2, 3, 4}}, {0.9, []int{3, 3, 3, 3}}, {1.2, []int{4, 2, 2, 2}}} {
		a := newAction(t, gauge.Wilson{Beta: c.beta}, c.dims...)
		kernels := map[string]mcmc.Kernel{
			"Metropolis":                    metropolis(t, a),
			"heat bath":                     heatBath(t, a),
			"heat bath, overrelaxation":     cycle(t, heatBath(t, a), overrelaxation(t, a)),
			"hybrid Monte Carlo":            must[*hmc.HMC](t)(hmc.New(a, hmc.Config{})),
			"Metropolis, random gauge":      cycle(t, metropolis(t, a), must[*u1.RandomGauge](t)(u1.NewRandomGauge(a.Layout().Lattice, u1.RandomGaugeConfig{Centre: true}))),
			"recommended in any dimensions": must[*mcmc.Cycle](t)(u1.Recommended(a)),
		}
		loop := func(links []float64) float64 {
			return must[float64](t)(a.WilsonLoop(links, 0, 1, 2, 1))
		}
		var names []string
		var plaquettes, loops []stats.Estimate
		for name := range kernels {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			series := run(t, kernels[name], a, uint64(i), 300, 1400, a.MeanPlaquette, loop)
			plaquettes = append(plaquettes, mean(t, series[0]))
			loops = append(loops, mean(t, series[1]))
		}
		for what, list := range map[string][]stats.Estimate{"plaquette": plaquettes, "2x1 loop": loops} {
			if w := must[stats.Combination](t)(stats.WeightedMean(list)); w.P < 1e-5 {
				t.Errorf("β = %v on %v: %v give the %s %v, χ² = %.1f", c.beta, c.dims, names, what, list, w.Chi2)
			}
		}
	}
}

// Strong coupling in four dimensions: ⟨cos θ⟩ = u + 4(d-2)u⁵u′ + O(u⁹) with u = I_1/I_0, the
// second term from the cubes with the plaquette (R. Balian, J. M. Drouffe and C. Itzykson,
// Phys. Rev. D 11 (1975) 2104).
func TestStrongCoupling(t *testing.T) {
	const beta = 0.5
	c := must[gauge.Coefficients](t)(gauge.Transform(gauge.Wilson{Beta: beta}))
	u := c.Ratio[1]
	slope := 1 - u/beta - u*u
	cubes := 8 * math.Pow(u, 5) * slope
	a := newAction(t, gauge.Wilson{Beta: beta}, 4, 4, 4, 4)
	e := mean(t, run(t, heatBath(t, a), a, 3, 50, 3000, a.MeanPlaquette)[0])
	next := 200 * math.Pow(u, 9)
	if d := math.Abs(e.Value - u - cubes); !(d < 5*e.Error+next) {
		t.Errorf("expected ⟨cos θ⟩ = %.5f + %.5f, got %v", u, cubes, e)
	}
	if cubes < 5*e.Error+next {
		t.Errorf("the test does not see the cubes: %.5f with the error %.5f", cubes, e.Error)
	}
}

// Overrelaxation leaves S as it is, and links in (-π, π].
func TestOverrelaxationConservesAction(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, dims := range [][]int{{2, 2}, {1, 4}, {3, 5}, {2, 3, 4}, {2, 2, 2, 2}} {
		a := newAction(t, gauge.Wilson{Beta: 1.3}, dims...)
		links := make([]float64, a.Layout().Size())
		a.Hot(rng, links)
		before, old := a.Value(links), slices.Clone(links)
		if _, err := overrelaxation(t, a).Step(context.Background(), rng, links); err != nil {
			t.Fatal(err)
		}
		if d := a.Value(links) - before; math.Abs(d) > 1e-9 {
			t.Errorf("%v: S changed by %v", dims, d)
		}
		if slices.Equal(old, links) {
			t.Errorf("%v: nothing moved", dims)
		}
	}
}

// A hop changes the charge by one, and ⟨exp(-ΔS)⟩ = 1 over exact configurations.
func TestFluxHopStep(t *testing.T) {
	a := newAction(t, gauge.Wilson{Beta: 7}, 8, 8)
	torus, exact, hop := newTorus(t, a), newExact(t, a), fluxHop(t, a)
	rng := rand.New(rand.NewPCG(2, 1))
	links := make([]float64, a.Layout().Size())
	var st mcmc.KernelStats
	for range 5000 {
		if err := exact.Draw(rng, links); err != nil {
			t.Fatal(err)
		}
		before, s := torus.Charge(links), a.Value(links)
		info, err := hop.Step(context.Background(), rng, links)
		if err != nil {
			t.Fatal(err)
		}
		st.Add(info)
		if d := torus.Charge(links) - before; info.Accepted && d != 1 && d != -1 || !info.Accepted && d != 0 {
			t.Fatalf("the charge changed by %d, accepted: %v", d, info.Accepted)
		}
		if d := a.Value(links) - s - info.DeltaH; info.Accepted && math.Abs(d) > 1e-9 {
			t.Fatalf("ΔS is %v off", d)
		}
	}
	if m, err := st.MeanExpDeltaH(); math.Abs(m-1) > 5*err {
		t.Errorf("⟨exp(-ΔS)⟩ = %v ± %v", m, err)
	}
	// If ΔS depended on Q alone, detailed balance would make the acceptance
	// Σ_Q min(P(Q), P(Q+1)). Its spread at fixed Q can only lower it, by a few per cent.
	p := must[*gauge.Exact](t)(gauge.NewExact(gauge.Wilson{Beta: 7}, 8, 8)).Charges()
	want := 0.0
	for q := 1; q < len(p); q++ {
		want += 2 * math.Min(p[q-1], p[q])
	}
	if got := st.Acceptance(); got > want+0.02 || got < 0.9*want {
		t.Errorf("acceptance %.3f, expected up to %.3f", got, want)
	}
}

// RandomGauge leaves everything invariant, and the centre only what does not wind.
func TestRandomGauge(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, dims := range [][]int{{4, 6}, {1, 3}, {2, 3, 4}} {
		a := newAction(t, gauge.Wilson{Beta: 2}, dims...)
		for _, centre := range []bool{false, true} {
			k := must[*u1.RandomGauge](t)(u1.NewRandomGauge(a.Layout().Lattice, u1.RandomGaugeConfig{Centre: centre}))
			links := make([]float64, a.Layout().Size())
			a.Hot(rng, links)
			before := a.Value(links)
			p := must[complex128](t)(a.PolyakovLoop(links, 0))
			if _, err := k.Step(context.Background(), rng, links); err != nil {
				t.Fatal(err)
			}
			if d := a.Value(links) - before; math.Abs(d) > 1e-9 {
				t.Errorf("%v, centre %v: S changed by %v", dims, centre, d)
			}
			q := must[complex128](t)(a.PolyakovLoop(links, 0))
			if d := real(p)*real(p) + imag(p)*imag(p) - real(q)*real(q) - imag(q)*imag(q); math.Abs(d) > 1e-9 {
				t.Errorf("%v, centre %v: |Polyakov loop|² changed by %v", dims, centre, d)
			}
			if moved := math.Hypot(real(p-q), imag(p-q)) > 1e-9; moved != centre {
				t.Errorf("%v, centre %v: Polyakov loop %v became %v", dims, centre, p, q)
			}
		}
	}
}

func TestKernelErrors(t *testing.T) {
	villain, cube := newAction(t, gauge.Villain{Beta: 1}, 4, 4), newAction(t, gauge.Wilson{Beta: 1}, 2, 2, 2)
	scalar := must[*lattice.Phi4](t)(lattice.NewPhi4(villain.Layout().Lattice, 0.1, 0.1))
	for name, err := range map[string]error{
		"heat bath without action":        second(u1.NewHeatBath(nil)),
		"heat bath of Villain":            second(u1.NewHeatBath(villain)),
		"overrelaxation without action":   second(u1.NewOverrelaxation(nil)),
		"overrelaxation of Villain":       second(u1.NewOverrelaxation(villain)),
		"hop without action":              second(u1.NewFluxHop(nil)),
		"hop in three dimensions":         second(u1.NewFluxHop(cube)),
		"hop of a scalar":                 second(u1.NewFluxHop(scalar)),
		"gauge without lattice":           second(u1.NewRandomGauge(nil, u1.RandomGaugeConfig{})),
		"moves without action":            second(u1.Moves(nil)),
		"moves of a scalar":               second(u1.Moves(scalar)),
		"recommended without action":      second(u1.Recommended(nil)),
		"exact without action":            second(u1.NewExact(nil)),
		"exact sampling of a cube":        second(u1.NewExact(cube)),
		"exact with an unresolved weight": second(u1.NewExact(newAction(t, gauge.Wilson{Beta: 1e12}, 2, 2))),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	a := newAction(t, gauge.Wilson{Beta: 1}, 4, 4)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, k := range []mcmc.Kernel{heatBath(t, a), overrelaxation(t, a), fluxHop(t, a), newExact(t, a), must[*u1.RandomGauge](t)(u1.NewRandomGauge(a.Layout().Lattice, u1.RandomGaugeConfig{}))} {
		if _, err := k.Step(context.Background(), rng, make([]float64, 31)); err == nil {
			t.Errorf("%T accepted 31 links", k)
		}
	}
	links := make([]float64, 32)
	links[7] = math.NaN()
	if _, err := fluxHop(t, a).Step(context.Background(), rng, links); err == nil {
		t.Error("the hop accepted links that are not finite")
	}
}

func second[T any](_ T, err error) error { return err }

// The same seed gives the same chain.
func TestReproducible(t *testing.T) {
	a := newAction(t, gauge.Wilson{Beta: 2}, 4, 4)
	var fields [2]string
	for i := range fields {
		k := cycle(t, must[*mcmc.Cycle](t)(u1.Recommended(a)), metropolis(t, a), newExact(t, a), heatBath(t, a))
		series := run(t, k, a, 9, 4, 4, func(links []float64) float64 { return links[5] })
		fields[i] = fmt.Sprint(series)
	}
	if fields[0] != fields[1] {
		t.Errorf("two chains of one seed: %s and %s", fields[0], fields[1])
	}
}
