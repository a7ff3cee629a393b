package diffusion

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Fields of lifted angles (see [lattice.LiftedAction]) have a sum of 2πq with an integer q. The
// noise on them has no sum, φ = φ₀ + σ(z - z̄), so that q is the same at every noise level: the
// zero mode neither diffuses nor flows, and it tells a network in which sector it is. The score
// is the gradient within the fields of one sum, its divergence the trace of the derivative
// there, tr J - (1/V) Σ_xy J(x,y), and densities are with respect to dφ(1) … dφ(V-1) for every q.

// QuantizedModel is a [LinearModel] that may be one of lifted angles.
type QuantizedModel interface {
	LinearModel
	// Quantized reports whether the sum of a field is 2π times an integer, which the noise
	// conserves.
	Quantized() bool
}

// Quantized reports whether m is a model of lifted angles.
func Quantized(m ScoreModel) bool {
	q, ok := m.(QuantizedModel)
	return ok && q.Quantized()
}

// CheckWinding returns an error unless all fields of an ensemble have a sum of 2π times an
// integer.
func CheckWinding(ens *lattice.Ensemble) error {
	const tolerance = 1e-4 // of fields in single precision
	for i, phi := range ens.All() {
		if q := lattice.Winding(phi); math.Abs(q-math.Round(q)) > tolerance {
			return fmt.Errorf("diffusion: expected fields with a sum of 2π times an integer, got %v times in configuration %d", q, i)
		}
	}
	return nil
}

// Quantized reports whether the model is one of lifted angles.
func (p *gaussianPart) Quantized() bool { return p.quantized }

// conserving returns the change x of a field without its sum, for a model of lifted angles.
func conserving(m ScoreModel, x *graph.Node) *graph.Node {
	if !Quantized(m) {
		return x
	}
	return graph.Sub(x, meanSites(x))
}

// projected is conserving for a model with this part.
func (p *gaussianPart) projected(x *graph.Node) *graph.Node {
	if !p.quantized {
		return x
	}
	return graph.Sub(x, meanSites(x))
}

// trace returns Σ_k 1/(C_k + σ²) over the modes that diffuse, [batch]; noisy is C_k + σ².
func (p *gaussianPart) trace(noisy *graph.Node) *graph.Node {
	precision := graph.Reciprocal(noisy)
	if !p.quantized {
		return nn.SumSites(precision)
	}
	// The first term of the sum times their number, and the sum of the differences from it, which
	// vanish for a white spectrum: in single precision a sum of V equal numbers is off by more
	// than log q may be.
	batch, volume := noisy.Shape().Dimensions[0], p.layout.Volume()
	modes := graph.SliceAxis(graph.Reshape(precision, batch, volume), 1, graph.AxisRange(1, volume))
	first := graph.SliceAxis(modes, 1, graph.AxisRange(0, 1))
	rest := graph.ReduceSum(graph.Sub(modes, graph.BroadcastToDims(first, batch, volume-1)), 1)
	return graph.Add(rest, graph.MulScalar(graph.Reshape(first, batch), float64(volume-1)))
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
	if !c.Quantized || len(c.Spectrum) < 2 || len(c.Residual) < 2 {
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
