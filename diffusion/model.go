package diffusion

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/hartley"
	"github.com/latdiff/latdiff/internal/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Architecture is what a [Model] can wrap: a [Network] or an [ExactNetwork].
type Architecture interface {
	// Kind names the architecture, the key under which its package registers the
	// function that restores it from a checkpoint; see [RegisterNetwork].
	Kind() string
	// Config returns the architecture as a value that encoding/json can marshal.
	Config() any
	// Check returns an error if the network cannot work on fields of lat.
	Check(lat *lattice.Lattice) error
}

// Network is a bare neural network, whose divergence is not known.
type Network interface {
	Architecture
	// Apply builds the network. Every feature has the shape [batch, extents…] and
	// unit variance; logSigma has the shape [batch]. The result are as many fields
	// as asked for, of the shape of a feature. It should vanish, or be small, with
	// freshly initialised parameters.
	Apply(scope *model.Scope, features []*graph.Node, logSigma *graph.Node, outputs int) []*graph.Node
}

// ModelConfig says how a [Model] wraps a network.
type ModelConfig struct {
	// Spectrum is the power spectrum C_k = ⟨|φ_k|²⟩ of the data (unitary Fourier
	// transform, laid out like a field), averaged over reflections. Nil: the model has
	// no Gaussian part.
	Spectrum []float64
	// Order is μ > 0 for data in an ordered phase, where both signs of the
	// magnetisation occur: the Gaussian part is then a mixture of two, with zero modes
	// centred at ±μ, and C_0 the variance of the zero mode within one of them; see
	// [Gaussian] and [Measure]. Unused without Spectrum.
	Order float64
	// Residual is the power spectrum D_k of φ₀ + C·K(φ₀), which sets the scale of
	// what the network has to learn; see [ResidualField]. Nil: C_k, the right choice
	// when the action is not known. Unused without Spectrum.
	Residual []float64
	// Normalization is the affine map of the data that the network sees; unused with
	// Spectrum, which normalises by itself. The zero value leaves fields as they are.
	Normalization Normalization
	// Unscaled hands the network the noisy field itself, as the paper does. By
	// default it is divided by √(1 + σ²) in units of the normalised field, so that its
	// variance is about one at every noise level. Unused with Spectrum.
	Unscaled bool
	// Seed determines the initial weights.
	Seed uint64
}

// Model is a score model made of a network and what wraps it.
//
// With a spectrum it is the exact score of a Gaussian with the spectrum C_k of the
// data, or of a mixture of two in an ordered phase, and a network for the rest,
//
//	s(φ, σ)_k = -φ_k/(C_k + σ²) + c(σ) (o₁ + W·o₂)_k,  W = C_k/(C_k + σ²),
//
// where o₁ and o₂ are the outputs of the network, whose inputs are φ and the Wiener
// estimate W·φ of the clean field, each scaled to unit variance; in an ordered phase
// the expected magnetisation is subtracted from both and its sign is a third input.
// The scale
//
//	c(σ)² = (1/V) Σ_k D_k/(C_k + σ²)²
//
// is the variance of the regression target of target score matching. With a network
// that is odd in φ the model is odd, and it commutes with every symmetry of the
// network that C_k has too.
//
// An [ExactNetwork] sees the field and the spectrum instead, and the bracket is its
// output; the divergence of the model is then known, see [LinearModel].
//
// Without a spectrum it is the network alone, s(φ, σ) = o(x)/σ, on the normalised
// field x = (φ - shift)/scale and the noise level σ/scale, as in the paper.
type Model struct {
	gaussianPart
	cfg      ModelConfig
	variance float64 // v₀ = (1/V) Σ_k C_k, the variance of φ(x)
	network  Architecture
	store    *model.Store
}

var _ LinearModel = (*Model)(nil)

// NewModel returns a model with freshly initialised weights. It returns an error
// for a malformed spectrum (see [NewGaussian]) or normalisation, or a network that
// does not fit lat or cfg: an [ExactNetwork] needs a spectrum.
func NewModel(lat *lattice.Lattice, network Architecture, cfg ModelConfig) (*Model, error) {
	if lat == nil {
		return nil, fmt.Errorf("diffusion: expected a lattice, got nil")
	}
	if network == nil {
		return nil, fmt.Errorf("diffusion: expected a network, got nil")
	}
	_, exact := network.(ExactNetwork)
	if _, ok := network.(Network); !ok && !exact {
		return nil, fmt.Errorf("diffusion: expected a Network or an ExactNetwork, got %T", network)
	}
	if exact && cfg.Spectrum == nil {
		return nil, fmt.Errorf("diffusion: expected a spectrum for the network %s, got none", network.Kind())
	}
	m := &Model{gaussianPart: gaussianPart{lat: lat}, cfg: cfg, network: network, store: newStore(cfg.Seed)}
	if cfg.Spectrum == nil {
		if err := m.cfg.Normalization.setDefaults(); err != nil {
			return nil, err
		}
		m.cfg.Residual, m.cfg.Order = nil, 0
		return m, network.Check(lat)
	}
	if cfg.Residual == nil {
		cfg.Residual = cfg.Spectrum
	}
	part, err := NewMixture(lat, cfg.Spectrum, cfg.Order)
	if err != nil {
		return nil, err
	}
	m.gaussianPart = part.gaussianPart
	if err := checkSpectrum(lat, cfg.Residual); err != nil {
		return nil, fmt.Errorf("diffusion: residual spectrum: %w", err)
	}
	m.cfg.Spectrum, m.cfg.Residual = m.spectrum, slices.Clone(cfg.Residual)
	m.cfg.Normalization, m.cfg.Unscaled = Normalization{Scale: 1}, false
	for _, c := range cfg.Spectrum {
		m.variance += c / float64(lat.Volume())
	}
	return m, network.Check(lat)
}

func newStore(seed uint64) *model.Store {
	store := model.NewStore()
	store.SetParam(nn.SeedKey, seed)
	return store
}

// Store returns the weights, under the scope /net.
func (m *Model) Store() *model.Store { return m.store }

// Normalization returns the affine map of the data that the network sees.
func (m *Model) Normalization() Normalization { return m.cfg.Normalization }

// Network returns the wrapped network.
func (m *Model) Network() Architecture { return m.network }

// CheckLattice returns an error if the model belongs to another lattice than lat.
func (m *Model) CheckLattice(lat *lattice.Lattice) error {
	if !m.lat.Equal(lat) {
		return fmt.Errorf("diffusion: expected a model for a %v lattice, got one for %v", lat, m.lat)
	}
	return nil
}

// Score builds the score; see [ScoreModel].
func (m *Model) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	r := m.Remainder(scope, phi, sigma).Sum()
	if m.spectrum == nil {
		return r
	}
	return graph.Add(linearScore(phi, m.noisy(phi, sigma)), r)
}

// plainScore is the score of a model without a Gaussian part.
func (m *Model) plainScore(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	n := m.cfg.Normalization
	sigma = perSample(sigma, phi)
	x := graph.MulScalar(graph.AddScalar(phi, -n.Shift), 1/n.Scale)
	level := graph.MulScalar(sigma, 1/n.Scale)
	if !m.cfg.Unscaled {
		x = graph.Mul(x, nn.PerSample(graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.Square(level), 1))), phi))
	}
	out := m.network.(Network).Apply(scope.At("net"), []*graph.Node{x}, graph.Log(level), 1)[0]
	return graph.Div(out, nn.PerSample(sigma, phi))
}

// Remainder builds what the network learns, the whole score for a model without a
// Gaussian part, and what a mixture adds to a Gaussian; see [LinearModel].
func (m *Model) Remainder(scope *model.Scope, phi, sigma *graph.Node) Remainder {
	if m.spectrum == nil {
		return Remainder{Learned: m.plainScore(scope, phi, sigma)}
	}
	r := m.remainder(phi, sigma)
	learned, divergence := m.learned(scope, phi, sigma, m.precondition(phi, sigma))
	if divergence == nil {
		r.Learned = learned
		return r
	}
	if r.Known != nil {
		learned, divergence = graph.Add(r.Known, learned), graph.Add(r.Divergence, divergence)
	}
	return Remainder{Known: learned, Divergence: divergence}
}

// preconditioner holds the σ-dependent scales around the network.
type preconditioner struct {
	noisy  *graph.Node // C_k + σ², [batch, extents…]
	wiener *graph.Node // C_k/(C_k + σ²), [batch, extents…]
	scale  *graph.Node // c(σ), [batch]
}

func (m *Model) precondition(phi, sigma *graph.Node) preconditioner {
	g, dims := phi.Graph(), append([]int{1}, m.lat.Dims()...)
	noisy := m.noisy(phi, sigma)
	c := hartley.Const(g, phi.DType(), m.cfg.Spectrum, dims...)
	d := hartley.Const(g, phi.DType(), m.cfg.Residual, dims...)
	variance := nn.SumSites(graph.Div(graph.BroadcastToDims(d, phi.Shape().Dimensions...), graph.Square(noisy)))
	return preconditioner{
		noisy:  noisy,
		wiener: graph.Div(graph.BroadcastToDims(c, phi.Shape().Dimensions...), noisy),
		scale:  graph.Sqrt(graph.MulScalar(variance, 1/float64(m.lat.Volume()))),
	}
}

// learned builds the network with its scales, and its divergence if that is known.
func (m *Model) learned(scope *model.Scope, phi, sigma *graph.Node, p preconditioner) (r, divergence *graph.Node) {
	if network, ok := m.network.(ExactNetwork); ok {
		r, divergence = m.exact(network, scope.At("net"), phi, sigma)
		return graph.Mul(r, nn.PerSample(p.scale, phi)), graph.Mul(divergence, p.scale)
	}
	sigma = perSample(sigma, phi)
	v := float64(m.lat.Volume())
	// Var φ(x) = v₀ + σ²; Var (Wφ)(x) = (1/V) Σ_k W_k² (C_k + σ²) = (1/V) Σ_k W_k C_k.
	inScale := graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.Square(sigma), m.variance)))
	c := hartley.Const(phi.Graph(), phi.DType(), m.spectrum, append([]int{1}, m.lat.Dims()...)...)
	wienerVariance := graph.MulScalar(nn.SumSites(graph.Mul(p.wiener, graph.BroadcastToDims(c, phi.Shape().Dimensions...))), 1/v)
	centred := phi
	var order []*graph.Node
	if m.order > 0 {
		sign, _ := m.alignment(phi, sigma)
		order = append(order, nn.PerSample(sign, phi))
		centred = graph.Sub(phi, graph.MulScalar(order[0], m.order/math.Sqrt(v)))
	}
	features := append([]*graph.Node{
		graph.Mul(centred, nn.PerSample(inScale, phi)),
		graph.Mul(hartley.Filter(centred, p.wiener), nn.PerSample(graph.Reciprocal(graph.Sqrt(wienerVariance)), phi)),
	}, order...)
	out := m.network.(Network).Apply(scope.At("net"), features, graph.Log(sigma), 2)
	return graph.Mul(graph.Add(out[0], hartley.Filter(out[1], p.wiener)), nn.PerSample(p.scale, phi)), nil
}

// perSample returns the noise level of every sample, [batch].
func perSample(sigma, phi *graph.Node) *graph.Node {
	return graph.BroadcastToDims(sigma, phi.Shape().Dimensions[0])
}

// scaleAt returns c(σ) for one noise level.
func (m *Model) scaleAt(sigma float64) float64 {
	s := 0.0
	for k, c := range m.spectrum {
		s += m.cfg.Residual[k] / ((c + sigma*sigma) * (c + sigma*sigma))
	}
	return math.Sqrt(s / float64(len(m.spectrum)))
}

// NumParameters returns the number of weights, fixed ones included, 0 before the first graph
// of the model has been built.
func (m *Model) NumParameters() int {
	n := 0
	for v := range m.store.Scope("/net").IterVariables() {
		n += v.Shape().Size()
	}
	return n
}

var networks = map[string]func(json.RawMessage) (Architecture, error){}

// RegisterNetwork makes an architecture known to [LoadModel]: decode restores the
// network of this kind from the JSON of its Config. Packages of networks call it
// from init. It panics if the kind is taken.
func RegisterNetwork[A Architecture](kind string, decode func(config json.RawMessage) (A, error)) {
	if _, ok := networks[kind]; ok {
		panic("diffusion: network kind registered twice")
	}
	networks[kind] = func(config json.RawMessage) (Architecture, error) { return decode(config) }
}

// withWeights returns a model that shares everything with m but holds the given
// weights, float32 tensors by variable path.
func (m *Model) withWeights(weights []namedTensor) (*Model, error) {
	c := *m
	c.store = newStore(m.cfg.Seed)
	for _, w := range weights {
		if _, err := c.store.CreateVariable(w.path, w.value); err != nil {
			return nil, fmt.Errorf("diffusion: weight %s: %w", w.path, err)
		}
	}
	return &c, nil
}

type namedTensor struct {
	path  string
	value *tensors.Tensor
}
