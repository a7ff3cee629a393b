package flow_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

func newLattice(t testing.TB, dims ...int) *lattice.Lattice {
	t.Helper()
	lat, err := lattice.New(dims...)
	if err != nil {
		t.Fatal(err)
	}
	return lat
}

// Villain's weight lifts to a Gaussian. Its flow is exact: the weight of every draw, and of any
// field, is the partition function of the links.
func TestLiftedGaussian(t *testing.T) {
	const beta = 1.3
	for _, dims := range [][]int{{1, 2}, {4, 3}} {
		action, err := gauge.NewVillain(newLattice(t, dims...), beta)
		if err != nil {
			t.Fatal(err)
		}
		lift, err := gauge.NewLift(action, 1/beta)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := gauge.NewExact(action.Weight(), dims[0], dims[1])
		if err != nil {
			t.Fatal(err)
		}
		g, err := diffusion.NewGaussian(diffusion.ModelConfig{
			Layout: lift.Layout(), Space: diffusion.LiftedAngles{}, Spectrum: slices.Repeat([]float64{1 / beta}, dims[0]*dims[1]),
		})
		if err != nil {
			t.Fatal(err)
		}
		f, err := flow.New(backendtest.Open(), g, flow.Config{SigmaMin: 1e-4, SigmaMax: 5, Batch: 16})
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Sample(t.Context(), 40, 1)
		if err != nil {
			t.Fatal(err)
		}
		logw, err := s.LogWeights(lift)
		if err != nil {
			t.Fatal(err)
		}
		sectors := map[float64]bool{}
		for i, theta := range s.Ensemble.All() {
			sectors[math.Round(lattice.Winding(theta))] = true
			// Fields in single precision.
			if d := logw[i] - exact.LogZ(); math.Abs(d) > 1e-4 {
				t.Errorf("%v: log w = %v, exact %v", dims, logw[i], exact.LogZ())
			}
		}
		if dims[0] > 1 && len(sectors) < 2 {
			t.Errorf("%v: all draws have the winding number of the first", dims)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		other := lattice.NewEnsemble(lift.Layout(), 1)
		other.Data = make([]float64, lift.Layout().Volume())
		sum := 0.0
		for x := range other.Data[1:] {
			other.Data[x] = 2 * rng.NormFloat64()
			sum += other.Data[x]
		}
		other.Data[len(other.Data)-1] = -2*math.Pi - sum
		l, err := f.LogProb(t.Context(), other, 1)
		if err != nil {
			t.Fatal(err)
		}
		if d := -lift.Value(other.Data) - l.LogQ[0] - exact.LogZ(); math.Abs(d) > 1e-4 {
			t.Errorf("%v: log w of another field is off by %v", dims, d)
		}
		other.Data[0]++
		if _, err := f.LogProb(t.Context(), other, 1); err == nil {
			t.Error("a field whose sum is no multiple of 2π was accepted")
		}
		for _, cfg := range []flow.Config{{Plain: true}, {IsotropicPrior: true}} {
			if _, err := flow.New(backendtest.Open(), g, cfg); err == nil {
				t.Errorf("%+v was accepted", cfg)
			}
		}
	}
}

// hiddenLifted hides that the divergence of the remainder of lifted angles is known.
type hiddenLifted struct{ liftedModel }

type liftedModel interface {
	diffusion.LinearModel
	diffusion.SpaceModel
}

func (h hiddenLifted) Remainder(scope *model.Scope, phi, sigma *graph.Node) diffusion.Remainder {
	return diffusion.Remainder{Learned: h.liftedModel.Remainder(scope, phi, sigma).Sum()}
}

// The trace of the Jacobian in the directions without sum, site by site, is the divergence that
// the solution of independent angles and the network of plaquettes know, and so is probing
// with one colour a site; and forward and backward maps are inverse to each other.
func TestLiftedJacobian(t *testing.T) {
	action, err := gauge.NewWilson(newLattice(t, 4, 4), 1.5)
	if err != nil {
		t.Fatal(err)
	}
	lifted, err := gauge.NewLift(action, 0)
	if err != nil {
		t.Fatal(err)
	}
	network, err := plaquette.New(plaquette.Config{Hidden: 5, Embedding: 4})
	if err != nil {
		t.Fatal(err)
	}
	lift := lifted.Lift()
	m, err := diffusion.NewModel(backendtest.Open(), network, diffusion.ModelConfig{
		Layout: lifted.Layout(), Space: diffusion.LiftedAngles{Lift: &lift}, Spectrum: slices.Repeat([]float64{0.9}, 16),
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 3))
	for v := range m.Store().IterVariables() {
		w := make([]float32, v.Shape().Size())
		for i := range w {
			w[i] = float32(0.2 * rng.NormFloat64())
		}
		if err := v.SetValue(tensors.FromFlatDataAndDimensions(w, v.Shape().Dimensions...)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := flow.Config{Steps: 48, SigmaMin: 0.02, SigmaMax: 5, DType: dtypes.Float64, Batch: 4}
	s, err := newFlow(t, m, cfg).Sample(t.Context(), 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := logProb(t, m, s.Ensemble, cfg)
	if d := maxDifference(want.LogQ, s.LogQ); d > 1e-3 {
		t.Errorf("log q changes by %v on the way back", d)
	}
	for _, way := range []flow.Divergence{flow.Jacobian, flow.Probing} {
		probed := cfg
		probed.Divergence, probed.Probes, probed.Repeats = way, 16, 1
		got := logProb(t, hiddenLifted{m}, s.Ensemble, probed)
		if d := maxDifference(got.LogQ, want.LogQ); d > 1e-6 {
			t.Errorf("%v: log q differs by %v from that of the known divergence", way, d)
		}
	}
}
