package hollow_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// A model with pairs and gradients that it did not have is the same function until they are trained; a
// network that lacks weights of the model is refused.
func TestExtend(t *testing.T) {
	const sigma = 0.7
	without, with := small, small
	without.Pairs, with.Gradients = -1, 3
	m := freshModel(without, 0, 4, 4)
	randomise(t, m)
	more := must(m.Extend(backendtest.Open(), must(hollow.New(with))))
	if more.NumParameters() <= m.NumParameters() {
		t.Errorf("%d weights with more parts, %d without", more.NumParameters(), m.NumParameters())
	}
	x := normals(rand.New(rand.NewPCG(1, 2)), m.Layout().Size())
	r, divergence := evaluate(t, m, x, []float64{sigma})
	same, also := evaluate(t, more, x, []float64{sigma})
	if !slices.Equal(r, same) || !slices.Equal(divergence, also) {
		t.Errorf("the score changes by %v, its divergence from %v to %v", maxDifference(r, same), divergence, also)
	}
	randomise(t, more)
	if other, _ := evaluate(t, more, x, []float64{sigma}); maxDifference(r, other) == 0 {
		t.Error("the weights of the extended model have no effect")
	}

	for name, cfg := range map[string]func(*hollow.Config){
		"another width": func(c *hollow.Config) { c.Hidden = 7 },
		"fewer parts":   func(c *hollow.Config) { c.Pairs = -1 },
	} {
		wide := small
		cfg(&wide)
		if _, err := freshModel(small, 0, 4, 4).Extend(backendtest.Open(), must(hollow.New(wide))); err == nil || !strings.Contains(err.Error(), "diffusion: expected a network with the weights") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
