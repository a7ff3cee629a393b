package hollow_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// full trains with the default settings, for minutes, and demands what such a model has to
// reach; otherwise networks are small, training is short, and the demand is less.
var full = flag.Bool("full", false, "train with the default settings")

// ensemble draws n configurations by local Metropolis.
func ensemble(t testing.TB, action lattice.LocalAction, n, thin int) *lattice.Ensemble {
	t.Helper()
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: n, Thin: thin, Thermalisation: 300, Chains: 4, Seed: 9},
		func(int) (mcmc.Kernel, error) { return mcmc.NewMetropolis(action, mcmc.MetropolisConfig{}) }))
	return r.Ensemble
}

// brief is the number of steps of a short training.
const brief = 200

// fit trains a hollow network, with the default settings or for some steps, and returns the model
// and fields drawn through its flow, their weights, and those compared with the weights of a
// part of the ensemble: draws alone tell nothing about what the flow never reaches.
func fit(t testing.TB, action lattice.Action, ens *lattice.Ensemble, steps int) (*diffusion.Model, *flow.Samples, stats.LogWeights, stats.TwoSided) {
	t.Helper()
	cfg := diffusion.FitConfig{Network: must(hollow.New(hollow.Config{})), Seed: 1}
	n := 256
	if *full {
		n = 1024
	} else {
		cfg.Network = must(hollow.New(hollow.Config{Channels: 12, Hidden: 16, Head: 8, Profiles: 2, Embedding: 16, Pairs: 2}))
		cfg.Train = diffusion.TrainConfig{Steps: steps, Batch: 48, LearningRate: 1e-2, EMA: 0.98}
	}
	start := time.Now()
	m := must(diffusion.Fit(t.Context(), backendtest.Open(), action, ens, cfg))
	trained := time.Since(start)
	f := must(flow.New(backendtest.Open(), m, flow.Config{}))
	s := must(f.Sample(t.Context(), n, 7))
	logw := must(s.LogWeights(action))
	w := must(stats.LogWeightStats(logw))
	chain := must(mcmc.DMMC(rand.New(rand.NewPCG(1, 1)), logw))
	part := ens.Slice(0, n/2)
	both := must(stats.CompareLogWeights(logw, must(must(f.LogProb(t.Context(), part, 8)).LogWeights(action, part))))
	t.Logf("%v: ESS %v, acceptance %.3f, sd(log w) %.3f (%v of the ensemble), σ from %.3g to %.3g, %d weights, trained in %.1f minutes",
		lattice.Describe(action), w.ESS, chain.Acceptance, w.SD, both.SDTheory, m.SigmaMin(), m.SigmaMax(), m.NumParameters(), trained.Minutes())
	return m, s, w, both
}

// covers demands that the flow reaches what the ensemble holds.
func covers(t *testing.T, both stats.TwoSided) {
	t.Helper()
	if err := both.Check(); err != nil {
		t.Error(err)
	}
}

// agree compares the average of an observable over the samples, reweighted, with that over
// an ensemble, in which configurations are independent.
func agree(t *testing.T, name string, action lattice.Action, ens *lattice.Ensemble, s *flow.Samples, o func(phi []float64) float64) {
	t.Helper()
	logw := must(s.LogWeights(action))
	top := math.Inf(-1)
	for _, l := range logw {
		top = math.Max(top, l)
	}
	var sum, mean float64
	for i, phi := range s.Ensemble.All() {
		w := math.Exp(logw[i] - top)
		sum, mean = sum+w, mean+w*o(phi)
	}
	mean /= sum
	variance := 0.0
	for i, phi := range s.Ensemble.All() {
		variance += math.Pow(math.Exp(logw[i]-top)/sum*(o(phi)-mean), 2)
	}
	var first, second float64
	for _, phi := range ens.All() {
		first, second = first+o(phi)/float64(ens.Len()), second+o(phi)*o(phi)/float64(ens.Len())
	}
	// Configurations two autocorrelation times apart count as half at least.
	error := math.Sqrt(variance + 2*(second-first*first)/float64(ens.Len()))
	t.Logf("%s: %.5f by the flow, %.5f by Metropolis, error %.5f", name, mean, first, error)
	if d := math.Abs(mean - first); !(d < 5*error) {
		t.Errorf("%s: %v by the flow, %v by Metropolis, 5σ = %v", name, mean, first, 5*error)
	}
}

// square returns the mean of φ² over the numbers of a field.
func square(phi []float64) (s float64) {
	for _, v := range phi {
		s += v * v / float64(len(phi))
	}
	return s
}

// With the two wells of an ordered phase a short training makes the weights of the flow much
// more even than those of its Gaussian part, and log Z = log⟨w⟩ agrees with the reference
// value 45.98(2).
func TestOrdered(t *testing.T) {
	action := must(lattice.NewPhi4(must(lattice.New(8, 8)), 0.27, 0.022))
	r := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 4096, Thin: 4, Thermalisation: 200, Chains: 4, Seed: 9},
		func(int) (mcmc.Kernel, error) {
			return hmc.New(action, hmc.Config{Steps: 6, Length: 1.5, Jitter: 0.3, Flip: true})
		}))
	m, _, after, both := fit(t, action, r.Ensemble, brief)
	covers(t, both)
	if m.Order() == 0 {
		t.Fatal("the ensemble was not taken for one of an ordered phase")
	}
	gaussian := must(diffusion.NewGaussian(m.Config()))
	s := must(must(flow.New(backendtest.Open(), gaussian, flow.Config{})).Sample(t.Context(), 256, 7))
	before := must(stats.LogWeightStats(must(s.LogWeights(action))))
	// Standard deviations of 256 values are known to 5 %: a factor of two is far outside.
	if !(after.SD < before.SD/2) {
		t.Errorf("sd(log w) went from %v to %v", before.SD, after.SD)
	}
	if d := math.Abs(after.LogZ.Value - 45.98); !(d < 5*math.Hypot(after.LogZ.Error, 0.02)) {
		t.Errorf("log Z = %v, expected 45.98(2)", after.LogZ)
	}
}

// φ⁴ with a linear and a cubic term: the network that adapts to it has no parity, and one
// that is to be odd is refused.
func TestNotEven(t *testing.T) {
	layout := lattice.Scalar(must(lattice.New(8, 8)))
	action := &polynomial{layout: layout, kappa: []float64{0.2, 0.2}, lambda: 0.1, h: 0.3, g: 0.1}
	ens := ensemble(t, action, 4096, 10)
	odd := diffusion.FitConfig{Network: must(hollow.New(hollow.Config{Parity: diffusion.Odd}))}
	if _, err := diffusion.Fit(t.Context(), backendtest.Open(), action, ens, odd); err == nil || !strings.Contains(err.Error(), "expected an action with the symmetry φ → -φ") {
		t.Errorf("an odd network gave the error %v", err)
	}
	// The tail of the weights is the last thing that it learns.
	m, s, w, both := fit(t, action, ens, 300)
	covers(t, both)
	if p := m.Network().Config().(hollow.Config).Parity; p != diffusion.NoParity {
		t.Errorf("got a network of parity %q", p)
	}
	want := 0.8
	if *full {
		want = 0.95
	}
	if !(w.ESS.Value > want) {
		t.Errorf("ESS = %v, want %v", w.ESS, want)
	}
	agree(t, "⟨φ⟩", action, ens, s, lattice.Magnetization)
	agree(t, "⟨φ²⟩", action, ens, s, square)
	agree(t, "⟨S⟩/V", action, ens, s, func(phi []float64) float64 { return action.Value(phi) / 64 })
}

// A theory whose directions differ, on a lattice whose extents do not.
func TestAnisotropic(t *testing.T) {
	layout := lattice.Scalar(must(lattice.New(8, 8)))
	action := &polynomial{layout: layout, kappa: []float64{0.3, 0.1}, lambda: 0.1}
	ens := ensemble(t, action, 4096, 10)
	m, s, w, both := fit(t, action, ens, brief)
	covers(t, both)
	if d := m.Network().Config().(hollow.Config).Directions; len(d) != 2 || d[0] == d[1] {
		t.Errorf("got the classes %v of directions", d)
	}
	want := 0.8
	if *full {
		want = 0.95
	}
	if !(w.ESS.Value > want) {
		t.Errorf("ESS = %v, want %v", w.ESS, want)
	}
	for mu, name := range []string{"first", "second"} {
		agree(t, "neighbours in the "+name+" direction", action, ens, s, func(phi []float64) (c float64) {
			for x, v := range phi {
				c += v * phi[layout.Forward(mu)[x]] / 64
			}
			return c
		})
	}
}

// The O(2) model in the symmetric phase, by an equivariant network.
func TestVector(t *testing.T) {
	type point struct {
		extent        int
		kappa, lambda float64
	}
	points := []point{{6, 0.2, 0.5}}
	if *full {
		points = []point{{16, 0.22, 0.1}, {16, 0.22, 0.022}, {8, 0.2, 0.5}}
	}
	for _, c := range points {
		action := must(lattice.NewON(must(lattice.New(c.extent, c.extent)), 2, c.kappa, c.lambda))
		ens := ensemble(t, action, 4096, 20)
		m, s, w, both := fit(t, action, ens, brief)
		covers(t, both)
		if v := m.Network().Config().(hollow.Config).Components; v != hollow.Vector {
			t.Errorf("got the components %q", v)
		}
		want := 0.5
		if *full {
			want = 0.8
		}
		if !(w.Acceptance.Value > want) {
			t.Errorf("acceptance = %v, want %v", w.Acceptance, want)
		}
		agree(t, "⟨φ²⟩", action, ens, s, square)
	}
}

// Two fields of different masses, by a network with weights for each.
func TestSeparate(t *testing.T) {
	extent := 6
	if *full {
		extent = 8
	}
	layout := lattice.Layout{Lattice: must(lattice.New(extent, extent)), Components: 2}
	action := &polynomial{layout: layout, kappa: []float64{0.2, 0.2}, mass: []float64{0, 0.5}, lambda: 0.2}
	ens := ensemble(t, action, 4096, 10)
	m, s, w, both := fit(t, action, ens, brief)
	covers(t, both)
	if v := m.Network().Config().(hollow.Config).Components; v != hollow.Separate {
		t.Errorf("got the components %q", v)
	}
	if want := 0.5; !(w.ESS.Value > want) {
		t.Errorf("ESS = %v, want %v", w.ESS, want)
	}
	for c, name := range []string{"⟨φ²⟩ of the first", "⟨φ²⟩ of the second"} {
		agree(t, name, action, ens, s, func(phi []float64) float64 { return square(layout.Component(phi, c)) })
	}
}

// Strong coupling. The score at the noise levels that decide between the two wells of a site
// is the hardest to learn: at λ = 5 the default training, too short for it, does not reach
// what it reaches up to λ = 1.
func TestStrongCoupling(t *testing.T) {
	marks, extent := map[float64]float64{0.5: 0.6}, 6
	if *full {
		extent = 8
		marks = map[float64]float64{0.5: 0.85, 1: 0.75, 5: 0.5}
	}
	for lambda, want := range marks {
		action := must(lattice.NewPhi4(must(lattice.New(extent, extent)), 0.2, lambda))
		ens := ensemble(t, action, 4096, 20)
		_, s, w, both := fit(t, action, ens, brief)
		// Tails of log w are longer than Gaussian ones here, which Check takes for holes.
		if !(both.SDTheory.Value < 1.5*w.SD) {
			t.Errorf("λ = %v: sd(log w) = %v of the ensemble, %v of the draws", lambda, both.SDTheory, w.SD)
		}
		if !(w.Acceptance.Value > want) {
			t.Errorf("λ = %v: acceptance %v, want %v", lambda, w.Acceptance, want)
		}
		agree(t, "⟨φ²⟩", action, ens, s, square)
	}
}
