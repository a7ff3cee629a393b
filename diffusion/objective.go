package diffusion

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Objective is what a [Trainer] minimises.
type Objective int

const (
	// Denoising is denoising score matching (3.4), with the weight σ²:
	//
	//	L = E (1/V) Σ_x [σ s(φ₀+σz, σ) + z]².
	//
	// It needs nothing but configurations.
	Denoising Objective = iota
	// Target is target score matching (De Bortoli et al., arXiv:2402.08667) with a
	// spectral control variate. The score of φ = φ₀ + σz is the conditional mean of
	// -z/σ and, because the action is known, also that of the drift K(φ₀). Mixed
	// mode by mode with the weights σ²/(C_k+σ²) and C_k/(C_k+σ²), everything
	// linear cancels and what remains is the regression
	//
	//	r(φ, σ)_k = E[ (φ₀ + C·K(φ₀))_k | φ ] / (C_k + σ²),
	//
	// whose target holds no noise z and vanishes for a Gaussian theory. The weight
	// σ² is that of the likelihood; the loss is normalised by the variance of the
	// target averaged over log σ, so that a vanishing network has loss 1.
	Target
)

// String returns "denoising" or "target".
func (o Objective) String() string {
	switch o {
	case Denoising:
		return "denoising"
	case Target:
		return "target"
	}
	return fmt.Sprintf("Objective(%d)", int(o))
}

// ResidualField returns Y = φ₀ + C·K(φ₀) for every configuration of data (N·V
// values), where K is the drift of the action and C acts in Fourier space as
// multiplication by the spectrum C_k. Its power spectrum is what
// [ModelConfig].Residual asks for; Y is the regression target of [Target] before
// the division by C_k + σ². It returns an error for a malformed spectrum or data.
func ResidualField(backend compute.Backend, lat *lattice.Lattice, action lattice.Action, spectrum, data []float64) ([]float64, error) {
	if err := checkSpectrum(lat, spectrum); err != nil {
		return nil, err
	}
	if err := checkData(lat, data); err != nil {
		return nil, err
	}
	filter, err := graph.NewExec(backend, func(x *graph.Node) *graph.Node {
		c := hartley.Const(x.Graph(), x.DType(), spectrum, append([]int{1}, lat.Dims()...)...)
		return hartley.Filter(x, graph.BroadcastToDims(c, x.Shape().Dimensions...))
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the spectral filter: %w", err)
	}
	const chunk = 64
	v := lat.Volume()
	out := make([]float64, len(data))
	drift := make([]float64, chunk*v)
	for i := 0; i < len(data); i += chunk * v {
		part := data[i:min(i+chunk*v, len(data))]
		for j := 0; j < len(part); j += v {
			action.Drift(drift[j:j+v], part[j:j+v])
		}
		res, err := filter.Call(tensors.FromFlatDataAndDimensions(drift, append([]int{chunk}, lat.Dims()...)...))
		if err != nil {
			return nil, fmt.Errorf("diffusion: filtering the drift: %w", err)
		}
		err = tensors.ConstFlatData(res[0], func(flat []float64) {
			for j, p := range part {
				out[i+j] = p + flat[j]
			}
		})
		if err != nil {
			return nil, fmt.Errorf("diffusion: reading the filtered drift: %w", err)
		}
	}
	return out, nil
}

// checkData returns an error unless data are whole, finite configurations on lat.
func checkData(lat *lattice.Lattice, data []float64) error {
	v := lat.Volume()
	if len(data) == 0 || len(data)%v != 0 {
		return fmt.Errorf("diffusion: expected whole configurations of %d sites, got %d values", v, len(data))
	}
	for i := 0; i < len(data); i += v {
		if err := lattice.CheckField(data[i:i+v], v); err != nil {
			return fmt.Errorf("diffusion: configuration %d: %w", i/v, err)
		}
	}
	return nil
}

// lossPerSample builds the loss of every sample of the batch, [batch].
// field is φ₀, noise is z, residual the field Y of [ResidualField].
func (m *Model) lossPerSample(scope *model.Scope, objective Objective, field, noise, residual, sigma *graph.Node, norm float64) *graph.Node {
	phi := graph.Add(field, graph.Mul(nn.PerSample(sigma, noise), noise))
	var deviation *graph.Node
	if objective == Denoising {
		s := m.Score(scope, phi, sigma)
		deviation = graph.Add(graph.Mul(nn.PerSample(sigma, s), s), noise)
	} else {
		p := m.precondition(phi, sigma)
		target := hartley.Filter(residual, graph.Reciprocal(p.noisy))
		if known := m.remainder(phi, sigma).Known; known != nil {
			target = graph.Sub(target, known)
		}
		r, _ := m.learned(scope, phi, sigma, p)
		deviation = graph.Mul(nn.PerSample(sigma, r), graph.Sub(r, target))
	}
	return graph.MulScalar(nn.SumSites(graph.Square(deviation)), 1/(norm*float64(m.lat.Volume())))
}
