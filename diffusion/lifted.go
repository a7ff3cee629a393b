package diffusion

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/lattice"
)

// LiftedAngles is the [Space] of lifted angles, see [lattice.LiftedAction], one at every site,
// whose sum is 2πq with an integer q. The noise on them has no sum, φ = φ₀ + σ(z - z̄), so that q
// is the same at every noise level: the zero mode 2πq/√V neither diffuses nor flows, and it tells
// a network in which sector it is. The score is the gradient within the fields of one sum, its
// divergence the trace of the derivative there, tr J - (1/V) Σ_xy J(x,y), and densities are with
// respect to dφ(1) … dφ(V-1) for every q.
//
// Models need a spectrum, whose C_0 is the variance of the zero mode among fields that are drawn
// from the prior, and have mean zero and no order.
type LiftedAngles struct {
	// Lift is the potential of an angle: to the known part of a model then belongs the solution
	// of independent angles with this potential and the given sum, and the network learns what is
	// left. Nil: none.
	Lift *lattice.Lift `json:"lift,omitempty"`
}

var _ SolvedSpace = LiftedAngles{}

func init() {
	RegisterSpace(func(action lattice.Action) (LiftedAngles, bool) {
		a, ok := action.(lattice.LiftedAction)
		if !ok {
			return LiftedAngles{}, false
		}
		lift := a.Lift()
		return LiftedAngles{&lift}, true
	})
}

// Kind returns "lifted angles".
func (LiftedAngles) Kind() string { return "lifted angles" }

// Check returns an error unless the configuration is as [LiftedAngles] says.
func (LiftedAngles) Check(cfg ModelConfig) error {
	switch {
	case cfg.Spectrum == nil:
		return fmt.Errorf("diffusion: expected a spectrum for lifted angles, got none")
	case cfg.Layout.Components > 1 || cfg.Mean != nil && cfg.Mean[0] != 0 || cfg.Order > 0 || cfg.Site != nil || cfg.Layout.Volume() < 2:
		return fmt.Errorf("diffusion: expected lifted angles of one component with mean zero and without order and site potential on at least two sites, got the means %v, μ = %v and the potential %v on %v",
			cfg.Mean, cfg.Order, cfg.Site, cfg.Layout)
	}
	return nil
}

// CheckFields returns an error unless all fields have a sum of 2π times an integer.
func (LiftedAngles) CheckFields(ens *lattice.Ensemble) error {
	const tolerance = 1e-4 // of fields in single precision
	for i, phi := range ens.All() {
		if q := lattice.Winding(phi); math.Abs(q-math.Round(q)) > tolerance {
			return fmt.Errorf("diffusion: expected fields with a sum of 2π times an integer, got %v times in configuration %d", q, i)
		}
	}
	return nil
}

// Wrap leaves fields as they are: their winding number is a part of them.
func (LiftedAngles) Wrap(lattice.Layout, []float64) {}

// Fixed returns the zero mode.
func (LiftedAngles) Fixed(lattice.Layout) []int { return []int{0} }

// Tangent returns x without its sum.
func (LiftedAngles) Tangent(x *graph.Node) *graph.Node { return graph.Sub(x, meanSites(x)) }

// Solve returns the solution of independent angles, if their potential is known.
func (s LiftedAngles) Solve(cfg ModelConfig) (Solution, error) {
	if s.Lift == nil {
		return nil, nil
	}
	l, err := newLift(*s.Lift, mean(cfg.Spectrum), cfg.SigmaMin, cfg.SigmaMax)
	if err != nil {
		return nil, err
	}
	l.layout = cfg.Layout
	return l, nil
}

// Average returns a constant spectrum, with the mean over all modes but the zero mode: lifted
// angles are independent but for their sum.
func (LiftedAngles) Average(spectrum []float64) []float64 {
	return slices.Repeat([]float64{mean(spectrum[1:])}, len(spectrum))
}

// Measure sets a spectrum that is the same for every mode. C_0, the variance of the winding
// numbers, is another one where it is measured to be, by four errors. It returns an error for
// fields that are no lifted angles, and for an action that is not even.
func (s LiftedAngles) Measure(m *Measurement, action lattice.Action, ens *lattice.Ensemble) error {
	if ens.Components != 1 || ens.Volume() < 2 || !m.Symmetries.Sign {
		return fmt.Errorf("diffusion: expected an even action of lifted angles, one at each of at least two sites, got %s", lattice.Describe(action))
	}
	if err := s.CheckFields(ens); err != nil {
		return err
	}
	m.Mean = []float64{0}
	spectrum := ens.PowerSpectrum().Mean(nil)
	m.Spectrum = s.Average(spectrum)
	// The winding numbers of a theory in which the angles know of each other may have another
	// width.
	const errors = 4
	if c := m.Spectrum[0]; spectrum[0] > 0 && math.Abs(spectrum[0]-c) > errors*c*math.Sqrt(2/float64(ens.Len())) {
		m.Spectrum[0] = spectrum[0]
	}
	return m.checkFluctuates()
}

// Prior returns the distribution whose zero mode is 2πq/√V with an integer q of the probability
// proportional to exp(-(2πq)²/2VC_0), whatever the noise; the others are Gaussian with the
// variance C_k + σ². Perturb draws q afresh with probability β², and the density is that of q and
// of all φ(x) but one. A model without a linear part has σ² in the place of C_0.
func (LiftedAngles) Prior(m ScoreModel, sigma float64) Prior {
	p := newGaussianPrior(m.Layout(), sigma)
	zero := sigma * sigma
	if l, ok := Linear(m); ok {
		p.setLinear(l)
		zero = l.Spectrum()[0]
	}
	volume := p.layout.Volume()
	// The other modes are orthonormal coordinates of the fields of one sum, where
	// dφ(1) … dφ(V-1) is 1/√V of the volume element.
	p.constant += 0.5 * math.Log(2*math.Pi*p.variance[0]*float64(volume))
	p.variance[0] = zero
	q := newSectors(zero, volume)
	p.constant -= q.logNorm
	return &liftedPrior{p, q}
}

// liftedPrior is Gaussian but for the zero mode.
type liftedPrior struct {
	*gaussianPrior
	sectors *sectors
}

// Modes draws fields; see [Prior].
func (p *liftedPrior) Modes(rng *rand.Rand, n int) []float64 {
	return eachField(make([]float64, n*len(p.variance)), len(p.variance), func(field []float64) {
		p.draw(rng, field)
		field[0] = p.winding(rng)
	})
}

// Perturb moves fields; see [Prior].
func (p *liftedPrior) Perturb(rng *rand.Rand, x []float64, beta float64) []float64 {
	return eachField(slices.Clone(x), len(p.variance), func(field []float64) {
		zero := field[0]
		p.move(rng, field, beta)
		field[0] = zero
		if rng.Float64() < beta*beta {
			field[0] = p.winding(rng)
		}
	})
}

// winding draws the zero mode.
func (p *liftedPrior) winding(rng *rand.Rand) float64 {
	return 2 * math.Pi * float64(p.sectors.draw(rng)) / math.Sqrt(float64(p.layout.Volume()))
}

// sectors is the distribution of the winding number q, proportional to exp(-(2πq)²/2VC).
type sectors struct {
	largest    int       // |q|
	cumulative []float64 // of q = -largest, …, largest
	logNorm    float64   // log Σ_q exp(-(2πq)²/2VC)
}

// newSectors returns the distribution for the variance C of the zero mode 2πq/√V.
func newSectors(variance float64, volume int) *sectors {
	width := math.Sqrt(variance*float64(volume)) / (2 * math.Pi)
	s := &sectors{largest: int(10*width) + 1}
	sum := 0.0
	for q := -s.largest; q <= s.largest; q++ {
		sum += math.Exp(-float64(q*q) / (2 * width * width))
		s.cumulative = append(s.cumulative, sum)
	}
	s.logNorm = math.Log(sum)
	return s
}

// draw draws q.
func (s *sectors) draw(rng *rand.Rand) int {
	u := rng.Float64() * s.cumulative[len(s.cumulative)-1]
	return sort.SearchFloat64s(s.cumulative, u) - s.largest
}

// Moved returns the configuration of a model of lifted angles for another lattice and the same
// couplings: the spectra are the same for every mode but the zero mode, and every lattice. It returns an error for
// a configuration that is not one of lifted angles, and for an action of other couplings.
func (c ModelConfig) Moved(action lattice.LiftedAction) (ModelConfig, error) {
	if err := lattice.CheckAction(action); err != nil {
		return c, fmt.Errorf("diffusion: %w", err)
	}
	id := Identify(action)
	if _, ok := c.Space.(LiftedAngles); !ok || len(c.Spectrum) < 2 || len(c.Residual) < 2 {
		return c, fmt.Errorf("diffusion: expected a model of lifted angles to move, got one for %v", c.Layout)
	}
	if c.Theory.Fingerprint != "" && !maps.Equal(id.Params, c.Theory.Params) {
		return c, fmt.Errorf("diffusion: expected a model for %v, got one for %v", id, c.Theory)
	}
	symmetries, err := lattice.MeasureSymmetries(action)
	if err != nil {
		return c, fmt.Errorf("diffusion: %w", err)
	}
	size := action.Layout().Size()
	c.Layout, c.Theory, c.Symmetries = action.Layout(), id, &symmetries
	zero := c.Spectrum[0]
	c.Spectrum, c.Residual = slices.Repeat(c.Spectrum[1:2], size), slices.Repeat(c.Residual[1:2], size)
	c.Spectrum[0] = zero
	return c, nil
}
