package diffusion

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// triples is a theory on a ring whose potential of a site is that of a quartic action, and whose
// sites are coupled in threes: given the others every site is linear in them, but the curvature
// between two depends on the field.
type triples struct {
	*lattice.Polynomial
	g float64
}

func (a triples) Value(phi []float64) float64 {
	s, n := a.Polynomial.Value(phi), len(phi)
	for x, v := range phi {
		s += a.g * v * phi[(x+1)%n] * phi[(x+2)%n]
	}
	return s
}

func (a triples) Drift(dst, phi []float64) []float64 {
	dst = a.Polynomial.Drift(dst, phi)
	n := len(phi)
	at := func(x int) float64 { return phi[(x+n)%n] }
	for x := range dst {
		dst[x] -= a.g * (at(x+1)*at(x+2) + at(x-1)*at(x+1) + at(x-2)*at(x-1))
	}
	return dst
}

// evaluations counts the drifts of an action that tells the potential of a site.
type evaluations struct {
	lattice.SiteAction
	drifts int
}

func (e *evaluations) Drift(dst, phi []float64) []float64 {
	e.drifts++
	return e.SiteAction.Drift(dst, phi)
}

// Where sites are coupled bilinearly a few configurations and the potential of a site tell the
// curvature that the drift has on all, with two drifts for each of 16 colours of the few; where they
// are not, all configurations are measured.
func TestBilinear(t *testing.T) {
	const n = 20
	plane, err := lattice.New(8, 4)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := lattice.New(10)
	if err != nil {
		t.Fatal(err)
	}
	phi4, err := lattice.NewPhi4(plane, 0.27, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	quartic, err := lattice.NewPolynomial(ring, 0.1, []float64{0, 0, 1, 0.1, 0.5})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		action   lattice.SiteAction
		bilinear bool
	}{{"φ⁴", phi4, true}, {"cubic", quartic, true}, {"triples", triples{quartic, 0.05}, false}} {
		if err := lattice.CheckSitePotential(c.action); err != nil {
			t.Fatal(err)
		}
		layout := c.action.Layout()
		rng := rand.New(rand.NewPCG(1, 0))
		ens := lattice.NewEnsemble(layout, n)
		phi := make([]float64, layout.Size())
		for range n {
			for x := range phi {
				phi[x] = rng.NormFloat64()
			}
			ens.Append(phi)
		}
		counted := &evaluations{SiteAction: c.action}
		r := newResponse(counted, ens)
		counted.drifts = 0
		got := r.bilinear(ens)
		if (got != nil) != c.bilinear {
			t.Errorf("%s: bilinear: %v", c.name, got != nil)
		}
		if got == nil {
			continue
		}
		colours := 1
		for _, s := range r.spacing {
			colours *= s
		}
		if want := 2 * colours * bilinearFields; counted.drifts != want {
			t.Errorf("%s: %d drifts, expected %d", c.name, counted.drifts, want)
		}
		for x, want := range r.curvature(ens, 0, rng) {
			// Differences over a step of 1e-4 have the relative error 1e-8.
			if math.Abs(got[x]-want) > 1e-7*got[0] {
				t.Errorf("%s: the curvature between 0 and %d is %v, measured on all fields %v", c.name, x, got[x], want)
			}
		}
	}
}
