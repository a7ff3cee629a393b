package mcmc_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// TestDMMCAcceptance compares with the exact laws for Gaussian log-weights of
// standard deviation s: acceptance erfc(s/2), ESS e^{-s²}.
func TestDMMCAcceptance(t *testing.T) {
	const n = 200000
	for _, s := range []float64{0.2, 0.6, 1.2} {
		rng := rand.New(rand.NewPCG(11, 1))
		logw := make([]float64, n)
		for i := range logw {
			logw[i] = 100 + s*rng.NormFloat64()
		}
		r := must[mcmc.DMMCResult](t)(mcmc.DMMC(rng, logw))
		accepts := make([]float64, n-1)
		longest, run, accepted := 0, 0, 0
		for i := 1; i < n; i++ {
			if run++; r.Index[i] != r.Index[i-1] {
				if r.Index[i] != i {
					t.Fatalf("expected proposal %d or a rejection, got %d", i, r.Index[i])
				}
				accepts[i-1], run = 1, 0
				accepted++
			}
			longest = max(longest, run)
		}
		if accepted != r.Accepted || longest != r.LongestRejection {
			t.Errorf("s = %v: expected %d accepted and longest run %d, got %d and %d",
				s, accepted, longest, r.Accepted, r.LongestRejection)
		}
		checkPull(t, "acceptance", gamma(t, accepts), math.Erfc(s/2))
		checkPull(t, "predicted acceptance", r.Weights.Acceptance, math.Erfc(s/2))
		checkPull(t, "ESS", r.Weights.ESS, math.Exp(-s*s))
	}
}

func TestDMMCFailedProposals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	inf, nan := math.Inf(1), math.NaN()
	r := must[mcmc.DMMCResult](t)(mcmc.DMMC(rng, []float64{nan, inf, 0, nan, -inf, inf, 50, nan}))
	if want := []int{2, 2, 2, 2, 6, 6}; !slices.Equal(r.Index, want) {
		t.Errorf("expected states %v, got %v", want, r.Index)
	}
	if r.NonFinite != 6 || r.Accepted != 1 || r.LongestRejection != 3 || r.Acceptance != 0.2 {
		t.Errorf("got %+v", r)
	}
	for _, logw := range [][]float64{nil, {nan, -inf}} {
		if _, err := mcmc.DMMC(rng, logw); err == nil {
			t.Errorf("log-weights %v: expected an error", logw)
		}
	}
	single := must[mcmc.DMMCResult](t)(mcmc.DMMC(rng, []float64{1}))
	if !math.IsNaN(single.Acceptance) || !slices.Equal(single.Index, []int{0}) {
		t.Errorf("got %+v", single)
	}
}

// TestDMMCMoments: a wrong Gaussian model of the double well, corrected by DM-MC,
// gives the moments of the quadrature.
func TestDMMCMoments(t *testing.T) {
	const n = 100000
	toy := must[*lattice.Toy](t)(lattice.NewToy(-1, 0.4))
	exact := quadrature(func(x float64) float64 { return -x*x/2 + 0.4/24*x*x*x*x })
	cfgs, logq := proposals(t, n, 1, 3)
	pool := must[*mcmc.Pool](t)(mcmc.NewPool(cfgs, logq, toy))
	r := must[mcmc.DMMCResult](t)(pool.DMMC(rand.New(rand.NewPCG(8, 8))))
	m2, m4 := make([]float64, n), make([]float64, n)
	for i, j := range r.Index {
		x := cfgs.Config(j)[0]
		m2[i], m4[i] = x*x, x*x*x*x
	}
	checkPull(t, "φ²", gamma(t, m2), exact.m2)
	checkPull(t, "φ⁴", gamma(t, m4), exact.m4)

	// The kernel that consumes the pool makes the same chain, given the same numbers.
	k := independence(t, toy, pool)
	rng := rand.New(rand.NewPCG(8, 8))
	phi := make([]float64, 1)
	rng.ExpFloat64()
	if err := k.Start(t.Context(), rng, phi); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < n; i++ {
		if _, err := k.Step(t.Context(), rng, phi); err != nil {
			t.Fatal(err)
		}
		if phi[0] != cfgs.Config(r.Index[i])[0] {
			t.Fatalf("the kernel and DMMC differ at time %d", i)
		}
	}
	if _, err := k.Step(t.Context(), rng, phi); !errors.Is(err, mcmc.ErrPoolExhausted) || pool.Remaining() != 0 {
		t.Errorf("expected an exhausted pool, got %v", err)
	}
}

// proposals draws n Gaussian fields of the given width with their log q.
func proposals(t testing.TB, n, volume int, sigma float64) (*lattice.Ensemble, []float64) {
	lat := must[*lattice.Lattice](t)(lattice.New(volume))
	cfgs := lattice.NewEnsemble(lattice.Scalar(lat), n)
	rng := rand.New(rand.NewPCG(21, 1))
	phi, logq := make([]float64, volume), make([]float64, n)
	for i := range logq {
		logq[i], _ = gaussian{sigma}.Propose(t.Context(), rng, phi)
		cfgs.Append(phi)
	}
	return cfgs, logq
}

// failing returns every third proposal without a usable weight, in three ways.
type failing struct {
	gaussian
	n *int
}

func (f failing) Propose(ctx context.Context, rng *rand.Rand, dst []float64) (float64, error) {
	logq, _ := f.gaussian.Propose(ctx, rng, dst)
	switch *f.n++; *f.n % 9 {
	case 0:
		return math.NaN(), nil
	case 3:
		dst[0] = math.NaN()
	case 6:
		return math.Inf(-1), nil
	}
	return logq, nil
}

func TestFailedProposals(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(1, 0.4))
	exact := quadrature(func(x float64) float64 { return x*x/2 + 0.4/24*x*x*x*x })
	k := independence(t, toy, failing{gaussian{1}, new(int)})
	checkMeans(t, k, 1, 0, 60000, []observable{
		{"φ²", func(p []float64) float64 { return p[0] * p[0] }, exact.m2},
	})
	if k.NonFinite() != 20000 {
		t.Errorf("expected 20000 failed proposals, got %d", k.NonFinite())
	}
}

func TestIndependenceNeedsDensity(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(1, 0.4))
	rng := rand.New(rand.NewPCG(1, 1))
	k := independence(t, toy, onlyProposer{gaussian{1}})
	phi := []float64{0.3}
	if _, err := k.Step(t.Context(), rng, phi); !errors.Is(err, mcmc.ErrNoDensity) || phi[0] != 0.3 {
		t.Errorf("a start that was not drawn: expected ErrNoDensity and the field unchanged, got %v, %v", err, phi)
	}
	if err := k.Start(t.Context(), rng, phi); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Step(t.Context(), rng, phi); err != nil {
		t.Errorf("after Start: %v", err)
	}
	phi[0] += 0.1
	if _, err := k.Step(t.Context(), rng, phi); !errors.Is(err, mcmc.ErrNoDensity) {
		t.Errorf("a field changed by another kernel: expected ErrNoDensity, got %v", err)
	}
	r, err := mcmc.Generate(context.Background(), mcmc.EnsembleConfig{
		Action: toy, N: 40, Chains: 4, Start: mcmc.StartKernel, Thin: 1, Thermalisation: 10,
	}, func(int) (mcmc.Kernel, error) { return independence(t, toy, onlyProposer{gaussian{1}}), nil })
	if err != nil || r.Ensemble.Len() != 40 {
		t.Errorf("chains started by the kernel: %v", err)
	}
}

// hopeless proposes nothing but NaN.
type hopeless struct{}

func (hopeless) Propose(_ context.Context, _ *rand.Rand, dst []float64) (float64, error) {
	dst[0] = math.NaN()
	return 0, nil
}

func (hopeless) LogProb(context.Context, []float64) (float64, error) { return math.Inf(-1), nil }

func TestNoFiniteWeight(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(1, 0.4))
	k := independence(t, toy, hopeless{})
	rng := rand.New(rand.NewPCG(1, 1))
	if err := k.Start(t.Context(), rng, make([]float64, 1)); err == nil {
		t.Error("no finite proposal: expected an error of Start")
	}
	if _, err := k.Step(t.Context(), rng, []float64{1}); err == nil {
		t.Error("present field that q cannot produce: expected an error")
	}
}

func TestPoolErrors(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(1, 0.4, 3))
	cfgs, logq := proposals(t, 5, 3, 1)
	if _, err := mcmc.NewPool(cfgs, logq[:4], toy); err == nil {
		t.Error("too few densities: expected an error")
	}
	if _, err := mcmc.NewPool(cfgs, logq, phi4(t, 0.1, 0.1, 4)); err == nil {
		t.Error("action of another lattice: expected an error")
	}
	if _, err := mcmc.NewPool(nil, logq, toy); err == nil {
		t.Error("no configurations: expected an error")
	}
	if _, err := mcmc.NewPool(cfgs.Slice(0, 0), nil, toy); err == nil {
		t.Error("empty pool: expected an error")
	}
	logq[2] = math.NaN()
	cfgs.Config(3)[1] = math.Inf(1)
	p := must[*mcmc.Pool](t)(mcmc.NewPool(cfgs, logq, toy))
	for i, w := range p.LogWeights() {
		if want := -toy.Value(cfgs.Config(i)) - logq[i]; i != 2 && i != 3 && w != want || (i == 2 || i == 3) && !math.IsInf(w, -1) {
			t.Errorf("pair %d: got log-weight %v", i, w)
		}
	}
	if _, err := p.Propose(t.Context(), nil, make([]float64, 2)); err == nil {
		t.Error("field of another volume: expected an error")
	}
}

// TestPoolWithReplacement: the approximate sampler converges to the reweighted
// pool, whose mean is known.
func TestPoolWithReplacement(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(1, 0.4))
	cfgs, logq := proposals(t, 20, 1, 1.5)
	p := must[*mcmc.Pool](t)(mcmc.NewPool(cfgs, logq, toy))
	sum, norm := 0.0, 0.0
	for i, l := range p.LogWeights() {
		w := math.Exp(l)
		x := cfgs.Config(i)[0]
		sum, norm = sum+w*x*x, norm+w
	}
	k := independence(t, toy, p.WithReplacement())
	phi, rng := make([]float64, 1), rand.New(rand.NewPCG(2, 2))
	if err := k.Start(t.Context(), rng, phi); err != nil {
		t.Fatal(err)
	}
	series := make([]float64, 40000)
	for i := range series {
		if _, err := k.Step(t.Context(), rng, phi); err != nil {
			t.Fatal(err)
		}
		series[i] = phi[0] * phi[0]
	}
	checkPull(t, "φ² of the pool", gamma(t, series), sum/norm)
}

// TestPenalty checks detailed balance of the noisy acceptance by quadrature: the
// ratio of the averages over the noise of both directions is exp(Δ).
func TestPenalty(t *testing.T) {
	average := func(delta, v float64) float64 {
		s, norm := 0.0, 0.0
		for i := -40000; i <= 40000; i++ {
			z := float64(i) / 4000
			w := math.Exp(-z * z / 2)
			s += w * mcmc.PenaltyAcceptProb(delta+math.Sqrt(v)*z, v)
			norm += w
		}
		return s / norm
	}
	for _, v := range []float64{0, 0.5, 2} {
		for _, delta := range []float64{0.3, 1.7} {
			if got := math.Log(average(delta, v) / average(-delta, v)); math.Abs(got-delta) > 1e-5 {
				t.Errorf("Δ = %v, v = %v: expected log-ratio %v, got %v", delta, v, delta, got)
			}
		}
	}
	for _, p := range []float64{mcmc.PenaltyAcceptProb(math.NaN(), 1), mcmc.PenaltyAcceptProb(1, -1), mcmc.PenaltyAcceptProb(1, math.NaN())} {
		if !math.IsNaN(p) {
			t.Errorf("expected NaN for invalid arguments, got %v", p)
		}
	}
}

// TestMeanExpDeltaH: ⟨exp(-ΔH)⟩ = 1 for kernels with one proposal a step.
func TestMeanExpDeltaH(t *testing.T) {
	a := phi4(t, 0.22, 0.05, 2, 2)
	rng := rand.New(rand.NewPCG(3, 3))
	for name, k := range map[string]mcmc.Kernel{
		"MALA":         must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{Step: 0.2})),
		"GlobalShift":  must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{Width: 0.5})),
		"Independence": independence(t, a, gaussian{1.1}),
	} {
		var st mcmc.KernelStats
		phi, series := make([]float64, 4), make([]float64, 0, 40000)
		for i := range cap(series) + 500 {
			info, err := k.Step(t.Context(), rng, phi)
			if err != nil {
				t.Fatal(err)
			}
			if i >= 500 {
				st.Add(info)
				series = append(series, math.Exp(-info.DeltaH))
			}
		}
		checkPull(t, name, gamma(t, series), 1)
		simple := must[stats.Estimate](t)(stats.Mean(series))
		if mean, err := st.MeanExpDeltaH(); math.Abs(mean-simple.Value) > 1e-12 || math.Abs(err-simple.Error) > 1e-12 {
			t.Errorf("%s: expected %v, got %v ± %v", name, simple, mean, err)
		}
	}
}

func TestKernelStats(t *testing.T) {
	var a, b mcmc.KernelStats
	a.Add(mcmc.Info{Accepted: true, AcceptProb: 1, DeltaH: -2})
	b.Add(mcmc.Info{AcceptProb: 0, DeltaH: math.Inf(1), Divergent: true})
	b.Add(mcmc.Info{AcceptProb: 0.5, DeltaH: 3})
	b.Add(mcmc.Info{AcceptProb: 0.5, DeltaH: math.NaN(), Divergent: true})
	a.Merge(b)
	if a.Steps != 4 || a.Accepted != 1 || a.Divergences != 2 || a.MaxAbsDeltaH != 3 || a.Finite != 3 || a.Acceptance() != 0.5 {
		t.Errorf("got %+v", a)
	}
	if mean, _ := a.MeanExpDeltaH(); math.Abs(mean-(math.Exp(2)+math.Exp(-3))/3) > 1e-12 {
		t.Errorf("got ⟨exp(-ΔH)⟩ = %v", mean)
	}
	if p := (mcmc.KernelStats{}).Acceptance(); !math.IsNaN(p) {
		t.Errorf("expected NaN without steps, got %v", p)
	}
}

// TestIndependenceOfAnotherLattice: fields of the same number of sites, and fields of another.
func TestIndependenceOfAnotherLattice(t *testing.T) {
	cfgs, logq := proposals(t, 5, 8, 1)
	chain := phi4(t, 0.1, 0.1, 8)
	pool := must[*mcmc.Pool](t)(mcmc.NewPool(cfgs, logq, chain))
	for _, p := range []mcmc.Proposer{pool, pool.WithReplacement()} {
		_, err := mcmc.NewIndependence(phi4(t, 0.1, 0.1, 4, 2), p, mcmc.IndependenceConfig{})
		if err == nil || !strings.Contains(err.Error(), "expected a proposer of fields on 4x2") {
			t.Errorf("%T: expected another lattice of as many sites to be refused, got %v", p, err)
		}
		independence(t, chain, p)
	}
	// A proposer that does not tell its layout shows it by its error.
	k := must[*mcmc.Independence](t)(mcmc.NewIndependence(phi4(t, 0.1, 0.1, 4), struct{ mcmc.Proposer }{pool}, mcmc.IndependenceConfig{}))
	rng := rand.New(rand.NewPCG(1, 2))
	if err := k.Start(t.Context(), rng, make([]float64, 4)); err == nil || !strings.Contains(err.Error(), "proposal of a field on 4:") {
		t.Errorf("expected an error that names the lattice, got %v", err)
	}
	if err := k.Start(t.Context(), rng, make([]float64, 8)); err == nil {
		t.Error("field that is not of the action: expected an error")
	}
	if _, err := k.Step(t.Context(), rng, make([]float64, 8)); err == nil {
		t.Error("field that is not of the action: expected an error")
	}
}
