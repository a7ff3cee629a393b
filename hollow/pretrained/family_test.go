package pretrained_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/pretrained"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// Every family is that of its card, at a coupling that it was not trained at, and its card has
// what is expected of a family: the ends of the range, couplings in between, and a log Z that is
// convex in κ.
func TestFamilies(t *testing.T) {
	b := backendtest.Open()
	found := map[string]bool{}
	for _, card := range pretrained.Families() {
		t.Run(card.Name, func(t *testing.T) {
			found[fmt.Sprint(card.Dims)] = true
			lat := must(lattice.New(card.Dims...))
			family := must(card.Load())
			if !slices.Equal(family.Couplings(), card.Kappas) {
				t.Errorf("couplings %v, the card says %v", family.Couplings(), card.Kappas)
			}
			untrained := slices.DeleteFunc(slices.Clone(card.Points), func(p pretrained.Point) bool { return slices.Contains(card.Kappas, p.Kappa) })
			if len(untrained) < 2 || len(card.Points) < 5 || card.Points[0].Kappa != card.Kappas[0] || card.Points[len(card.Points)-1].Kappa != card.Kappas[len(card.Kappas)-1] {
				t.Fatalf("expected five couplings with the ends and two between those of the training, got %d and %d", len(card.Points), len(untrained))
			}
			p := untrained[0]
			action := must(lattice.NewPhi4(lat, p.Kappa, card.Lambda))
			m := must(pretrained.Load(action))
			n := max(16, 4096/lat.Volume()*4)
			f := must(flow.New(b, m, flow.Config{Steps: card.FlowSteps, Batch: max(16, n/2)}))
			s := must(f.Sample(t.Context(), n, 99))
			checkDraws(t, must(s.LogWeights(action)), p.LogZ, p.SDLogW)
			slope := math.Inf(-1)
			for i, p := range card.Points[1:] {
				before := card.Points[i]
				next := (p.LogZ[0] - before.LogZ[0]) / (p.Kappa - before.Kappa)
				if next < slope {
					t.Errorf("log Z is not convex at κ = %v", before.Kappa)
				}
				slope = next
			}
			if card.Command == "" || card.Data == "" || card.Hardware == "" || card.Proposals < 2048 {
				t.Errorf("incomplete card %+v", card)
			}
		})
	}
	for _, dims := range []string{"[16 16]", "[32 32]"} {
		if !found[dims] {
			t.Errorf("no family on %s", dims)
		}
	}
}
