package diffusion

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/lattice"
)

// Measure returns the part of a [ModelConfig] that is measured on an ensemble: the
// power spectrum, averaged over the symmetries of the lattice, and, with an action,
// the spectrum of the residual field. The second result is the residual field of
// [ResidualField], nil without an action.
//
// If ordered is true the Gaussian part becomes a mixture: with m₂ and m₄ the moments
// of the zero mode φ_0 = √V M, the mixture has the second moment of the data,
// C_0 = m₂ - μ², and centres at μ² = 0.8 √((3m₂² - m₄)/2). Without the factor it would
// have their fourth moment too, but too little weight between its peaks: a base that is
// too wide there is easier to correct than one that is too narrow. Deep in the ordered
// phase (U_L > 0.6), where that difference loses all its digits and the region between
// the peaks its importance, μ = √V⟨|M|⟩ and C_0 = V(⟨M²⟩ - ⟨|M|⟩²). It returns an error for an ensemble that is empty or not
// finite, or that is not ordered at all (U_L ≤ 0) if ordered is true.
func Measure(backend compute.Backend, ens *lattice.Ensemble, action lattice.Action, ordered bool) (ModelConfig, []float64, error) {
	if err := ens.Check(); err != nil {
		return ModelConfig{}, nil, fmt.Errorf("diffusion: %w", err)
	}
	cfg := ModelConfig{Spectrum: ens.PowerSpectrum().Symmetrized(nil)}
	if ordered {
		var err error
		if cfg.Order, cfg.Spectrum[0], err = zeroMode(ens); err != nil {
			return ModelConfig{}, nil, err
		}
	}
	if action == nil {
		return cfg, nil, nil
	}
	residual, err := ResidualField(backend, ens.Lattice, action, cfg.Spectrum, ens.Data)
	if err != nil {
		return ModelConfig{}, nil, err
	}
	// What the network has to learn at σ → 0 is Y without the known pull towards ±μ.
	centred := lattice.NewEnsemble(ens.Layout, ens.Len())
	v := ens.Lattice.Volume()
	root := math.Sqrt(float64(v))
	for i, phi := range ens.All() {
		centred.Append(residual[i*v : (i+1)*v])
		if cfg.Order > 0 {
			pull := cfg.Order / root * math.Tanh(cfg.Order*root*lattice.Magnetization(phi)/cfg.Spectrum[0])
			for x := range centred.Config(i) {
				centred.Config(i)[x] -= pull
			}
		}
	}
	cfg.Residual = centred.PowerSpectrum().Symmetrized(nil)
	return cfg, residual, nil
}

// centreSoftening moves the centres of the mixture towards each other, see [Measure].
const centreSoftening = 0.8

// zeroMode returns μ and C_0 of the mixture that describes the zero mode.
func zeroMode(ens *lattice.Ensemble) (order, variance float64, err error) {
	n, v := float64(ens.Len()), float64(ens.Lattice.Volume())
	var abs, m2, m4 float64
	for _, phi := range ens.All() {
		x := math.Sqrt(v) * lattice.Magnetization(phi)
		abs += math.Abs(x) / n
		m2 += x * x / n
		m4 += x * x * x * x / n
	}
	binder := 1 - m4/(3*m2*m2)
	if !(binder > 0) {
		return 0, 0, fmt.Errorf("diffusion: expected an ordered ensemble with U_L > 0, got U_L = %v", binder)
	}
	if binder > 0.6 {
		return abs, m2 - abs*abs, nil
	}
	square := centreSoftening * math.Sqrt((3*m2*m2-m4)/2)
	return math.Sqrt(square), m2 - square, nil
}
