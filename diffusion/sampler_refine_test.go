package diffusion_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// exactFreeField draws n configurations with the given spectrum.
func exactFreeField(lat *lattice.Lattice, spectrum []float64, n int) *lattice.Ensemble {
	fourier := lattice.NewFourier(lat)
	rng := rand.New(rand.NewPCG(21, 22))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), n)
	for range n {
		ens.Append(fourier.Gaussian(nil, spectrum, rng))
	}
	return ens
}

// Refining leaves the exact distribution as it is, at a step size where Langevin
// dynamics without the accept step would not.
func TestRefineIsExact(t *testing.T) {
	m, spectrum := freeField(0.22, 16, 16)
	action := must(lattice.NewFreeField(m.Lattice(), 0.22))
	const n, step = 300, 0.08
	ens := exactFreeField(m.Lattice(), spectrum, n)
	ens.Params["kappa"] = 0.22
	ens.Extra["action"] = ens.Measure(nil, action.Value)
	before := slices.Clone(ens.Data)
	refined, acceptance, err := diffusion.Refine(t.Context(), action, ens, diffusion.RefineConfig{Steps: 30, Step: step, Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	compareSpectrum(t, "refined", refined, spectrum)
	// The stationary variance of the unadjusted step is C/(1 - Δτ/2C).
	bias := 0.0
	for _, c := range spectrum {
		bias += (1/(1-step/(2*c)) - 1) / float64(len(spectrum))
	}
	if bias < 8*math.Sqrt(2./(n*256)) {
		t.Errorf("the test cannot see a missing accept step: bias %v", bias)
	}
	if acceptance < 0.3 || acceptance > 0.9 {
		t.Errorf("acceptance %v", acceptance)
	}
	moved := 0.0
	for i, v := range refined.Data {
		moved += (v - before[i]) * (v - before[i]) / float64(len(before))
	}
	if moved < 0.3 || !slices.Equal(ens.Data, before) {
		t.Errorf("mean square displacement %v", moved)
	}
	if refined.Params["kappa"] != 0.22 || len(refined.Extra) != 0 {
		t.Errorf("the refined ensemble holds %v and %d arrays", refined.Params, len(refined.Extra))
	}
}

// The same with an interaction: the moments of the double well by quadrature, and the
// acceptance of an independent implementation.
func TestRefineToy(t *testing.T) {
	action := must(lattice.NewToy(-1, 0.4))
	exact := newToy(action)
	lat := must(lattice.New(1))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), 0)
	const n, step = 40000, 0.4
	ens.Data = exact.sample(rand.New(rand.NewPCG(5, 6)), n)
	refined, acceptance, err := diffusion.Refine(t.Context(), action, ens, diffusion.RefineConfig{Steps: 5, Step: step, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	moment := func(p float64) float64 {
		s := 0.0
		for i, x := range exact.x {
			s += exact.w[i] * math.Pow(x, p)
		}
		return s
	}
	for _, p := range []float64{1, 2, 4} {
		got := 0.0
		for _, phi := range refined.Data {
			got += math.Pow(phi, p) / n
		}
		want, err := moment(p), math.Sqrt((moment(2*p)-moment(p)*moment(p))/n)
		if math.Abs(got-want) > 5*err {
			t.Errorf("⟨φ^%v⟩ = %v, want %v, error %v", p, got, want, err)
		}
	}
	kernel := must(mcmc.NewMALA(action, mcmc.MALAConfig{Step: step}))
	rng := rand.New(rand.NewPCG(7, 8))
	expected := 0.0
	for _, phi := range ens.Data {
		info := must(kernel.Step(rng, []float64{phi}))
		expected += info.AcceptProb / n
	}
	// Both are means of at least n events of variance below ¼, those of a chain of five
	// steps at worst fully correlated.
	if math.Abs(acceptance-expected) > 5*math.Sqrt(0.5/n) {
		t.Errorf("acceptance %v, of the Markov-chain package %v", acceptance, expected)
	}
}

// What is left of the noise of a reverse process that stops too early goes away.
func TestRefineRepairs(t *testing.T) {
	m, spectrum := freeField(0.22, 16, 16)
	action := must(lattice.NewFreeField(m.Lattice(), 0.22))
	const n, sigma = 300, 0.3
	ens, err := diffusion.Ancestral(t.Context(), goBackend(t), m, n, diffusion.SampleConfig{Levels: []float64{20, 2, sigma}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	compareSpectrum(t, "unrefined", ens, noisy(spectrum, sigma))
	done := 0
	refined, _, err := diffusion.Refine(t.Context(), action, ens, diffusion.RefineConfig{Steps: 60, Step: 0.06, Progress: func(d, total int) {
		done++
		if d != done || total != n {
			t.Errorf("progress %d of %d after %d", d, total, done)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if done != n {
		t.Errorf("%d configurations reported", done)
	}
	// After the time 3.6 times the acceptance of about 0.8, the excess σ² of the slowest
	// mode, 2 % of its C = 4.2, has fallen to a quarter: far below its error.
	compareSpectrum(t, "refined", refined, spectrum)
}

func TestRefineReproducible(t *testing.T) {
	m, spectrum := freeField(0.2, 4, 4)
	action := must(lattice.NewPhi4(m.Lattice(), 0.2, 0.1))
	ens := exactFreeField(m.Lattice(), spectrum, 20)
	refine := func(seed uint64) []float64 {
		r, _, err := diffusion.Refine(t.Context(), action, ens, diffusion.RefineConfig{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return r.Data
	}
	first := refine(1)
	if slices.Equal(first, refine(2)) {
		t.Error("the result does not depend on the seed")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if !slices.Equal(first, refine(1)) {
		t.Error("the result depends on the number of cores")
	}
}

func TestRefineErrors(t *testing.T) {
	m, spectrum := freeField(0.2, 4, 4)
	action := must(lattice.NewFreeField(m.Lattice(), 0.2))
	ens := exactFreeField(m.Lattice(), spectrum, 2)
	for _, cfg := range []diffusion.RefineConfig{{Steps: -1}, {Step: -1}, {Step: math.NaN()}, {Step: math.Inf(1)}} {
		if _, _, err := diffusion.Refine(t.Context(), action, ens, cfg); err == nil {
			t.Errorf("%+v accepted", cfg)
		}
	}
	infinite := exactFreeField(m.Lattice(), spectrum, 2)
	infinite.Data[3] = math.Inf(1)
	huge := exactFreeField(m.Lattice(), spectrum, 2)
	huge.Data[3] = 1e200
	for name, e := range map[string]*lattice.Ensemble{
		"nil": nil, "empty": lattice.NewEnsemble(lattice.Scalar(m.Lattice()), 0), "infinite": infinite, "of infinite action": huge,
		"on another lattice": lattice.NewEnsemble(lattice.Scalar(must(lattice.New(2, 8))), 0),
	} {
		if _, _, err := diffusion.Refine(t.Context(), action, e, diffusion.RefineConfig{}); err == nil {
			t.Errorf("an ensemble that is %s was accepted", name)
		}
	}
	if _, _, err := diffusion.Refine(t.Context(), nil, ens, diffusion.RefineConfig{}); err == nil {
		t.Error("a nil action was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := diffusion.Refine(ctx, action, ens, diffusion.RefineConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
