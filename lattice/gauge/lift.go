package gauge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/latdiff/latdiff/lattice"
)

// Lift is the action of the lifted plaquettes of pure gauge theory in two dimensions, a
// [lattice.LiftedAction]. The angle θ_p of a plaquette may be any real number, and the lifts
// θ_p + 2πn of an angle share its weight like a Gaussian of variance v,
//
//	e^{-S} = Π_p e^{-s(θ_p)} N(θ_p; v)/W(θ_p) · (2π)^{1-V},  W(θ) = Σ_n N(θ + 2πn; v),
//
// so that the sum over all lifts is the weight of the links, up to gauge transformations and
// the two holonomies, on which it does not depend: Z of [lattice.LiftedAction] is that of the links
// with the Haar measure, [Exact.LogZ]. The density is smooth everywhere, and there is no charge
// to sum over: a lifted configuration has one winding number q, its sum over 2π. q need not be
// the topological charge Q, which is the sum of the wrapped angles, though often it is.
//
// It is immutable and safe for concurrent use.
type Lift struct {
	torus     *Torus
	weight    Weight
	potential lattice.Lift
	constant  float64 // of the potential
	cutoff    int     // of |n|
}

var _ lattice.LiftedAction = (*Lift)(nil)

// LiftVariance is the default of v in radians²: wide enough for a weight without edges at
// ±π, narrow enough for most lifts to be in (-π, π].
const LiftVariance = 1.1

const (
	// liftPoints is the number of points from which the Fourier series of the potential
	// follows, and liftRounding the size of its coefficients that are left out.
	liftPoints, liftRounding = 1 << 13, 1e-14
	// liftReach is the number of standard deviations beyond which there are no lifts.
	liftReach = 10
)

// NewLift returns the lift of an action in two dimensions with the variance v, in radians²;
// zero stands for [LiftVariance]. For Villain's weight and v = 1/β it is a Gaussian. It returns
// an error for an action in other dimensions, for a variance that is negative or not
// finite, and for a weight whose potential 2¹³ points of a period do not resolve.
func NewLift(action *Action, variance float64) (*Lift, error) {
	if action == nil {
		return nil, fmt.Errorf("gauge: expected an action to lift, got nil")
	}
	torus, err := NewTorus(action.layout.Lattice)
	if err != nil {
		return nil, err
	}
	if variance == 0 {
		variance = LiftVariance
	}
	if !(variance > 0) || math.IsInf(variance, 0) {
		return nil, fmt.Errorf("gauge: expected a positive variance of the lifts, got %v", variance)
	}
	l := &Lift{torus: torus, weight: action.weight, potential: lattice.Lift{Variance: variance}}
	l.cutoff = int(liftReach*math.Sqrt(variance)/(2*math.Pi)) + 1
	values := make([]float64, liftPoints)
	largest := 0.0
	for i := range values {
		theta := Wrap(2 * math.Pi * float64(i) / liftPoints)
		values[i] = l.weight.Energy(theta) + l.logImages(theta)
		largest = math.Max(largest, math.Abs(values[i]))
	}
	series := fourier.NewFFT(liftPoints).Coefficients(nil, values)
	l.constant = real(series[0])/liftPoints + 0.5*math.Log(2*math.Pi*variance)
	last := 0
	for n, c := range series[1:] {
		l.potential.Cosines = append(l.potential.Cosines, 2*real(c)/liftPoints)
		if math.Abs(real(c)) > liftRounding*largest*liftPoints {
			last = n + 1
		}
	}
	if last > liftPoints/4 {
		return nil, fmt.Errorf("gauge: expected a weight and a variance whose potential has less than %d Fourier coefficients, got %#v and v = %v", liftPoints/4, l.weight, variance)
	}
	l.potential.Cosines = slices.Clip(l.potential.Cosines[:last])
	return l, nil
}

// logImages returns log W(θ) for θ in (-π, π].
func (l *Lift) logImages(theta float64) float64 {
	sum := 0.0
	for n := -l.cutoff; n <= l.cutoff; n++ {
		sum += l.image(theta, n)
	}
	v := l.potential.Variance
	return math.Log(sum) - theta*theta/(2*v) - 0.5*math.Log(2*math.Pi*v)
}

// image returns N(θ + 2πn; v)/N(θ; v).
func (l *Lift) image(theta float64, n int) float64 {
	m := float64(n)
	return math.Exp(-2 * math.Pi * m * (theta + math.Pi*m) / l.potential.Variance)
}

// Torus returns the geometry of the links.
func (l *Lift) Torus() *Torus { return l.torus }

// Layout returns the layout of the plaquettes, one per site.
func (l *Lift) Layout() lattice.Layout { return lattice.Scalar(l.torus.layout.Lattice) }

// Params returns the couplings of the weight and v as "lift_variance".
func (l *Lift) Params() map[string]float64 {
	p := map[string]float64{"lift_variance": l.potential.Variance}
	for name, value := range l.weight.Params() {
		p[name] = value
	}
	return p
}

// Lift returns the potential of a plaquette.
func (l *Lift) Lift() lattice.Lift {
	return lattice.Lift{Variance: l.potential.Variance, Cosines: slices.Clone(l.potential.Cosines)}
}

// Value returns S of V lifted plaquettes, in radians.
func (l *Lift) Value(theta []float64) float64 {
	mustLength("lifted plaquettes", theta, l.torus.layout.Volume())
	s := float64(len(theta))*l.constant + float64(len(theta)-1)*math.Log(2*math.Pi)
	for _, t := range theta {
		s += l.potential.Value(t)
	}
	return s
}

// Drift writes -∂S/∂θ_p into dst and returns it. See [lattice.Action].
func (l *Lift) Drift(dst, theta []float64) []float64 {
	mustLength("lifted plaquettes", theta, l.torus.layout.Volume())
	if dst == nil {
		dst = make([]float64, len(theta))
	}
	mustLength("drifts", dst, len(theta))
	for p, t := range theta {
		dst[p] = -l.potential.Slope(t)
	}
	return dst
}

// Draw writes lifted plaquettes of links into dst and returns it: the lift of every plaquette
// is drawn from N(θ_p + 2πn; v)/W(θ_p), its distribution given the links. Of links with the
// distribution of the theory the result has that of the lift. A nil dst is allocated.
func (l *Lift) Draw(rng *rand.Rand, dst, links []float64) []float64 {
	dst = l.torus.Plaquettes(dst, links)
	for p, theta := range dst {
		sum := 0.0
		for n := -l.cutoff; n <= l.cutoff; n++ {
			sum += l.image(theta, n)
		}
		u, n := sum*rng.Float64(), -l.cutoff
		for u -= l.image(theta, n); u > 0 && n < l.cutoff; u -= l.image(theta, n) {
			n++
		}
		dst[p] = theta + 2*math.Pi*float64(n)
	}
	return dst
}

// DrawEnsemble returns lifted plaquettes of all configurations of links, by [Lift.Draw]. It
// returns an error for links of another layout.
func (l *Lift) DrawEnsemble(links *lattice.Ensemble, seed uint64) (*lattice.Ensemble, error) {
	if links == nil || links.Lattice == nil {
		return nil, fmt.Errorf("gauge: expected links to lift, got nil")
	}
	if err := links.CheckLayout(l.torus.layout); err != nil {
		return nil, fmt.Errorf("gauge: %w", err)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	out := lattice.NewEnsemble(l.Layout(), links.Len())
	for _, config := range links.All() {
		out.Data = append(out.Data, l.Draw(rng, nil, config)...)
	}
	out.Params = l.Params()
	return out, nil
}

// Links writes links with the given lifted plaquettes into dst and returns it: gauge and
// holonomies, on which the weight does not depend, are drawn from the uniform distribution. It
// returns an error unless the sum of the plaquettes is a multiple of 2π up to what single
// precision leaves, of which they are freed. A nil dst is allocated.
func (l *Lift) Links(rng *rand.Rand, dst, theta []float64) ([]float64, error) {
	mustLength("lifted plaquettes", theta, l.torus.layout.Volume())
	q := lattice.Winding(theta)
	const tolerance = 1e-4
	excess := q - math.Round(q)
	if !(math.Abs(excess) < tolerance) {
		return dst, fmt.Errorf("gauge: expected plaquettes with a sum of 2π times an integer, got %v times", q)
	}
	plaquettes := slices.Clone(theta)
	for p := range plaquettes {
		plaquettes[p] -= 2 * math.Pi * excess / float64(len(theta))
	}
	holonomy := func() float64 { return math.Pi * (1 - 2*rng.Float64()) }
	dst, err := l.torus.FromPlaquettes(dst, plaquettes, holonomy(), holonomy())
	if err != nil {
		return dst, err
	}
	l.torus.RandomGauge(rng, dst, nil)
	return dst, nil
}
