package diffusion_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/unet"
)

// liftedConfig returns the configuration of a model of lifted angles with a white spectrum.
func liftedConfig(variance float64, dims ...int) diffusion.ModelConfig {
	layout := lattice.Scalar(must(lattice.New(dims...)))
	return diffusion.ModelConfig{Layout: layout, Space: diffusion.LiftedAngles{}, Spectrum: slices.Repeat([]float64{variance}, layout.Volume())}
}

func smallNetwork() diffusion.Architecture {
	return must(unet.New(unet.Config{Channels: []int{4}, Blocks: 1, Embedding: 4}))
}

// The prior of lifted angles is normalised with respect to all angles but one and the winding
// number: on two sites by quadrature.
func TestLiftedPriorNorm(t *testing.T) {
	const c, sigma = 3.0, 1.2
	for _, sectors := range [][]float64{nil, {0.4}, {0.3, -0.2, 0.5}} {
		cfg := liftedConfig(c, 2)
		cfg.Space = diffusion.LiftedAngles{Sectors: sectors}
		prior := diffusion.NewPrior(must(diffusion.NewGaussian(cfg)), sigma)
		sum := 0.0
		const step = 0.05
		for q := -6; q <= 6; q++ {
			for i := -800; i <= 800; i++ {
				theta := step * float64(i)
				other := 2*math.Pi*float64(q) - theta
				modes := []float64{(theta + other) / math.Sqrt2, (theta - other) / math.Sqrt2}
				sum += step * math.Exp(prior.LogDensity(modes))
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("sectors %v: the density adds up to %v", sectors, sum)
		}
	}
}

// Winding numbers that no Gaussian has are measured, drawn, kept in a file of the model, and left out on
// another lattice.
func TestSectors(t *testing.T) {
	const n, sites = 20000, 12
	weights := []float64{0.5, 0.2, 0.04, 0.01} // of q = 0, ±1, ±2, ±3
	ens := lattice.NewEnsemble(lattice.Scalar(must(lattice.New(3, 4))), n)
	rng := rand.New(rand.NewPCG(3, 4))
	for range n {
		q, u := 0, rng.Float64()
		for u -= weights[0]; u >= 0 && q < 3; u -= 2 * weights[q] {
			q++
		}
		if rng.IntN(2) == 0 {
			q = -q
		}
		field, mean := make([]float64, sites), 0.0
		for x := range field {
			field[x] = rng.NormFloat64()
			mean += field[x] / sites
		}
		for x := range field {
			field[x] += 2*math.Pi*float64(q)/sites - mean
		}
		ens.Append(field)
	}
	action := must(gauge.NewLift(must(gauge.NewWilson(ens.Lattice, 2)), 0))
	m := must(diffusion.Measure(action, ens))
	space := m.Space.(diffusion.LiftedAngles)
	if len(space.Sectors) != len(weights) {
		t.Fatalf("expected the probabilities of %d winding numbers, got %v", len(weights), space.Sectors)
	}
	model := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), m.ModelConfig))
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := model.Save(path); err != nil {
		t.Fatal(err)
	}
	prior := diffusion.NewPrior(must(diffusion.LoadModel(path)), 0.7)
	counts := map[int]float64{}
	modes := prior.Modes(rng, n)
	for i := range n {
		counts[int(math.Abs(math.Round(modes[i*sites]*math.Sqrt(sites)/(2*math.Pi))))]++
	}
	for q, p := range weights {
		if q > 0 {
			p *= 2
		}
		// Both the measured and the drawn frequencies have errors.
		if d := counts[q]/n - p; math.Abs(d) > 4.5*math.Sqrt(2*p*(1-p)/n) {
			t.Errorf("%v of the winding numbers are ±%d, expected %v", counts[q]/n, q, p)
		}
	}
	other := must(gauge.NewLift(must(gauge.NewWilson(must(lattice.New(4, 4)), 2)), 0))
	moved := must(m.ModelConfig.Moved(other))
	if s := moved.Space.(diffusion.LiftedAngles); s.Sectors != nil || s.Lift == nil {
		t.Errorf("on another lattice: %+v", s)
	}
	m.Space = diffusion.LiftedAngles{Sectors: []float64{math.NaN()}}
	if _, err := diffusion.NewGaussian(m.ModelConfig); err == nil {
		t.Error("a probability that is no number was accepted")
	}
}

// Draws of the prior have their variances, and winding numbers with the stated probability,
// which moves of any size leave alone.
func TestLiftedPriorDraws(t *testing.T) {
	const c, sigma, n = 5.0, 0.7, 20000
	cfg := liftedConfig(c, 3, 4)
	prior := diffusion.NewPrior(must(diffusion.NewGaussian(cfg)), sigma)
	rng := rand.New(rand.NewPCG(1, 2))
	draws := prior.Modes(rng, n)
	probability, norm := map[int]float64{}, 0.0
	for q := -9; q <= 9; q++ {
		probability[q] = math.Exp(-math.Pow(2*math.Pi*float64(q), 2) / (2 * 12 * c))
		norm += probability[q]
	}
	for name, modes := range map[string][]float64{"draws": draws, "moved": prior.Perturb(rng, draws, 0.6)} {
		counts, square := map[int]float64{}, 0.0
		for i := range n {
			q := modes[i*12] * math.Sqrt(12) / (2 * math.Pi)
			if math.Abs(q-math.Round(q)) > 1e-12 {
				t.Fatalf("%s: winding number %v", name, q)
			}
			counts[int(math.Round(q))]++
			square += modes[i*12+5] * modes[i*12+5] / n
		}
		for q, p := range probability {
			p /= norm
			if d := counts[q]/n - p; math.Abs(d) > 4.5*math.Sqrt(p*(1-p)/n)+1./n {
				t.Errorf("%s: %v of the winding numbers are %d, expected %v", name, counts[q]/n, q, p)
			}
		}
		if want := c + sigma*sigma; math.Abs(square-want) > 4.5*want*math.Sqrt(2./n) {
			t.Errorf("%s: variance %v of a mode, expected %v", name, square, want)
		}
	}
	// Small moves leave most winding numbers where they are.
	changed := 0
	moved := prior.Perturb(rng, draws, 0.1)
	for i := range n {
		if moved[i*12] != draws[i*12] {
			changed++
		}
	}
	if changed > n/100+5*141 || changed == 0 {
		t.Errorf("%d of %d winding numbers changed", changed, n)
	}
}

// The Gaussian of lifted angles, and a network that may be anything, pass the tests of every
// score, with a divergence in the directions without sum; a U-Net that is not odd does too.
func TestLiftedScore(t *testing.T) {
	difftest.TestScore(t, backendtest.Open(), must(diffusion.NewGaussian(liftedConfig(0.9, 4, 3))), difftest.Config{})
	difftest.TestNetwork(t, backendtest.Open(), smallNetwork(), difftest.Config{
		Layout: lattice.Scalar(must(lattice.New(4, 4))), Space: diffusion.LiftedAngles{},
		Symmetries: &lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true},
		Keeps:      &lattice.Symmetries{Sign: true, Translation: true},
	})
	m := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), liftedConfig(0.9, 4, 3)))
	sum := 0.0
	for _, s := range score(t, m, 0.4, []float64{1, 2, -3, 0.1, 2, 7, -1, 0, 0, 3, 1, 2}) {
		sum += s
	}
	if math.Abs(sum) > 1e-12 {
		t.Errorf("the score has the sum %v", sum)
	}
}

// What cannot be lifted angles is refused.
func TestLiftedErrors(t *testing.T) {
	b, network := backendtest.Open(), smallNetwork()
	for name, change := range map[string]func(*diffusion.ModelConfig){
		"order":       func(c *diffusion.ModelConfig) { c.Order = 1 },
		"mean":        func(c *diffusion.ModelConfig) { c.Mean = []float64{0.1} },
		"site":        func(c *diffusion.ModelConfig) { c.Site = []float64{0, 0, 1, 0, 1} },
		"no spectrum": func(c *diffusion.ModelConfig) { c.Spectrum = nil },
		"components": func(c *diffusion.ModelConfig) {
			c.Layout.Components = 2
			c.Spectrum = append(c.Spectrum, c.Spectrum...)
		},
		"lift": func(c *diffusion.ModelConfig) { c.Space = diffusion.LiftedAngles{Lift: &lattice.Lift{Variance: -1}} },
		"cosines": func(c *diffusion.ModelConfig) {
			c.Space = diffusion.LiftedAngles{Lift: &lattice.Lift{Variance: 1, Cosines: []float64{math.NaN()}}}
		},
	} {
		cfg := liftedConfig(1, 2, 2)
		change(&cfg)
		if _, err := diffusion.NewModel(b, network, cfg); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	if _, err := diffusion.NewModel(b, hollow.Default(), liftedConfig(1, 4, 4)); err == nil {
		t.Error("a network whose divergence is that of free fields was accepted")
	}
	m := must(diffusion.NewModel(b, network, liftedConfig(1, 2, 2)))
	if _, err := diffusion.NewSampler(b, m, diffusion.SamplerConfig{IsotropicPrior: true}); err == nil {
		t.Error("an isotropic prior was accepted")
	}
	plain := liftedConfig(1, 2, 2)
	plain.Space = nil
	if _, err := m.OnLattice(plain); err == nil {
		t.Error("a model of lifted angles became one of free fields")
	}
	ens := lattice.NewEnsemble(m.Layout(), 1)
	ens.Data = []float64{1, 2, 3, 4}
	if err := m.Space().CheckFields(ens); err == nil {
		t.Error("a sum of 10 was accepted")
	}
	s := must(diffusion.NewSampler(b, m, diffusion.SamplerConfig{Steps: 2}))
	if _, err := s.From(t.Context(), ens, 0.5, 1); err == nil || !strings.Contains(err.Error(), "2π") {
		t.Errorf("a reverse process from a field with a sum of 10: %v", err)
	}
	ens.Data[3] = 2*math.Pi - 6
	if _, err := s.From(t.Context(), ens, 0.5, 1); err != nil {
		t.Errorf("a reverse process from a field with a sum of 2π: %v", err)
	}
}

// liftedEnsemble returns independent configurations of two-dimensional gauge theory with one
// plaquette per site: all but one from the weight e^{β cos θ} by rejection, and the last, which
// follows, accepted with its own.
func liftedEnsemble(t testing.TB, beta float64, n int, dims ...int) (*gauge.Lift, *lattice.Ensemble) {
	t.Helper()
	action := must(gauge.NewLift(must(gauge.NewWilson(must(lattice.New(dims...)), beta)), 0))
	rng := rand.New(rand.NewPCG(11, 12))
	ens := lattice.NewEnsemble(action.Layout(), n)
	theta := make([]float64, ens.Size())
	accept := func(x float64) bool { return rng.Float64() < math.Exp(beta*(math.Cos(x)-1)) }
	var links []float64
	for ens.Len() < n {
		sum := 0.0
		for i := range theta[1:] {
			for theta[i] = 7; theta[i] == 7 || !accept(theta[i]); {
				theta[i] = math.Pi * (2*rng.Float64() - 1)
			}
			sum += theta[i]
		}
		if theta[len(theta)-1] = gauge.Wrap(-sum); !accept(-sum) {
			continue
		}
		links = must(action.Links(rng, links, theta))
		ens.Data = append(ens.Data, action.Draw(rng, nil, links)...)
	}
	ens.Params = action.Params()
	return action, ens
}

// A measurement of lifted angles has a white spectrum and the potential of a plaquette, and
// the model goes through a file.
func TestMeasureLifted(t *testing.T) {
	action, ens := liftedEnsemble(t, 2, 4000, 4, 4)
	m := must(diffusion.Measure(action, ens))
	square, n := 0.0, float64(len(ens.Data))
	for _, theta := range ens.All() {
		q := lattice.Winding(theta)
		for _, v := range theta {
			square += v * v
		}
		square -= math.Pow(2*math.Pi*q, 2) / 16
	}
	want := square / n * 16 / 15
	for _, c := range m.Spectrum {
		if math.Abs(c-want) > 1e-9 {
			t.Fatalf("spectrum %v, expected %v", c, want)
		}
	}
	lift := action.Lift()
	if !reflect.DeepEqual(m.Space, diffusion.Space(diffusion.LiftedAngles{Lift: &lift})) || m.Order != 0 || m.Site != nil {
		t.Errorf("measured %+v", m.ModelConfig)
	}
	model := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), m.ModelConfig))
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := model.Save(path); err != nil {
		t.Fatal(err)
	}
	back := must(diffusion.LoadModel(path))
	if !reflect.DeepEqual(back.Config().Space, m.Space) || !reflect.DeepEqual(back.Space(), m.Space) {
		t.Errorf("the file brings %+v back", back.Config())
	}
	field := ens.Data[:32]
	if a, b := score(t, model, 0.5, field), score(t, back, 0.5, field); !slices.Equal(a, b) {
		t.Error("the file brings another score back")
	}
	// Winding numbers of another width have their own variance.
	var few []float64
	zero := 0.0
	for i, theta := range ens.All() {
		if q := lattice.Winding(theta); math.Abs(q) < 0.5 || i%4 == 0 {
			few = append(few, theta...)
			zero += math.Pow(2*math.Pi*q, 2) / 16
		}
	}
	narrow := must(diffusion.Measure(action, &lattice.Ensemble{Layout: ens.Layout, Data: few}))
	if want := zero / float64(len(few)/16); math.Abs(narrow.Spectrum[0]-want) > 1e-9 || narrow.Spectrum[0] > 0.6*narrow.Spectrum[1] {
		t.Errorf("C_0 = %v, expected %v", narrow.Spectrum[0], want)
	}
	ens.Data[0]++
	if _, err := diffusion.Measure(action, ens); err == nil {
		t.Error("a sum that is no multiple of 2π was accepted")
	}
}

// The reverse process keeps the winding number and draws the plaquettes of the theory: here
// with the solution of independent plaquettes alone, whose model needs no training.
func TestLiftedSampler(t *testing.T) {
	action, ens := liftedEnsemble(t, 2, 2000, 4, 4)
	m := must(diffusion.Measure(action, ens))
	model := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), m.ModelConfig))
	const n = 300
	exact := must(gauge.NewExact(gauge.Wilson{Beta: 2}, 4, 4))
	corrector := must(diffusion.PredictorCorrector(1, 0))
	for name, scheme := range map[string]diffusion.Scheme{"ancestral": diffusion.Ancestral, "heun": diffusion.Heun, "predictor–corrector": corrector} {
		s := must(diffusion.NewSampler(backendtest.Open(), model, diffusion.SamplerConfig{Scheme: scheme, Steps: 30}))
		draws := must(s.Sample(t.Context(), n, 3))
		if err := model.Space().CheckFields(draws); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "predictor–corrector" {
			continue // whose steps are of first order
		}
		sum, squares := 0.0, 0.0
		for _, theta := range draws.All() {
			c := 0.0
			for _, v := range theta {
				c += math.Cos(v) / 16
			}
			sum += c / n
			squares += c * c / n
		}
		if d := sum - exact.Plaquette(); math.Abs(d) > 4.5*math.Sqrt((squares-sum*sum)/n) {
			t.Errorf("%s: ⟨cos θ⟩ = %v, expected %v", name, sum, exact.Plaquette())
		}
	}
}

// Training draws noise without a sum, and averages of the targets keep it.
func TestLiftedTraining(t *testing.T) {
	action, ens := liftedEnsemble(t, 2, 500, 4, 4)
	m := must(diffusion.Measure(action, ens))
	m.Space = diffusion.LiftedAngles{}
	for _, c := range []struct {
		objective diffusion.Objective
		average   int
	}{{diffusion.Target, 0}, {diffusion.Target, 2}, {diffusion.Denoising, 0}} {
		model := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), m.ModelConfig))
		var last diffusion.TrainProgress
		must(diffusion.Train(t.Context(), backendtest.Open(), model, ens, diffusion.TrainConfig{
			Objective: c.objective, Average: c.average, Action: action, Targets: m.Targets, Steps: 60, Batch: 32, LearningRate: 2e-2, Seed: 1,
			Progress: func(p diffusion.TrainProgress) { last = p },
		}))
		// The loss of no network is 1, and for denoising that of the Gaussian.
		if !(last.SmoothedLoss < 0.98) {
			t.Errorf("%v: loss %v", c, last.SmoothedLoss)
		}
	}
}

// A model moves to another lattice by its configuration, where the one of a measurement there
// would put it, and to no other couplings.
func TestMoved(t *testing.T) {
	action, ens := liftedEnsemble(t, 2, 500, 4, 4)
	m := must(diffusion.Measure(action, ens))
	larger, there := liftedEnsemble(t, 2, 500, 8, 6)
	want := must(diffusion.Measure(larger, there)).ModelConfig
	got := must(m.Moved(larger))
	if !got.Layout.Equal(want.Layout) || !reflect.DeepEqual(got.Theory, want.Theory) || !reflect.DeepEqual(got.Symmetries, want.Symmetries) {
		t.Errorf("moved to %+v, expected %+v", got, want)
	}
	for k, c := range got.Spectrum {
		if c != m.Spectrum[1] || got.Residual[k] != m.Residual[1] {
			t.Fatalf("mode %d has C = %v and D = %v, expected %v and %v", k, c, got.Residual[k], m.Spectrum[1], m.Residual[1])
		}
	}
	model := must(diffusion.NewModel(backendtest.Open(), smallNetwork(), m.ModelConfig))
	if err := must(model.OnLattice(got)).CheckAction(larger); err != nil {
		t.Error(err)
	}
	other := must(gauge.NewLift(must(gauge.NewWilson(larger.Layout().Lattice, 3)), 0))
	if _, err := m.Moved(other); err == nil {
		t.Error("a model of β = 2 moved to β = 3")
	}
	free := m.ModelConfig
	free.Space = nil
	if _, err := free.Moved(larger); err == nil {
		t.Error("a model of free fields was moved")
	}
}

// Both spaces are what difftest asks of one.
func TestSpaces(t *testing.T) {
	lat := must(lattice.New(3, 2))
	difftest.TestSpace(t, backendtest.Open(), diffusion.Euclidean{}, lattice.Vector(lat, 2))
	difftest.TestSpace(t, backendtest.Open(), diffusion.LiftedAngles{Lift: &lattice.Lift{Variance: 1.1, Cosines: []float64{0.2}}}, lattice.Scalar(lat))
}
