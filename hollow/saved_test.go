package hollow_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
)

// Saved models stay the functions that they were when they were trained: values that an
// implementation in another layout, with the gates on the fields and the alignment's part of
// the divergence from a reverse pass, gave for two files.
func TestSavedModels(t *testing.T) {
	for _, c := range []struct {
		file              string
		field, divergence []float64
	}{
		{"testdata/single.npz", []float64{-1.848960206, -0.2188546123, 0.00208409001}, []float64{-39.01946674, -9.95706236, -0.02188349382}},
		{"testdata/mixture.npz", []float64{-2.663531951, 0.1096712309, -0.01781406378}, []float64{-139.4558732, -2.674738963, 0.03211280119}},
	} {
		m := must(diffusion.LoadModel(c.file))
		v := m.Layout().Size()
		data := normals(rand.New(rand.NewPCG(4, 5)), 3*v)
		r, div := evaluate(t, m, data, []float64{0.05, 0.7, 4})
		for i := range div {
			// One site of every sample; the values above have ten digits.
			site := i*v + i + 1
			if math.Abs(r[site]-c.field[i]) > 1e-8*math.Abs(c.field[i]) || math.Abs(div[i]-c.divergence[i]) > 1e-8*math.Abs(c.divergence[i]) {
				t.Errorf("%s, sample %d: field %.10g and divergence %.10g, expected %.10g and %.10g", c.file, i, r[site], div[i], c.field[i], c.divergence[i])
			}
		}
	}
}
