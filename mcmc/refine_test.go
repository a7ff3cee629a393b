package mcmc_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// gaussianFields draws n configurations with the power spectrum C_k + σ².
func gaussianFields(lat *lattice.Lattice, spectrum []float64, sigma float64, n int) *lattice.Ensemble {
	noisy := make([]float64, len(spectrum))
	for k, c := range spectrum {
		noisy[k] = c + sigma*sigma
	}
	fourier := lattice.NewFourier(lat)
	rng := rand.New(rand.NewPCG(21, 22))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), n)
	for range n {
		ens.Append(fourier.Gaussian(nil, noisy, rng))
	}
	return ens
}

// checkSpectrum compares the common scale of a Gaussian spectrum with its expected value:
// Σ_k |φ_k|²/C_k of n fields has the χ² distribution with nV degrees of freedom.
func checkSpectrum(t *testing.T, name string, ens *lattice.Ensemble, spectrum []float64) {
	t.Helper()
	v := float64(len(spectrum))
	scale, err := 0.0, math.Sqrt(2/(float64(ens.Len())*v))
	for k, p := range ens.PowerSpectrum().Mean(nil) {
		scale += p / spectrum[k] / v
	}
	if math.Abs(scale-1) > 5*err {
		t.Errorf("%s: the spectrum is too large by the factor %v, error %v", name, scale, err)
	}
}

// Refining leaves the exact distribution as it is, at a step size where Langevin
// dynamics without the accept step would not.
func TestRefineIsExact(t *testing.T) {
	a := phi4(t, 0.22, 0, 16, 16)
	lat, spectrum := a.Layout().Lattice, must[[]float64](t)(a.FreeSpectrum(nil))
	const n, step = 300, 0.08
	ens := gaussianFields(lat, spectrum, 0, n)
	ens.Params["kappa"] = 0.22
	ens.Extra["action"] = ens.Measure(nil, a.Value)
	before := slices.Clone(ens.Data)
	done := 0
	refined, st, err := mcmc.Refine(t.Context(), a, ens, mcmc.RefineConfig{
		Steps: 30, NewKernel: func() (mcmc.Kernel, error) { return mcmc.NewMALA(a, mcmc.MALAConfig{Step: step}) },
		Progress: func(d, total int) {
			if done++; d != done || total != n {
				t.Errorf("progress %d of %d after %d", d, total, done)
			}
		},
	}, 4)
	if err != nil {
		t.Fatal(err)
	}
	checkSpectrum(t, "refined", refined, spectrum)
	// The stationary variance of the unadjusted step is C/(1 - Δτ/2C).
	bias := 0.0
	for _, c := range spectrum {
		bias += (1/(1-step/(2*c)) - 1) / float64(len(spectrum))
	}
	if bias < 8*math.Sqrt(2./(n*256)) {
		t.Errorf("the test cannot see a missing accept step: bias %v", bias)
	}
	if st.Steps != 30*n || st.Acceptance() < 0.3 || st.Acceptance() > 0.9 || done != n {
		t.Errorf("%d steps with acceptance %v, %d configurations reported", st.Steps, st.Acceptance(), done)
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

// What is left of the noise of a reverse process that stops too early goes away.
func TestRefineRepairs(t *testing.T) {
	a := phi4(t, 0.22, 0, 16, 16)
	spectrum := must[[]float64](t)(a.FreeSpectrum(nil))
	ens := gaussianFields(a.Layout().Lattice, spectrum, 0.3, 300)
	refined, _, err := mcmc.Refine(t.Context(), a, ens, mcmc.RefineConfig{
		Steps: 60, NewKernel: func() (mcmc.Kernel, error) { return mcmc.NewMALA(a, mcmc.MALAConfig{Step: 0.06}) },
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	// After the time 3.6 times the acceptance of about 0.8, the excess σ² of the slowest
	// mode, 2 % of its C = 4.2, has fallen to a quarter: far below its error.
	checkSpectrum(t, "refined", refined, spectrum)
}

func TestRefineReproducible(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	free := phi4(t, 0.2, 0, 4, 4)
	ens := gaussianFields(a.Layout().Lattice, must[[]float64](t)(free.FreeSpectrum(nil)), 0, 20)
	refine := func(seed uint64, workers int) []float64 {
		r, _, err := mcmc.Refine(t.Context(), a, ens, mcmc.RefineConfig{Workers: workers}, seed)
		if err != nil {
			t.Fatal(err)
		}
		return r.Data
	}
	first := refine(1, 0)
	if slices.Equal(first, refine(2, 0)) {
		t.Error("the result does not depend on the seed")
	}
	if !slices.Equal(first, refine(1, 1)) || !slices.Equal(first, refine(1, 3)) {
		t.Error("the result depends on the number of workers")
	}
}

func TestRefineErrors(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	free := phi4(t, 0.2, 0, 4, 4)
	draw := func() *lattice.Ensemble {
		return gaussianFields(a.Layout().Lattice, must[[]float64](t)(free.FreeSpectrum(nil)), 0, 2)
	}
	infinite, huge := draw(), draw()
	infinite.Data[3], huge.Data[3] = math.Inf(1), 1e200
	for name, e := range map[string]*lattice.Ensemble{
		"nil": nil, "empty": lattice.NewEnsemble(a.Layout(), 0), "infinite": infinite, "of infinite action": huge,
		"on another lattice": lattice.NewEnsemble(phi4(t, 0.2, 0.1, 2, 8).Layout(), 0),
	} {
		if _, _, err := mcmc.Refine(t.Context(), a, e, mcmc.RefineConfig{}, 1); err == nil {
			t.Errorf("an ensemble that is %s was accepted", name)
		}
	}
	if _, _, err := mcmc.Refine(t.Context(), nil, draw(), mcmc.RefineConfig{}, 1); err == nil {
		t.Error("a nil action was accepted")
	}
	for _, cfg := range []mcmc.RefineConfig{{Steps: -1}, {Workers: -1}} {
		if _, _, err := mcmc.Refine(t.Context(), a, draw(), cfg, 1); err == nil {
			t.Errorf("%+v accepted", cfg)
		}
	}
	cause := errors.New("broken")
	if _, _, err := mcmc.Refine(t.Context(), a, draw(), mcmc.RefineConfig{NewKernel: func() (mcmc.Kernel, error) { return nil, cause }}, 1); !errors.Is(err, cause) {
		t.Errorf("expected the error of NewKernel, got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := mcmc.Refine(ctx, a, draw(), mcmc.RefineConfig{}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
