package selftrain

import (
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// The comparison finds a Gaussian that is too narrow in its zero mode, which its own draws do not
// show, and nothing wrong with one that is a little too wide.
func TestCompare(t *testing.T) {
	theory, free := draws(t, 256)
	exact, err := free.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := mcmc.ThermodynamicPath{From: 0.1, To: free.Kappa(), Action: func(kappa float64) (lattice.Action, error) {
		return lattice.NewFreeField(free.Layout().Lattice, kappa)
	}}
	for factor, alarm := range map[float64]bool{0.3: true, 1.2: false} {
		l := &ladder{Config: Config{Check: 256, CheckSteps: 10}, backend: backendtest.Open(), family: &family{ThermodynamicPath: path, linear: true}}
		p := &position{t: path.To, seed: 1}
		p.gaussian = diffusion.ModelConfig{Layout: free.Layout(), Spectrum: append([]float64(nil), exact...)}
		p.gaussian.Spectrum[0] *= factor
		f, err := l.draw(t.Context(), p, 1024)
		if err != nil {
			t.Fatal(err)
		}
		p.Fault = ""
		if err := l.compare(t.Context(), p, f, theory); err != nil {
			t.Fatal(err)
		}
		if p.sides != alarm || (p.Fault != "") != alarm {
			t.Errorf("zero mode %v times the exact one: the comparison says %q, %+v", factor, p.Fault, p.Sides)
		}
	}
}
