package pretrained_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// drawnSites is the largest number of sites times steps of the flow of models from which TestCards draws where
// -points does not ask for more: beyond it sixteen proposals take as much time as those of all other models together.
const drawnSites = 64 * 64 * 36

// together is the number of fields that are drawn side by side, which cost as much as one.
const together = 16

// Every model is that of its card: the log-weights of a few fresh proposals, with another
// seed than those of the card and by as many steps, have the standard deviation and the log Z that
// it quotes.
func TestCards(t *testing.T) {
	b := backendtest.Open()
	points := map[string]bool{}
	for _, card := range pretrained.Cards() {
		t.Run(card.Name, func(t *testing.T) {
			action := must(lattice.NewPhi4(must(lattice.New(card.Dims...)), card.Kappa, card.Lambda))
			points[fmt.Sprint(card.Dims, card.Kappa)] = true
			m := must(pretrained.Load(action))
			if card.Command == "" || card.Data == "" || card.Hardware == "" || card.Proposals < 4096 {
				t.Errorf("incomplete card %+v", card)
			}
			if *pointsFlag == "" && action.Layout().Volume()*card.FlowSteps > drawnSites || !strings.Contains(card.Name, *pointsFlag) {
				t.Skip("draws only with -points")
			}
			n := max(together, 4096/action.Layout().Volume()*4)
			f := must(flow.New(b, m, flow.Config{Steps: card.FlowSteps, Batch: together}))
			s := must(f.Sample(t.Context(), n, 99))
			checkDraws(t, must(s.LogWeights(action)), card.LogZ, card.SDLogW)
			compareEngines(t, b, m, card.FlowSteps, 99, s)
		})
	}
	for _, p := range []string{"[16 16] 0.27", "[32 32] 0.27", "[32 32] 0.21", "[32 32] 0.5", "[64 64] 0.27", "[64 64] 0.33718", "[128 128] 0.27", "[128 128] 0.2705", "[12 12] 0.30785", "[20 20] 0.32251", "[32 32] 0.3307"} {
		if !points[p] {
			t.Errorf("no model for %s", p)
		}
	}
}

// checkDraws tests the log-weights of fresh draws against log Z and the standard deviation of a
// card, value and error each.
func checkDraws(t *testing.T, logw []float64, logZ, sd [2]float64) {
	t.Helper()
	n := float64(len(logw))
	w := must(stats.LogWeightStats(logw))
	tolerance := 5 * math.Hypot(logZ[1], sd[0]/math.Sqrt(n))
	if d := w.LogZ.Value - logZ[0]; !(math.Abs(d) < tolerance) {
		t.Errorf("log Z = %v, the card says %v, bound %v", w.LogZ.Value, logZ, tolerance)
	}
	// The squared standard deviation of n normal numbers has a relative error of √(2/n).
	limit := sd[0] * math.Sqrt(1+5*math.Sqrt(2/n))
	if !(w.SD < limit) {
		t.Errorf("sd(log w) = %v, the card says %v, bound %v", w.SD, sd, limit)
	}
}

// compareEngines tests the implementation of the network for CPUs, which the flow takes on
// this backend, against the graph in float64: the first draws with their log q, through all steps.
func compareEngines(t *testing.T, b compute.Backend, m *diffusion.Model, steps int, seed uint64, s *flow.Samples) {
	t.Helper()
	n := max(1, min(4, 1024/m.Layout().Volume()))
	f := must(flow.New(b, m, flow.Config{Batch: n, DType: dtypes.Float64, Steps: steps}))
	exact := must(f.Sample(t.Context(), n, seed))
	// In float32 the sums over a thousand sites and the stages of the steps leave 2e-5 in log q, and
	// the rounding of more sites grows like the root of their number; in a field they leave 3e-6. The
	// solution of one site takes ⟨φ₀⟩ as φ and a shift, so that the rounding of noisy fields, which grows with the
	// largest noise, 44 at 32², counts as well.
	v := float64(m.Layout().Volume())
	bound := 1e-4 * math.Sqrt(max(1, v/(64*64)))
	if m.Config().Site != nil {
		const sites, noise = 32 * 32, 44
		bound = max(bound, 1e-4*m.SigmaMax()/noise*math.Sqrt(v/sites))
	}
	const fieldBound = 2e-5
	for i, want := range exact.LogQ {
		if d := s.LogQ[i] - want; !(math.Abs(d) < bound) {
			t.Errorf("log q = %v, %v in float64: %.1e", s.LogQ[i], want, d)
		}
		for x, phi := range exact.Ensemble.Config(i) {
			if d := s.Ensemble.Config(i)[x] - phi; !(math.Abs(d) < fieldBound) {
				t.Fatalf("φ = %v at site %d, %v in float64: %.1e", s.Ensemble.Config(i)[x], x, phi, d)
			}
		}
	}
}

// A theory without a model is refused with the list of those that there are.
func TestLoadUnknown(t *testing.T) {
	action := must(lattice.NewPhi4(must(lattice.New(16, 16)), 0.31, 0.022))
	if _, err := pretrained.Load(action); err == nil || !strings.Contains(err.Error(), "phi4-16x16-kappa0.27-lambda0.022") {
		t.Errorf("got %v", err)
	}
	if _, err := (pretrained.Card{Name: "nothing"}).Load(); err == nil {
		t.Error("a card without a model was accepted")
	}
}

// The exact chain at criticality in one call: a model, its flow, and the density of what it
// draws.
func ExampleLoad() {
	lat := must(lattice.New(16, 16))
	action := must(lattice.NewPhi4(lat, 0.27, 0.022))
	m, err := pretrained.Load(action)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, exact := m.Network().(diffusion.ExactNetwork)
	fmt.Println(m.Layout(), "exact divergence:", exact)
	// Output:
	// 16x16 exact divergence: true
}
