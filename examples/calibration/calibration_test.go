package main

import (
	"bytes"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
)

// tiny are the settings of a run of a second.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-n", "3", "-entries", "256", "-weights", "64"}, more...)
}

// A run has all scores, prints them, and is the same once more, and from its stages.
func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var first, second bytes.Buffer
	if err := run(t.Context(), &first, tiny(dir)); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, dir, "calibration.png", program.ResultsFile)
	text := programtest.Read(t, dir, program.ResultsFile)
	file := programtest.Results(t, text)
	for study, quantities := range map[string][]string{
		"series_tau_10": {"mean_gamma", "tau_int", "error_of_mean", "mean_jackknife", "mean_bootstrap", "mean_half_measured", "mean_tail"},
		"ring":          {"binder_gamma", "binder_jackknife", "binder_bootstrap", "chi2_gamma"},
		"free_field":    {"abs_m_gamma", "phi4_gamma"},
		"ring_log_z":    {"log_z_draws", "log_z_theory", "log_z_bridge", "log_z_annealing", "log_z_thermodynamic"},
		"weights_sd_1":  {"ess", "acceptance_predicted", "acceptance_observed", "log_z_draws", "log_z_bridge", "reweighted_mean"},
	} {
		for _, q := range quantities {
			for _, v := range []string{"_rms_pull", "_mean_pull", "_within_1", "_within_2", "_flagged"} {
				if e, ok := file.Get(study, q+v); !ok || math.IsNaN(e.Value) {
					t.Errorf("%s of %s: %v", q+v, study, e)
				}
			}
		}
	}
	if e, ok := file.Get("weights_sd_3", kHat); !ok || !(e.Value > 0.3) {
		t.Errorf("k̂ of log-weights of standard deviation 3: %v", e)
	}
	if !strings.Contains(first.String(), "Metropolis, φ⁴ on a ring of 8") {
		t.Errorf("printed %s", first.String())
	}
	if err := run(t.Context(), &second, tiny(dir)); err != nil || first.String() != second.String() ||
		!bytes.Equal(text, programtest.Read(t, dir, program.ResultsFile)) {
		t.Errorf("the run from its stages differs (%v)", err)
	}
}

func TestRefuses(t *testing.T) {
	programtest.Refuses(t, func(ctx context.Context, args []string) error { return run(ctx, io.Discard, args) }, tiny, map[string][]string{
		"one data set": {"-n", "1"}, "short series": {"-entries", "10"}, "few weights": {"-weights", "3"}, "too much": {"-n", "1000000000000"},
		"a word": {"what"},
	})
}

// The moments of the ring: Gaussian ones of the known susceptibility for λ = 0, that of package
// phi4 for λ > 0, and by quadrature on two sites.
func TestRingMoments(t *testing.T) {
	m2, m4 := ringMoments(8, 0.3, 0)
	if want := 8 / (2 * (1 - 2*0.3)); math.Abs(m2/want-1) > 1e-9 || math.Abs(m4/(3*m2*m2)-1) > 1e-9 {
		t.Errorf("free: %v and %v, want %v and %v", m2, m4, want, 3*want*want)
	}
	ring, err := solve(ringKappa, ringLambda, ringSites)
	if err != nil {
		t.Fatal(err)
	}
	if m2, _ := ringMoments(ringSites, ringKappa, ringLambda); math.Abs(m2/ringSites/ring.exact.Chi-1) > 1e-9 {
		t.Errorf("χ = %v, want %v", m2/ringSites, ring.exact.Chi)
	}
	two, err := solve(ringKappa, ringLambda, 2)
	if err != nil {
		t.Fatal(err)
	}
	var z, z4 float64
	for x := -5.0; x <= 5; x += 0.05 {
		for y := -5.0; y <= 5; y += 0.05 {
			w := math.Exp(-two.action.Value([]float64{x, y}))
			z, z4 = z+w, z4+w*math.Pow(x+y, 4)
		}
	}
	if _, m4 := ringMoments(2, ringKappa, ringLambda); math.Abs(m4/(z4/z)-1) > 1e-9 {
		t.Errorf("two sites: %v, want %v", m4, z4/z)
	}
}

// The Gaussian has the density that draw says, and the covariances of its action.
func TestGaussian(t *testing.T) {
	ring, err := solve(ringKappa, ringLambda, ringSites)
	if err != nil {
		t.Fatal(err)
	}
	q := newGaussian(ring)
	rng := rand.New(rand.NewPCG(1, 2))
	phi, other := make([]float64, ringSites), make([]float64, ringSites)
	mass := 1 - 2*ringLambda + 6*ringLambda*ring.exact.Phi2
	action := func(phi []float64) float64 {
		s := 0.0
		for x, v := range phi {
			s += mass*v*v - 2*ringKappa*v*phi[(x+1)%ringSites]
		}
		return s
	}
	for range 5 {
		a, b := q.draw(rng, phi), q.draw(rng, other)
		if math.Abs(a-q.logDensity(phi)) > 1e-12 || math.Abs(a-b+action(phi)-action(other)) > 1e-12 {
			t.Errorf("densities %v and %v of fields with the actions %v and %v", a, b, action(phi), action(other))
		}
	}
}

// The exact error of the mean is that of sums over all pairs, and 1/√n without correlation.
func TestErrorOfMean(t *testing.T) {
	const n = 50
	modes := []mode{{0.8, 0.3}, {0, 0.7}}
	want := 0.0
	for i := range n {
		for j := range n {
			want += 0.3 * math.Pow(0.8, math.Abs(float64(i-j)))
			if i == j {
				want += 0.7
			}
		}
	}
	if got := errorOfMean(n, modes); math.Abs(got*got*n*n/want-1) > 1e-12 {
		t.Errorf("squared error %v, want %v", got*got, want/n/n)
	}
	if tau := tauInt(ofTau(7)); math.Abs(tau-7) > 1e-12 {
		t.Errorf("τ_int %v, want 7", tau)
	}
}
