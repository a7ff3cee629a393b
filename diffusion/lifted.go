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
	// Sectors are what the logarithm of the probability of a winding number q has beyond that of
	// the Gaussian, -(2πq)²/2VC_0, at |q| = 0, 1, …, up to a constant; beyond the last it goes on
	// linearly if it rises. Nil: nothing. They belong to one lattice.
	Sectors []float64 `json:"sectors,omitempty"`
}

var _ SolvedSpace = LiftedAngles{}

func init() {
	RegisterSpace(func(action lattice.Action) (LiftedAngles, bool) {
		a, ok := action.(lattice.LiftedAction)
		if !ok {
			return LiftedAngles{}, false
		}
		lift := a.Lift()
		return LiftedAngles{Lift: &lift}, true
	})
}

// Kind returns "lifted angles".
func (LiftedAngles) Kind() string { return "lifted angles" }

// Check returns an error unless the configuration is as [LiftedAngles] says.
func (s LiftedAngles) Check(cfg ModelConfig) error {
	switch {
	case lattice.CheckField(s.Sectors, len(s.Sectors)) != nil || len(s.Sectors) > maxSectors:
		return fmt.Errorf("diffusion: expected finite logarithms of the probabilities of at most %d winding numbers, got %v", maxSectors, s.Sectors)
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
	if err := m.checkFluctuates(); err != nil {
		return err
	}
	s.Sectors = measureSectors(ens, m.Spectrum[0])
	m.Space = s
	return nil
}

const (
	// maxSectors bounds the winding numbers with a probability of their own.
	maxSectors = 1 << 10
	// leastWindings is the number of configurations with a winding number ±q from which on its
	// frequency is taken.
	leastWindings = 50
)

// measureSectors returns the Sectors of an ensemble, up to the first |q| that is rare: nil if
// all are as the Gaussian of the variance c of the zero mode has them, by four errors.
func measureSectors(ens *lattice.Ensemble, c float64) []float64 {
	counts := map[int]float64{}
	for _, phi := range ens.All() {
		counts[int(math.Abs(math.Round(lattice.Winding(phi))))]++
	}
	gaussian, n := newSectors(c, ens.Volume(), nil), float64(ens.Len())
	var sectors []float64
	differ := false
	for q := 0; q < maxSectors && counts[q] >= leastWindings; q++ {
		p := math.Exp(gaussian.logWeight(q) - gaussian.logNorm)
		if q > 0 {
			p *= 2
		}
		const errors = 4
		differ = differ || math.Abs(counts[q]-n*p) > errors*math.Sqrt(n*p*(1-p))
		sectors = append(sectors, math.Log(counts[q]/(n*p)))
	}
	if !differ {
		return nil
	}
	return sectors
}

// Prior returns the distribution whose zero mode is 2πq/√V with an integer q of the probability
// proportional to exp(-(2πq)²/2VC_0), and what Sectors say, whatever the noise; the others are Gaussian with the
// variance C_k + σ². Perturb draws q afresh with probability β², and the density is that of q and
// of all φ(x) but one. A model without a linear part has σ² in the place of C_0.
func (s LiftedAngles) Prior(m ScoreModel, sigma float64) Prior {
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
	q := newSectors(zero, volume, s.Sectors)
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

// LogDensity returns the logarithm of the density of one field; see [Prior].
func (p *liftedPrior) LogDensity(modes []float64) float64 {
	q := modes[0] * math.Sqrt(float64(p.layout.Volume())) / (2 * math.Pi)
	return p.gaussianPrior.LogDensity(modes) + p.sectors.excess(int(math.Abs(math.Round(q))))
}

// sectors is the distribution of the winding number q.
type sectors struct {
	width      float64   // √(VC)/2π
	beyond     []float64 // see [LiftedAngles]
	largest    int       // |q|
	cumulative []float64 // of q = -largest, …, largest
	logNorm    float64   // log of the sum of the weights
}

// newSectors returns the distribution for the variance C of the zero mode 2πq/√V.
func newSectors(variance float64, volume int, beyond []float64) *sectors {
	s := &sectors{width: math.Sqrt(variance*float64(volume)) / (2 * math.Pi), beyond: beyond}
	// A slope moves the centre of the Gaussian.
	s.largest = int(10*s.width+max(0, s.slope())*s.width*s.width) + len(beyond) + 1
	sum := 0.0
	for q := -s.largest; q <= s.largest; q++ {
		sum += math.Exp(s.logWeight(q))
		s.cumulative = append(s.cumulative, sum)
	}
	s.logNorm = math.Log(sum)
	return s
}

// logWeight returns the logarithm of the probability of q up to the normalisation.
func (s *sectors) logWeight(q int) float64 {
	return -float64(q*q)/(2*s.width*s.width) + s.excess(max(q, -q))
}

// excess returns what it has beyond the Gaussian.
func (s *sectors) excess(q int) float64 {
	n := len(s.beyond)
	switch {
	case n == 0:
		return 0
	case q < n:
		return s.beyond[q]
	}
	return s.beyond[n-1] + float64(q-n+1)*max(0, s.slope())
}

// slope returns the last difference.
func (s *sectors) slope() float64 {
	n := len(s.beyond)
	if n < 2 {
		return 0
	}
	return s.beyond[n-1] - s.beyond[n-2]
}

// draw draws q.
func (s *sectors) draw(rng *rand.Rand) int {
	u := rng.Float64() * s.cumulative[len(s.cumulative)-1]
	return sort.SearchFloat64s(s.cumulative, u) - s.largest
}

// Moved returns the configuration of a model of lifted angles for another lattice and the same
// couplings: the spectra are the same for every mode but the zero mode, and every lattice, and Sectors are left out. It returns an error for
// a configuration that is not one of lifted angles, and for an action of other couplings.
func (c ModelConfig) Moved(action lattice.LiftedAction) (ModelConfig, error) {
	if err := lattice.CheckAction(action); err != nil {
		return c, fmt.Errorf("diffusion: %w", err)
	}
	id := Identify(action)
	space, ok := c.Space.(LiftedAngles)
	if !ok || len(c.Spectrum) < 2 || len(c.Residual) < 2 {
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
	space.Sectors = nil
	c.Space = space
	return c, nil
}
