package diffusion

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Measurement is what [Measure] finds about an action and an ensemble: everything that a
// model has to know before it is trained, and the targets of the training.
type Measurement struct {
	// ModelConfig describes the known part of a model, without a seed.
	ModelConfig
	// Targets is the field Y of [ResidualField] for every configuration, in the layout
	// of the ensemble.
	Targets []float64
	// Warnings say in words what makes the theory hard for a model, as far as it can be
	// known before the training: strong coupling, wells that the base does not have, few
	// configurations. None is the rule.
	Warnings []string

	ordered float64 // the Binder cumulant above which a theory is ordered
}

// orderedBinder is the Binder cumulant (2/3 for two sharp peaks, 0 for a Gaussian)
// above which an ensemble is modelled as a mixture of two Gaussians.
const orderedBinder = 0.4

// Measure returns what can be measured about an action and an ensemble of it before
// anything is trained.
//
//   - The symmetries of the action, by [lattice.MeasureSymmetries], and its identity.
//   - The mean of the field, zero where a sign is a symmetry, and the connected power
//     spectrum C_k, averaged over the symmetries that the action has, with what the drift and
//     the potential of a site, see [lattice.SiteAction], know about it: an error many times
//     smaller than that of the mean of |φ_k|².
//   - Whether the theory is ordered: a field of one component with an even action and a
//     Binder cumulant above 0.4. The Gaussian part is then a mixture of two: with m₂ and
//     m₄ the moments of the zero mode φ_0 = √V M, it has the second moment of the data,
//     C_0 = m₂ - μ², and centres at μ² = 0.8 √((3m₂² - m₄)/2). Without the factor it
//     would have their fourth moment too, but too little weight between its peaks: a base
//     that is too wide there is easier to correct than one that is too narrow. Deep in
//     the ordered phase (U_L > 0.6), where that difference loses all its digits and the
//     region between the peaks its importance, μ = √V⟨|M|⟩ and C_0 = V(⟨M²⟩ - ⟨|M|⟩²).
//   - The potential of a site, if the action tells it ([lattice.SiteAction]), the field has
//     one component and no order, and the potential is far from quadratic,
//     ⟨V″⟩⟨(φ-⟨φ⟩)²⟩ > 1.05 for one site: λ > 0.14 in φ⁴ theory.
//   - The space of the fields: of an action of lifted angles ([lattice.LiftedAction]), or of
//     another one that was registered, what its Measure says in the place of all this; see
//     [LiftedAngles].
//   - The residual field and its spectrum D_k, see [ResidualField].
//   - The range of noise levels, by [SigmaMinFor] and [SigmaMaxFor].
//
// It returns an error for an ensemble that is empty, not finite, of another layout or of
// another coupling than the action, for one that does not fluctuate or whose fields are of
// another size than the action gives them, for an action whose drift is not the gradient of
// its value ([lattice.CheckDrift]) or not that of its site potential ([lattice.CheckSitePotential]), and for one without translations and reflections, which
// the spectrum of a Gaussian part needs.
func Measure(action lattice.Action, ens *lattice.Ensemble) (*Measurement, error) {
	return measure(action, ens, orderedBinder)
}

// measure is Measure with an order for Binder cumulants above the one given.
func measure(action lattice.Action, ens *lattice.Ensemble, ordered float64) (*Measurement, error) {
	if err := checkTheory(action, ens); err != nil {
		return nil, err
	}
	if err := lattice.CheckDrift(action); err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	symmetries, err := lattice.MeasureSymmetries(action)
	if err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	if !symmetries.Translation || !symmetries.Reflection {
		return nil, fmt.Errorf("diffusion: expected an action that is invariant under translations and reflections of the lattice, got %s, which is not", lattice.Describe(action))
	}
	m := &Measurement{ModelConfig: ModelConfig{Layout: ens.Layout, Symmetries: &symmetries, Theory: Identify(action)}, ordered: ordered}
	if m.Space, err = spaceOfAction(action); err != nil {
		return nil, err
	}
	if s, ok := action.(lattice.SiteAction); ok {
		if err := lattice.CheckSitePotential(s); err != nil {
			return nil, fmt.Errorf("diffusion: %w", err)
		}
	}
	if err := m.Space.Measure(m, action, ens); err != nil {
		return nil, err
	}
	if m.Targets, err = ResidualField(action, m.ModelConfig, ens.Data); err != nil {
		return nil, err
	}
	// What the network has to learn at σ → 0 is Y without the known pull towards ±μ.
	m.Residual = m.Space.Average(symmetrized(withoutPull(m, ens).PowerSpectrum().Mean(nil), ens.Layout, symmetries))
	force := meanForce(action, ens)
	m.SigmaMin, m.SigmaMax = SigmaMinFor(force), SigmaMaxFor(m.Spectrum)
	if !(m.SigmaMin < m.SigmaMax) {
		// In equilibrium ⟨φ_i ∂S/∂φ_i⟩ = 1, so that force and width of a mode are at
		// least of the order of each other's inverse.
		return nil, fmt.Errorf("diffusion: expected configurations of the action, got fluctuations of up to %.3g where its forces are only %.3g", m.SigmaMax/5, math.Sqrt(force))
	}
	m.Warnings = m.warnings(force, ens)
	return m, nil
}

// checkFluctuates returns an error for a spectrum with a mode that has none.
func (m *Measurement) checkFluctuates() error {
	for k, c := range m.Spectrum {
		if !(c > 0) {
			return fmt.Errorf("diffusion: expected an ensemble of configurations that fluctuate, got the variance %v of mode %d", c, k)
		}
	}
	return nil
}

// leastCurved is the value of ⟨V″⟩⟨(φ-⟨φ⟩)²⟩ of one site above which its solution belongs to
// a model; it is 1 for a quadratic potential. In weakly coupled theories with a long
// correlation length a network learns faster from the Gaussian alone.
const leastCurved = 1.05

// site sets the potential of a site, where that pays.
func (m *Measurement) site(action lattice.Action) {
	a, ok := action.(lattice.SiteAction)
	if !ok || m.Layout.Components != 1 || m.Order > 0 {
		return
	}
	c := a.SitePotential()
	if s, err := newSite(c, m.Mean[0], mean(m.Spectrum)); err == nil && s.curved > leastCurved {
		m.Site = c
	}
}

// leastConfigurations is a bound on nonsense: the spectrum of so few is known to a third.
const leastConfigurations = 8

// checkTheory returns an error unless there is an action and an ensemble of it.
func checkTheory(action lattice.Action, ens *lattice.Ensemble) error {
	if err := lattice.CheckAction(action); err != nil {
		return fmt.Errorf("diffusion: %w", err)
	}
	if ens == nil || ens.Lattice == nil {
		return fmt.Errorf("diffusion: expected an ensemble, got nil")
	}
	if err := ens.CheckAction(action); err != nil {
		return fmt.Errorf("diffusion: %w", err)
	}
	if err := ens.Check(); err != nil {
		return fmt.Errorf("diffusion: %w", err)
	}
	if ens.Len() < leastConfigurations {
		return fmt.Errorf("diffusion: expected at least %d configurations to measure a spectrum with, got %d (some thousand make a good model)", leastConfigurations, ens.Len())
	}
	return nil
}

// gaussian measures mean and spectrum.
func (m *Measurement) gaussian(ens *lattice.Ensemble, s lattice.Symmetries) {
	spectrum := ens.PowerSpectrum()
	m.Mean, m.Spectrum = spectrum.FieldMean(), spectrum.Connected(nil)
	whole := spectrum.Mean(nil)
	for c := range m.Mean {
		if s.Sign || s.Signs != nil && s.Signs[c] {
			// A symmetry says that the mean vanishes.
			m.Mean[c] = 0
			copy(ens.Component(m.Spectrum, c), ens.Component(whole, c))
		}
	}
	m.Spectrum = symmetrized(m.Spectrum, ens.Layout, s)
	if s.Permutation {
		average := mean(m.Mean)
		for c := range m.Mean {
			m.Mean[c] = average
		}
	}
}

// symmetrized averages a spectrum over the symmetries of the action, in place.
func symmetrized(spectrum []float64, layout lattice.Layout, s lattice.Symmetries) []float64 {
	for c := range layout.Components {
		one := layout.Component(spectrum, c)
		if s.Exchange {
			layout.Symmetrize(one, one)
		} else {
			layout.SymmetrizeReflections(one, one)
		}
	}
	if !s.Permutation {
		return spectrum
	}
	for k := range layout.Volume() {
		sum := 0.0
		for c := range layout.Components {
			sum += layout.Component(spectrum, c)[k]
		}
		for c := range layout.Components {
			layout.Component(spectrum, c)[k] = sum / float64(layout.Components)
		}
	}
	return spectrum
}

// withoutPull returns the targets of the training without the pull of a mixture.
func withoutPull(m *Measurement, ens *lattice.Ensemble) *lattice.Ensemble {
	out := &lattice.Ensemble{Layout: ens.Layout, Data: m.Targets}
	if m.Order == 0 {
		return out
	}
	out.Data = append([]float64(nil), m.Targets...)
	root := math.Sqrt(float64(ens.Volume()))
	for i, phi := range ens.All() {
		pull := m.Order / root * math.Tanh(m.Order*root*lattice.Magnetization(phi)/m.Spectrum[0])
		for x := range out.Config(i) {
			out.Config(i)[x] -= pull
		}
	}
	return out
}

// meanForce returns the mean square of a number of the drift.
func meanForce(action lattice.Action, ens *lattice.Ensemble) float64 {
	drift, sum := make([]float64, ens.Size()), 0.0
	for _, phi := range ens.All() {
		action.Drift(drift, phi)
		for _, k := range drift {
			sum += k * k
		}
	}
	return sum / float64(len(ens.Data))
}

// centreSoftening moves the centres of the mixture towards each other, see [Measure].
const centreSoftening = 0.8

// leastBinder is the Binder cumulant of the mixture of a theory that has a smaller one, where there
// must be one.
const leastBinder = 0.01

// order sets μ and C_0 of the mixture that describes the zero mode of an ordered theory, one
// with a Binder cumulant above the one given.
func (m *Measurement) order(ens *lattice.Ensemble, ordered float64) {
	n, v := float64(ens.Len()), float64(ens.Volume())
	var abs, m2, m4 float64
	for _, phi := range ens.All() {
		x := math.Sqrt(v) * lattice.Magnetization(phi)
		abs += math.Abs(x) / n
		m2 += x * x / n
		m4 += x * x * x * x / n
	}
	switch u := 1 - m4/(3*m2*m2); {
	case !(u > ordered):
	case u > 0.6:
		m.Order, m.Spectrum[0] = abs, m2-abs*abs
	default:
		square := centreSoftening * math.Sqrt(math.Max(3*m2*m2-m4, 3*m2*m2*leastBinder)/2)
		m.Order, m.Spectrum[0] = math.Sqrt(square), m2-square
	}
}
