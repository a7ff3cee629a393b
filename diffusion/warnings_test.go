package diffusion_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// What makes a model hard is said before the training, and nothing is said otherwise.
func TestWarnings(t *testing.T) {
	measure := func(action lattice.Action, n int) []string {
		r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: n, Seed: 4}, nil))
		return must(diffusion.Measure(action, r.Ensemble)).Warnings
	}
	lat := must(lattice.New(6, 6))
	for _, c := range []struct {
		kappa, lambda float64
		n             int
		want          []string
	}{
		{0.2, 0.022, 1000, nil}, {0.2, 0.5, 1000, nil}, {0.2, 1, 1000, nil}, {0.3, 0.022, 1000, nil}, {0.5, 0.022, 1000, nil},
		{0.2, 5, 1000, []string{"strong coupling"}}, {-0.1, 50, 1000, []string{"strong coupling"}},
		{0.2, 0.022, 100, []string{"few configurations"}},
	} {
		got := measure(must(lattice.NewPhi4(lat, c.kappa, c.lambda)), c.n)
		if len(got) != len(c.want) {
			t.Errorf("κ = %v, λ = %v, %d configurations: warnings %q, want %q", c.kappa, c.lambda, c.n, got, c.want)
			continue
		}
		for i, w := range c.want {
			if !strings.HasPrefix(got[i], w) {
				t.Errorf("κ = %v, λ = %v, %d configurations: warning %q, want %q", c.kappa, c.lambda, c.n, got[i], w)
			}
		}
	}
	// Two wells of different depth, which no symmetry makes alike.
	tilted := must(lattice.NewPolynomial(lat, 0.25, []float64{0, 1e-3, -0.4, 0, 0.3}))
	phi4 := must(lattice.NewPolynomial(lat, 0.25, []float64{0, 0, -0.4, 0, 0.3}))
	ens := lattice.NewEnsemble(tilted.Layout(), 1000)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		field, sign := make([]float64, 36), float64(2*rng.IntN(2)-1)
		for x := range field {
			field[x] = sign*math.Sqrt(1.9) + 0.3*rng.NormFloat64()
		}
		ens.Append(field)
	}
	if w := must(diffusion.Measure(tilted, ens)).Warnings; len(w) != 1 || !strings.HasPrefix(w[0], "several wells") {
		t.Errorf("two wells of an action that is not even: warnings %q", w)
	}
	if w := must(diffusion.Measure(phi4, ens)).Warnings; len(w) != 0 {
		t.Errorf("two wells of an even action: warnings %q", w)
	}
}
