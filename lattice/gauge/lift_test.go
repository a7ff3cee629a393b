package gauge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

func newLift(t testing.TB, w gauge.Weight, variance float64, dims ...int) *gauge.Lift {
	t.Helper()
	return must[*gauge.Lift](t)(gauge.NewLift(newAction(t, w, dims...), variance))
}

// liftWeights can be lifted with the default variance.
var liftWeights = []gauge.Weight{
	gauge.Wilson{}, gauge.Wilson{Beta: 0.3}, gauge.Wilson{Beta: 2}, gauge.Wilson{Beta: 14.1464}, gauge.Villain{Beta: 0.49}, gauge.Villain{Beta: 3},
}

// The weights of all lifts of a plaquette add up to the weight of the plaquette.
func TestLiftSums(t *testing.T) {
	for _, w := range liftWeights {
		for _, v := range []float64{0, 0.4, 3} {
			l := newLift(t, w, v, 1, 1)
			for _, theta := range []float64{0, 0.7, -2.5, math.Pi} {
				sum := 0.0
				for n := -8.0; n <= 8; n++ {
					sum += math.Exp(-l.Value([]float64{theta + 2*math.Pi*n}))
				}
				near(t, "log Σ_n exp(-S)", math.Log(sum), -w.Energy(theta), 1e-9)
			}
		}
	}
}

// Z = Σ_q ∫dθ exp(-S) is that of the links, on two plaquettes by quadrature.
func TestLiftPartition(t *testing.T) {
	for _, w := range liftWeights {
		l := newLift(t, w, 0, 1, 2)
		sum := 0.0
		const step = 0.01
		for q := -6.0; q <= 6; q++ {
			for i := -4000; i <= 4000; i++ {
				theta := step * float64(i)
				sum += step * math.Exp(-l.Value([]float64{theta, 2*math.Pi*q - theta}))
			}
		}
		near(t, "log Z", math.Log(sum), newExact(t, w, 1, 2).LogZ(), 1e-9)
	}
}

func TestLiftDrift(t *testing.T) {
	for _, w := range liftWeights {
		if err := lattice.CheckDrift(newLift(t, w, 0, 3, 4)); err != nil {
			t.Errorf("%#v: %v", w, err)
		}
	}
}

// Villain's weight is that of a Gaussian variable modulo 2π.
func TestLiftVillain(t *testing.T) {
	const beta = 2.5
	l := newLift(t, gauge.Villain{Beta: beta}, 1/beta, 2, 2)
	for _, c := range l.Lift().Cosines {
		near(t, "Fourier coefficient of the potential", c, 0, 1e-9)
	}
	theta := []float64{1, 5, -7, 0.5}
	squares := 0.0
	for _, v := range theta {
		squares += v * v
	}
	near(t, "S", l.Value(theta), beta*squares/2+3*math.Log(2*math.Pi), 1e-8)
}

// Lifts of links have their distribution, and the links are their plaquettes.
func TestLiftDraw(t *testing.T) {
	const n, v = 20000, 1.7
	l := newLift(t, gauge.Wilson{Beta: 1}, v, 2, 3)
	rng := rand.New(rand.NewPCG(1, 2))
	links := hot(rng, 12)
	plaquettes := l.Torus().Plaquettes(nil, links)
	squares := make([]float64, len(plaquettes))
	for range n {
		lifted := l.Draw(rng, nil, links)
		nearAngles(t, "lifted plaquettes", lifted, plaquettes, 1e-12)
		near(t, "winding number", lattice.Winding(lifted), math.Round(lattice.Winding(lifted)), 1e-12)
		for p, theta := range lifted {
			squares[p] += theta * theta / n
		}
	}
	for p, theta := range plaquettes {
		var m0, m2, m4 float64
		for k := -9.0; k <= 9; k++ {
			x := theta + 2*math.Pi*k
			w := math.Exp(-x * x / (2 * v))
			m0, m2, m4 = m0+w, m2+w*x*x, m4+w*x*x*x*x
		}
		near(t, "⟨θ²⟩ of the lifts", squares[p], m2/m0, 4.5*math.Sqrt((m4/m0-m2*m2/m0/m0)/n))
	}
}

// Links have the plaquettes that they are made of, in single precision too, and uniform
// holonomies.
func TestLiftLinks(t *testing.T) {
	l := newLift(t, gauge.Wilson{Beta: 1}, 0, 4, 3)
	rng := rand.New(rand.NewPCG(3, 4))
	const n = 4000
	var h complex128
	for range n {
		theta := make([]float64, 12)
		sum := -6 * math.Pi
		for p := range 11 {
			theta[p] = float64(float32(2 * rng.NormFloat64()))
			sum += theta[p]
		}
		theta[11] = float64(float32(-sum))
		links := must[[]float64](t)(l.Links(rng, nil, theta))
		nearAngles(t, "plaquettes", l.Torus().Plaquettes(nil, links), theta, 1e-5)
		loop := must[complex128](t)(l.Torus().PolyakovLoop(links, 0))
		h += loop / n
	}
	// |mean|² of unit vectors, of which those of a configuration are correlated.
	if got := real(h)*real(h) + imag(h)*imag(h); got > 20./n {
		t.Errorf("expected uniform Polyakov loops, got the mean %v of %d", h, n)
	}
	if _, err := l.Links(rng, nil, make([]float64, 12)); err != nil {
		t.Error(err)
	}
	half := make([]float64, 12)
	half[0] = math.Pi
	if _, err := l.Links(rng, nil, half); err == nil {
		t.Error("plaquettes with the sum π were accepted")
	}
}

func TestLiftDrawEnsemble(t *testing.T) {
	a := newAction(t, gauge.Wilson{Beta: 1}, 3, 2)
	l := must[*gauge.Lift](t)(gauge.NewLift(a, 0))
	links := lattice.NewEnsemble(a.Layout(), 5)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		links.Data = append(links.Data, hot(rng, 12)...)
	}
	lifted := must[*lattice.Ensemble](t)(l.DrawEnsemble(links, 7))
	for i, theta := range lifted.All() {
		nearAngles(t, "plaquettes", theta, a.Plaquettes(nil, links.Config(i)), 1e-12)
	}
	if err := lifted.CheckAction(l); err != nil {
		t.Error(err)
	}
	if _, err := l.DrawEnsemble(lifted, 7); err == nil {
		t.Error("plaquettes were accepted as links")
	}
	if _, err := l.DrawEnsemble(nil, 7); err == nil {
		t.Error("no links were accepted")
	}
}

func TestLiftErrors(t *testing.T) {
	if _, err := gauge.NewLift(nil, 0); err == nil {
		t.Error("no action was accepted")
	}
	if _, err := gauge.NewLift(newAction(t, gauge.Wilson{Beta: 1}, 2, 2, 2), 0); err == nil {
		t.Error("three dimensions were accepted")
	}
	flat := newAction(t, gauge.Wilson{Beta: 1}, 2, 2)
	for _, v := range []float64{-1, math.NaN(), math.Inf(1), 1e-6} {
		if _, err := gauge.NewLift(flat, v); err == nil {
			t.Errorf("a variance of %v was accepted", v)
		}
	}
}
