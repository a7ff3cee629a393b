package pretrained_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/plaquette/pretrained"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
	"github.com/latdiff/latdiff/stats"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newLift(beta float64, dims ...int) *gauge.Lift {
	return must(gauge.NewLift(must(gauge.NewWilson(must(lattice.New(dims...)), beta)), 0))
}

// Every model is that of its card, on the lattice of its training: the log-weights of fresh
// proposals have the spread that it quotes, and log Z is the exact one.
func TestCards(t *testing.T) {
	couplings := map[float64]bool{}
	for _, card := range pretrained.Cards() {
		beta := card.Params["beta"]
		if _, fermions := card.Params["kappa"]; fermions {
			continue
		}
		couplings[beta] = true
		lift := newLift(beta, card.Dims...)
		if found, ok := pretrained.Find(lift); !ok || found.Name != card.Name {
			t.Errorf("%s is not found by its couplings", card.Name)
		}
		m := must(pretrained.Load(lift))
		if err := m.CheckAction(lift); err != nil {
			t.Error(err)
		}
		const n = 128
		s := must(must(flow.New(backendtest.Open(), m, flow.Config{Batch: n})).Sample(t.Context(), n, 99))
		logw := must(s.LogWeights(lift))
		w := must(stats.LogWeightStats(logw))
		point, exact := card.Points[0], must(gauge.NewExact(gauge.Wilson{Beta: beta}, card.Dims[0], card.Dims[1])).LogZ()
		if math.Abs(point.Exact-exact) > 1e-9*exact {
			t.Errorf("%s: the card says log Z = %v, exact %v", card.Name, point.Exact, exact)
		}
		if d := w.LogZ.Value - exact; !(math.Abs(d) < 5*math.Max(w.SD, point.SDLogW)/math.Sqrt(n)) {
			t.Errorf("%s: log Z = %v, exact %v", card.Name, w.LogZ, exact)
		}
		// Single draws with a plaquette far out have other weights.
		within := 0
		for _, l := range logw {
			if math.Abs(l-exact) < 3*point.SDLogW {
				within++
			}
		}
		if within < n*95/100 {
			t.Errorf("%s: %d of %d draws have log w within three standard deviations %v", card.Name, within, n, point.SDLogW)
		}
		if card.Command == "" || card.Data == "" || card.Hardware == "" || point.Proposals < 4096 {
			t.Errorf("incomplete card %+v", card)
		}
	}
	for _, beta := range []float64{2, 3, 7, 11, 14.1464} {
		if !couplings[beta] {
			t.Errorf("no model for β = %v", beta)
		}
	}
}

// The models of the Schwinger model are those of their cards.
func TestSchwinger(t *testing.T) {
	for _, kappa := range []float64{0.24, 0.26} {
		pure := must(gauge.NewWilson(must(lattice.New(8, 8)), 2))
		action := must(schwinger.New(pure, kappa))
		m, err := pretrained.LoadSchwinger(action)
		if err != nil {
			t.Fatal(err)
		}
		var point pretrained.Point
		for _, c := range pretrained.Cards() {
			if c.Params["kappa"] == kappa {
				point = c.Points[0]
			}
		}
		const n = 128
		lift := newLift(2, 8, 8)
		marginal := must(schwinger.NewMarginal(lift, action.Dirac(), 0))
		s := must(must(flow.New(backendtest.Open(), m, flow.Config{Batch: n})).Sample(t.Context(), n, 99))
		logw := must(s.LogWeights(lift))
		rng := rand.New(rand.NewPCG(1, 2))
		for i, theta := range s.Ensemble.All() {
			_, w, err := marginal.Draw(rng, nil, theta)
			if err != nil {
				t.Fatal(err)
			}
			logw[i] += w
		}
		w := must(stats.LogWeightStats(logw))
		if d := w.LogZ.Value - point.LogZ[0]; !(math.Abs(d) < 5*math.Hypot(w.LogZ.Error, point.LogZ[1])) {
			t.Errorf("κ = %v: log Z = %v, the card says %v", kappa, w.LogZ, point.LogZ)
		}
		if !(w.SD < 1.6*point.SDLogW) {
			t.Errorf("κ = %v: sd(log w) = %v, the card says %v", kappa, w.SD, point.SDLogW)
		}
		if _, err := pretrained.LoadSchwinger(must(schwinger.New(pure, kappa+0.005))); err == nil {
			t.Errorf("a model for κ = %v", kappa+0.005)
		}
	}
}

// A theory without a model is refused with the list of those that there are.
func TestLoadUnknown(t *testing.T) {
	if _, err := pretrained.Load(newLift(6.5, 8, 8)); err == nil || !strings.Contains(err.Error(), "u1-beta7") {
		t.Errorf("got %v", err)
	}
	if _, err := (pretrained.Card{Name: "nothing"}).Load(); err == nil {
		t.Error("a card without a model was accepted")
	}
}

// A model for a lattice of any size in one call, with an exact divergence.
func ExampleLoad() {
	m, err := pretrained.Load(newLift(7, 24, 20))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, exact := m.Network().(diffusion.ExactNetwork)
	fmt.Println(m.Layout(), "exact divergence:", exact)
	// Output:
	// 24x20 exact divergence: true
}
