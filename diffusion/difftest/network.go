package difftest

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// TestNetwork checks a network in models with fresh and with random weights:
//
//   - adapting it twice is adapting it once;
//   - it vanishes with fresh weights, so that the model is the Gaussian, or the mixture of
//     two, in closed form;
//   - everything that [TestScore] checks, the divergence of a [diffusion.ExactNetwork]
//     included, for a known part that has every symmetry, so that the network alone decides
//     about them, and for one with other masses for every component and direction;
//   - gradients of the score, and of the divergence, with respect to all weights are
//     finite, and those of finite differences;
//   - a file brings the same function and configuration back;
//   - models on the same and on another lattice have the same weights.
//
// Its kind must be registered, see [diffusion.RegisterNetwork].
func TestNetwork(t testing.TB, backend compute.Backend, network diffusion.Architecture, cfg Config) {
	t.Helper()
	cfg.setDefaults()
	testAdapt(t, network, cfg)
	for _, uneven := range []bool{false, true} {
		m := newModel(t, backend, network, cfg.model(cfg.Layout, uneven))
		if !cfg.Alive {
			testFresh(t, backend, m)
		}
		randomise(t, m, cfg.Gain)
		score := cfg
		if uneven {
			score.Keeps = nil
		}
		testScore(t, backend, m, score)
		if uneven {
			continue
		}
		testGradients(t, backend, m, cfg)
		testFile(t, backend, m)
		testMoved(t, backend, m, cfg)
	}
}

// model returns the configuration of a model on a lattice, with a known part that has every
// symmetry or, if uneven, as few as the theory allows.
func (c *Config) model(layout lattice.Layout, uneven bool) diffusion.ModelConfig {
	cfg := diffusion.ModelConfig{Layout: layout, Symmetries: c.Symmetries, Order: c.Order, Space: c.Space, Seed: 5}
	if !c.Plain {
		cfg.Spectrum = spectrumOf(layout, uneven)
	}
	if uneven && c.Symmetries != nil && !c.Symmetries.Sign {
		cfg.Mean = make([]float64, layout.Components)
		for i := range cfg.Mean {
			cfg.Mean[i] = 0.3
		}
	}
	return cfg
}

func newModel(t testing.TB, backend compute.Backend, network diffusion.Architecture, cfg diffusion.ModelConfig) *diffusion.Model {
	t.Helper()
	m, err := diffusion.NewModel(backend, network, cfg)
	if err != nil {
		t.Fatalf("difftest: building a model: %v", err)
	}
	return m
}

// configOf returns the kind and the configuration of a network as text.
func configOf(t testing.TB, network diffusion.Architecture) string {
	t.Helper()
	text, err := json.Marshal(network.Config())
	if err != nil {
		t.Fatalf("difftest: encoding the configuration of a network: %v", err)
	}
	return network.Kind() + string(text)
}

func testAdapt(t testing.TB, network diffusion.Architecture, cfg Config) {
	t.Helper()
	theory := diffusion.Theory{Layout: cfg.Layout, Symmetries: cfg.Symmetries, Space: cfg.Space}
	once, err := network.Adapt(theory)
	if err != nil {
		t.Fatalf("difftest: adapting the network: %v", err)
	}
	for _, other := range []diffusion.Theory{theory, {Layout: cfg.Layout, Space: cfg.Space}} {
		twice, err := once.Adapt(other)
		if err != nil {
			t.Fatalf("difftest: adapting the network again: %v", err)
		}
		if a, b := configOf(t, once), configOf(t, twice); a != b {
			t.Errorf("difftest: expected an adapted network to stay as it is, got %s after %s", b, a)
		}
	}
}

// testFresh checks that an untrained model is its known part.
func testFresh(t testing.TB, backend compute.Backend, m *diffusion.Model) {
	t.Helper()
	layout := m.Layout()
	fields := normals(rand.New(rand.NewPCG(5, 6)), len(levels)*layout.Size())
	got := scoreOf(t, backend, m).call(t, fields, levels)[0]
	for i, level := range levels {
		phi := fields[i*layout.Size() : (i+1)*layout.Size()]
		want := make([]float64, len(phi))
		if m.Spectrum() != nil {
			want = gaussianScore(m, m.Order(), phi, level)
		}
		if d := deviation(got[i*layout.Size():(i+1)*layout.Size()], want); !(d < 1e-10) {
			t.Errorf("difftest: expected a network that vanishes with fresh weights, got a score at σ = %v that differs by %v from the known part", level, d)
		}
	}
}

// randomise replaces all trainable weights, so that what starts at zero is tested too.
func randomise(t testing.TB, m *diffusion.Model, gain float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 8))
	for _, path := range trainable(m) {
		v := m.Store().GetVariable(path)
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(gain * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			t.Fatalf("difftest: setting the weight %s: %v", path, err)
		}
	}
}

// trainable returns the paths of the weights that are trained, in order.
func trainable(m *diffusion.Model) (paths []string) {
	for v := range m.Store().IterVariables() {
		if v.Trainable {
			paths = append(paths, v.Path())
		}
	}
	slices.Sort(paths)
	return paths
}

// testGradients compares the gradients of a loss with differences along a direction in the
// space of every weight.
func testGradients(t testing.TB, backend compute.Backend, m *diffusion.Model, cfg Config) {
	t.Helper()
	loss := func(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
		y := graph.ReduceAllSum(graph.Square(m.Score(scope, phi, sigma)))
		if r := m.Remainder(scope, phi, sigma); r.Divergence != nil {
			y = graph.Add(y, graph.ReduceAllSum(graph.Square(r.Divergence)))
		}
		return y
	}
	paths := trainable(m)
	sigma := []float64{0.4, 2}
	fields := normals(rand.New(rand.NewPCG(9, 10)), len(sigma)*m.Layout().Size())
	gradients := compile(t, backend, m, func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
		y := loss(scope, phi, sigma)
		var weights []*graph.Node
		for _, path := range paths {
			weights = append(weights, m.Store().GetVariable(path).NodeValue(phi.Graph()))
		}
		return append(graph.Gradient(y, weights...), y)
	}).call(t, fields, sigma)
	value := compile(t, backend, m, func(scope *model.Scope, phi, sigma *graph.Node) []*graph.Node {
		return []*graph.Node{loss(scope, phi, sigma)}
	})
	total := math.Abs(gradients[len(paths)][0])
	rng := rand.New(rand.NewPCG(11, 12))
	for i, path := range paths {
		if !finite(gradients[i]) {
			t.Errorf("difftest: the gradient of %s is not finite", path)
			continue
		}
		v := m.Store().GetVariable(path)
		base := tensors.MustCopyFlatData[float32](v.MustValue())
		signs := make([]float32, len(base))
		for j := range signs {
			signs[j] = float32(2*rng.IntN(2) - 1)
		}
		// along returns the difference of the loss between two points of this direction,
		// and what the gradient says about it. Weights are float32.
		along := func(h float32) (difference, slope float64) {
			up, down := slices.Clone(base), slices.Clone(base)
			for j, s := range signs {
				up[j], down[j] = base[j]+h*s, base[j]-h*s
				slope += gradients[i][j] * float64(up[j]-down[j])
			}
			for _, point := range []struct {
				w    []float32
				sign float64
			}{{up, 1}, {down, -1}, {base, 0}} {
				if err := v.SetValue(tensors.FromFlatDataAndDimensions(point.w, v.Shape().Dimensions...)); err != nil {
					t.Fatalf("difftest: setting the weight %s: %v", path, err)
				}
				if point.sign != 0 {
					difference += point.sign * value.call(t, fields, sigma)[0][0]
				}
			}
			return difference, slope
		}
		const h = 1. / 512
		wide, _ := along(2 * h)
		narrow, want := along(h)
		// Richardson's combination of both differences.
		got := (8*narrow - wide) / 6
		if d := math.Abs(got - want); !(d < cfg.Curvature*math.Abs(want)+1e-6*total) {
			t.Errorf("difftest: expected a change of the loss by %v along the gradient of %s, got %v", want, path, got)
		}
	}
}

// testFile checks that a file brings the same model back.
func testFile(t testing.TB, backend compute.Backend, m *diffusion.Model) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.npz")
	if err := m.Save(path); err != nil {
		t.Fatalf("difftest: saving the model: %v", err)
	}
	back, err := diffusion.LoadModel(path)
	if err != nil {
		t.Fatalf("difftest: loading the model: %v", err)
	}
	if a, b := configOf(t, m.Network()), configOf(t, back.Network()); a != b {
		t.Errorf("difftest: expected the network %s in the file, got %s", a, b)
	}
	same(t, backend, m, back, "the model from a file")
}

// testMoved checks models on the same and on another lattice.
func testMoved(t testing.TB, backend compute.Backend, m *diffusion.Model, cfg Config) {
	t.Helper()
	copied, err := m.OnLattice(m.Config())
	if err != nil {
		t.Fatalf("difftest: moving the model to its own lattice: %v", err)
	}
	same(t, backend, m, copied, "the model on its own lattice")
	if cfg.Other == nil {
		return
	}
	layout := lattice.Layout{Lattice: cfg.Other, Components: cfg.Layout.Components}
	moved, err := m.OnLattice(cfg.model(layout, false))
	if err != nil {
		t.Fatalf("difftest: moving the model to %v: %v", cfg.Other, err)
	}
	fields := normals(rand.New(rand.NewPCG(13, 14)), len(levels)*layout.Size())
	if got := scoreOf(t, backend, moved).call(t, fields, levels)[0]; len(got) != len(fields) || !finite(got) {
		t.Errorf("difftest: the model on %v has a score that is not finite, or not a field", cfg.Other)
	}
	if a, b := m.NumParameters(), moved.NumParameters(); a != b {
		t.Errorf("difftest: expected %d weights on %v too, got %d", a, cfg.Other, b)
	}
}

// same checks that two models are the same function.
func same(t testing.TB, backend compute.Backend, a, b *diffusion.Model, what string) {
	t.Helper()
	fields := normals(rand.New(rand.NewPCG(15, 16)), len(levels)*a.Layout().Size())
	x, y := scoreOf(t, backend, a).call(t, fields, levels)[0], scoreOf(t, backend, b).call(t, fields, levels)[0]
	if d := deviation(y, x); !(d < 1e-13) {
		t.Errorf("difftest: %s differs by %v", what, d)
	}
}
