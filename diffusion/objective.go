package diffusion

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Objective is what a [Trainer] minimises.
type Objective int

const (
	// Automatic is Target where the targets are given, and else Denoising.
	Automatic Objective = iota
	// Denoising is denoising score matching (3.4), with the weight σ²:
	//
	//	L = E (1/V) Σ_x [σ s(φ₀+σz, σ) + z]².
	//
	// It needs nothing but configurations.
	Denoising
	// Target is target score matching (De Bortoli et al., arXiv:2402.08667) with a
	// spectral control variate. The score of φ = φ₀ + σz is the conditional mean of
	// -z/σ and, because the action is known, also that of the drift K(φ₀). They are
	// mixed mode by mode with the weights σ²/(A_k+σ²) and A_k/(A_k+σ²) that give the
	// least variance, A_k = 1/⟨|K_k|²⟩ = C_k²/(C_k+D_k), and the linear part is taken off:
	// the network learns
	//
	//	r(φ, σ)_k = E[ (φ₀ - φ + A·K(φ₀))_k | φ ] / (A_k + σ²) + (φ - m)_k / (C_k + σ²).
	//
	// The target vanishes for a Gaussian theory, where A = C. The weight σ² is that of
	// the likelihood; the loss is normalised by the variance of the target averaged over
	// log σ, so that a vanishing network has loss 1.
	Target
)

// String returns the name of the objective.
func (o Objective) String() string {
	switch o {
	case Automatic:
		return "automatic"
	case Denoising:
		return "denoising"
	case Target:
		return "target"
	}
	return fmt.Sprintf("Objective(%d)", int(o))
}

// ResidualField returns Y = φ₀ - m + C·K(φ₀) for every configuration of data, where K is
// the drift of the action and C acts in Fourier space as multiplication by the spectrum
// C_k of cfg, m being its mean. The power spectrum of Y is what [ModelConfig].Residual
// asks for; Y holds the drift for the objective [Target]. It returns an error for a
// configuration without a well-formed spectrum, or malformed data.
func ResidualField(action lattice.Action, cfg ModelConfig, data []float64) ([]float64, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	part, err := newGaussianPart(cfg)
	if err != nil {
		return nil, err
	}
	layout := action.Layout()
	if part.spectrum == nil || !part.layout.Equal(layout) {
		return nil, fmt.Errorf("diffusion: expected a spectrum for %v, got %d values for %v", layout, len(part.spectrum), part.layout)
	}
	if err := checkData(layout, data); err != nil {
		return nil, err
	}
	out, size := make([]float64, len(data)), layout.Size()
	drift := make([]float64, size)
	fourier := lattice.NewFourier(layout.Lattice)
	for i := 0; i < len(data); i += size {
		phi, y := data[i:i+size], out[i:i+size]
		action.Drift(drift, phi)
		for c, mean := range part.mean {
			field := layout.Component(y, c)
			fourier.Filter(field, layout.Component(drift, c), layout.Component(part.spectrum, c))
			for x, v := range layout.Component(phi, c) {
				field[x] += v - mean
			}
		}
	}
	return out, nil
}

// checkData returns an error unless data are whole, finite configurations of the layout.
func checkData(layout lattice.Layout, data []float64) error {
	v := layout.Size()
	if len(data) == 0 || len(data)%v != 0 {
		return fmt.Errorf("diffusion: expected whole configurations of %d numbers, got %d values", v, len(data))
	}
	for i := 0; i < len(data); i += v {
		if err := layout.CheckField(data[i : i+v]); err != nil {
			return fmt.Errorf("diffusion: configuration %d: %w", i/v, err)
		}
	}
	return nil
}

// lossPerSample builds the loss of every sample of the batch, [batch], not normalised.
// field is φ₀, noise is z, residual the field Y of [ResidualField].
func (m *Model) lossPerSample(scope *model.Scope, objective Objective, field, noise, residual, sigma *graph.Node) *graph.Node {
	noise = m.space.Tangent(noise)
	phi := graph.Add(field, graph.Mul(nn.PerSample(sigma, noise), noise))
	var deviation *graph.Node
	if objective == Denoising {
		s := m.Score(scope, phi, sigma)
		deviation = graph.Add(graph.Mul(nn.PerSample(sigma, s), s), noise)
	} else {
		x := m.centred(phi)
		p := m.precondition(x, sigma)
		target := m.target(m.centred(field), residual, graph.Mul(nn.PerSample(sigma, noise), noise), sigma, p)
		target = m.space.Tangent(target)
		if known := m.remainder(x, sigma).Known; known != nil {
			target = graph.Sub(target, known)
		}
		r, _ := m.learned(scope, x, sigma, p)
		deviation = graph.Mul(nn.PerSample(sigma, r), graph.Sub(r, target))
	}
	return graph.MulScalar(nn.SumSites(graph.Square(deviation)), 1/float64(m.layout.Size()))
}

// target builds the regression target of the network and of what of a mixture is known,
//
//	A·K/(A + σ²) + (φ₀ - φ)/(A + σ²) + (φ - m)/(C + σ²),
//
// an estimate of the score by its two unbiased ones, the drift K(φ₀) and (φ₀ - φ)/σ², with
// the weights A/(A + σ²) and σ²/(A + σ²) per mode, less the linear part. It has the least
// variance for A_k = 1/⟨|K_k|²⟩ = C_k²/(C_k + D_k), that of a Gaussian for A = C: then it is
// Y/(C + σ²). x is φ₀ - m, residual Y = x + C·K and noise φ - φ₀.
func (m *Model) target(x, residual, noise, sigma *graph.Node, p preconditioner) *graph.Node {
	// A_k/C_k, in float64 as long as differences of spectra are taken.
	spectrum, known := m.input(x.Graph(), spectrumInput, m.spectrum), m.input(x.Graph(), residualInput, m.cfg.Residual)
	part := graph.Div(spectrum, graph.Add(spectrum, known))
	widths := graph.Mul(spectrum, part)
	ratio, excess := m.modesLike(part, x), m.modesLike(graph.Sub(spectrum, widths), x)
	wide := withNoise(m.modesLike(widths, x), sigma)
	modes := graph.Div(hartley.Transform(x), p.noisy)
	modes = graph.Add(modes, graph.Div(graph.Mul(hartley.Transform(graph.Sub(residual, x)), ratio), wide))
	return hartley.Transform(graph.Sub(modes, graph.Div(graph.Mul(hartley.Transform(noise), excess), graph.Mul(wide, p.noisy))))
}
