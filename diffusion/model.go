package diffusion

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/lattice"
)

// ModelConfig is what a [Model] knows besides its network. [Measure] fills it in.
type ModelConfig struct {
	// Layout is that of the fields.
	Layout lattice.Layout
	// Symmetries are those of the action; nil: not known. Networks adapt to them, and
	// training augments the data by them.
	Symmetries *lattice.Symmetries
	// Theory identifies the action that the model is meant for; see [Model.CheckAction].
	// The zero value: not known.
	Theory Identity
	// Spectrum is the power spectrum C_k = ⟨|φ_k - m_k|²⟩ of the data (unitary Fourier
	// transform, laid out like a field), even in every component of k. Nil: the model
	// has no Gaussian part.
	Spectrum []float64
	// Mean is the mean m of every component; nil: zero. Unused without Spectrum.
	Mean []float64
	// Order is μ > 0 for data in an ordered phase, where both signs of the
	// magnetisation occur: the Gaussian part is then a mixture of two, with zero modes
	// centred at ±μ, and C_0 the variance of the zero mode within one of them; see
	// [Gaussian] and [Measure]. Unused without Spectrum.
	Order float64
	// Residual is the power spectrum D_k of φ₀ - m + C·K(φ₀), which sets the scale of
	// what the network has to learn; see [ResidualField]. Nil: C_k, the right choice
	// when the action is not known. Unused without Spectrum.
	Residual []float64
	// Site are the coefficients of the potential of a site, see [lattice.SiteAction], for a
	// field of one component without Order: to the Gaussian part then belongs the solution of
	// one site in the Gaussian field of the others, which is exact for independent sites and
	// for free fields, and the network learns what is left. Nil: none.
	Site []float64
	// Space is that of the fields. Nil: [Euclidean].
	Space Space
	// SigmaMin and SigmaMax are the ends of the noise levels that the model is trained
	// for and used with. Zero: [SigmaMinDefault], and [SigmaMaxFor] of the spectrum or,
	// without one, s(1) of the paper's process in units of the normalised field.
	SigmaMin, SigmaMax float64
	// Normalization is the affine map of the data that the network sees; unused with
	// Spectrum, which normalises by itself. The zero value leaves fields as they are.
	Normalization Normalization
	// Unscaled hands the network the noisy field itself, as the paper does. By
	// default it is divided by √(1 + σ²) in units of the normalised field, so that its
	// variance is about one at every noise level. Unused with Spectrum.
	Unscaled bool
	// Condition are further numbers that the network sees besides the noise level, such as the
	// coupling of a network that is for several; see [Family]. They should be of order one. Nil: none.
	Condition []float64
	// Seed determines the initial weights.
	Seed uint64
}

// Model is a score model made of a network and what wraps it.
//
// With a spectrum it is the exact score of a Gaussian with the mean m and the spectrum C_k
// of the data, or of a mixture of two in an ordered phase, and a network for the rest,
//
//	s(φ, σ)_k = -(φ - m)_k/(C_k + σ²) + c(σ) (o₁ + W·o₂)_k,  W = C_k/(C_k + σ²),
//
// where o₁ and o₂ are the outputs of the network, whose inputs are φ - m and the Wiener
// estimate W·(φ - m) of the clean field, each scaled to unit variance; in an ordered phase
// the expected magnetisation is subtracted from both and its sign is a third input.
// The scale
//
//	c(σ)² = mean_k D_k/(C_k + σ²)²
//
// is the variance of the regression target of target score matching. With a network
// that is odd in φ and no mean the model is odd, and it commutes with every symmetry of
// the network that C_k has too.
//
// An [ExactNetwork] sees the field and the spectrum instead, and the bracket is its
// output; the divergence of the model is then known, see [LinearModel].
//
// Without a spectrum it is the network alone, s(φ, σ) = o(x)/σ, on the normalised
// field x = (φ - shift)/scale and the noise level σ/scale, as in the paper.
type Model struct {
	gaussianPart
	cfg     ModelConfig
	network Architecture
	store   *model.Store
	// foreign says that the weights are from a file, see [CheckWeights].
	foreign bool
}

var (
	_ LinearModel = (*Model)(nil)
	_ SpaceModel  = (*Model)(nil)
)

// NewModel returns a model with freshly initialised weights, whose graph is built on the
// backend to know them. It returns an error for a malformed configuration, or a network
// that does not fit it: an [ExactNetwork] needs a spectrum, and a network may refuse a
// theory, see [Architecture].
func NewModel(backend compute.Backend, network Architecture, cfg ModelConfig) (*Model, error) {
	if backend == nil {
		return nil, fmt.Errorf("diffusion: expected a backend, got nil")
	}
	m, err := newModel(network, cfg)
	if err != nil {
		return nil, err
	}
	return m, m.initialise(backend)
}

// newModel is NewModel without the weights.
func newModel(network Architecture, cfg ModelConfig) (*Model, error) {
	m, err := describe(network, cfg)
	if err != nil {
		return nil, err
	}
	return m, m.setInputs()
}

// describe is newModel without inputs of graphs.
func describe(network Architecture, cfg ModelConfig) (*Model, error) {
	part, err := newGaussianPart(cfg)
	if err != nil {
		return nil, err
	}
	if lattice.CheckField(cfg.Condition, len(cfg.Condition)) != nil {
		return nil, fmt.Errorf("diffusion: expected finite numbers as the condition of a network, got %v", cfg.Condition)
	}
	cfg.Condition, cfg.Space = slices.Clone(cfg.Condition), part.space
	m := &Model{gaussianPart: part, cfg: cfg, store: newStore(cfg.Seed)}
	if m.network, err = adapt(network, m.theory()); err != nil {
		return nil, err
	}
	if cfg.Spectrum == nil {
		if _, exact := m.network.(ExactNetwork); exact {
			return nil, fmt.Errorf("diffusion: expected a spectrum for the network %s, got none", network.Kind())
		}
		if err := m.cfg.Normalization.setDefaults(); err != nil {
			return nil, err
		}
		m.cfg.Residual, m.cfg.Order, m.cfg.Mean, m.cfg.Site = nil, 0, nil, nil
		return m, m.cfg.setLevels()
	}
	if cfg.Site != nil {
		if cfg.Layout.Components != 1 || cfg.Order > 0 {
			return nil, fmt.Errorf("diffusion: expected a site potential for a field of one component without order only, got %d components and order %v", cfg.Layout.Components, cfg.Order)
		}
		if m.site, err = newSite(slices.Clone(cfg.Site), m.mean[0], mean(m.spectrum)); err != nil {
			return nil, err
		}
		m.cfg.Site = m.site.potential
	}
	if cfg.Residual == nil {
		cfg.Residual = cfg.Spectrum
	}
	if err := checkSpectrum(cfg.Layout, cfg.Residual); err != nil {
		return nil, fmt.Errorf("diffusion: residual spectrum: %w", err)
	}
	m.cfg.Spectrum, m.cfg.Mean, m.cfg.Residual = m.spectrum, m.mean, slices.Clone(cfg.Residual)
	m.cfg.Normalization, m.cfg.Unscaled = Normalization{Scale: 1}, false
	if err := m.cfg.setLevels(); err != nil {
		return nil, err
	}
	if s, ok := m.space.(SolvedSpace); ok {
		if m.solution, err = s.Solve(m.cfg); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// theory returns what the network has to know.
func (m *Model) theory() Theory {
	return Theory{Layout: m.layout, Symmetries: m.cfg.Symmetries, Space: m.space, Conditions: len(m.cfg.Condition)}
}

func newStore(seed uint64) *model.Store {
	store := model.NewStore()
	store.SetParam(nn.SeedKey, seed)
	return store
}

// initialise creates the weights by building, though not compiling, the graph of the score.
func (m *Model) initialise(backend compute.Backend) (err error) {
	// Functions that build graphs panic.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("diffusion: building the network %s: %v", m.network.Kind(), r)
		}
	}()
	g := graph.NewGraph(backend, "weights")
	defer g.Finalize()
	phi := graph.Parameter(g, "phi", shapes.Make(dtypes.Float32, fieldShape(m.layout, 1)...))
	sigma := graph.Parameter(g, "sigma", shapes.Make(dtypes.Float32, 1))
	m.Score(m.store.RootScope(), phi, sigma)
	return nil
}

// Config returns the configuration, with the defaults filled in. The caller must not
// modify its slices.
func (m *Model) Config() ModelConfig { return m.cfg }

// Store returns the weights, under the scope /net.
func (m *Model) Store() *model.Store { return m.store }

// Normalization returns the affine map of the data that the network sees.
func (m *Model) Normalization() Normalization { return m.cfg.Normalization }

// Network returns the wrapped network, adapted to the theory.
func (m *Model) Network() Architecture { return m.network }

// CheckLayout returns an error if the model is for fields of another layout.
func (m *Model) CheckLayout(layout lattice.Layout) error {
	if !m.layout.Equal(layout) {
		return fmt.Errorf("diffusion: expected a model for %v, got one for %v", layout, m.layout)
	}
	return nil
}

// Score builds the score; see [ScoreModel].
func (m *Model) Score(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	r := m.Remainder(scope, phi, sigma).Sum()
	if m.spectrum == nil {
		return r
	}
	return graph.Add(m.space.Tangent(linearScore(m.centred(phi), m.noisy(phi, sigma))), r)
}

// plainScore is the score of a model without a Gaussian part.
func (m *Model) plainScore(scope *model.Scope, phi, sigma *graph.Node) *graph.Node {
	n := m.cfg.Normalization
	sigma = perSample(sigma, phi)
	x := graph.MulScalar(graph.AddScalar(phi, -n.Shift), 1/n.Scale)
	level := graph.MulScalar(sigma, 1/n.Scale)
	features := x
	if !m.cfg.Unscaled {
		features = graph.Mul(x, nn.PerSample(graph.Reciprocal(graph.Sqrt(graph.AddScalar(graph.Square(level), 1))), phi))
	}
	out := m.network.(Network).Apply(scope.At("net"), Inputs{
		Theory: m.theory(), Field: x, Sigma: level, Features: features, Outputs: m.layout.Components, Condition: m.condition(x),
	})
	return m.space.Tangent(graph.Div(out, nn.PerSample(sigma, phi)))
}

// Remainder builds what the network learns, the whole score for a model without a
// Gaussian part, and what a mixture adds to a Gaussian; see [LinearModel].
func (m *Model) Remainder(scope *model.Scope, phi, sigma *graph.Node) Remainder {
	if m.spectrum == nil {
		return Remainder{Learned: m.plainScore(scope, phi, sigma)}
	}
	x := m.centred(phi)
	r := m.remainder(x, sigma)
	learned, divergence := m.learned(scope, x, sigma, m.precondition(x, sigma))
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
	noisy  *graph.Node // C_k + σ², [batch, components, extents…]
	wiener *graph.Node // C_k/(C_k + σ²), [batch, components, extents…]
	scale  *graph.Node // c(σ), [batch]
}

func (m *Model) precondition(phi, sigma *graph.Node) preconditioner {
	noisy := m.noisy(phi, sigma)
	variance := nn.SumSites(graph.Div(m.modesLike(m.input(phi.Graph(), residualInput, m.cfg.Residual), phi), graph.Square(noisy)))
	return preconditioner{
		noisy:  noisy,
		wiener: graph.Div(m.spectrumLike(phi), noisy),
		scale:  graph.Sqrt(graph.MulScalar(variance, 1/float64(m.layout.Size()))),
	}
}

// learned builds the network on the centred field x with its scales, and its divergence
// if that is known.
func (m *Model) learned(scope *model.Scope, x, sigma *graph.Node, p preconditioner) (r, divergence *graph.Node) {
	in := m.seen(x, sigma)
	if network, ok := m.network.(ExactNetwork); ok {
		r, divergence = network.ApplyDivergence(scope.At("net"), in)
		return m.space.Tangent(graph.Mul(r, nn.PerSample(p.scale, x))), graph.Mul(divergence, p.scale)
	}
	in.Sigma, in.Outputs = perSample(sigma, x), 2*m.layout.Components
	in.Features = m.features(in, p)
	out := m.network.(Network).Apply(scope.At("net"), in)
	plain, smooth := channels(out, 0, m.layout.Components), channels(out, m.layout.Components, 2*m.layout.Components)
	return m.space.Tangent(graph.Mul(graph.Add(plain, hartley.Filter(smooth, p.wiener)), nn.PerSample(p.scale, x))), nil
}

// seen returns what a network sees of the centred field x, without the expected magnetisation
// of an ordered phase.
func (m *Model) seen(x, sigma *graph.Node) Inputs {
	spectrum := m.input(x.Graph(), spectrumInput, m.spectrum)
	in := Inputs{Theory: m.theory(), Field: x, Sigma: sigma, Condition: m.condition(x), Spectrum: graph.Reshape(spectrum, m.layout.Components, m.layout.Volume())}
	if m.order == 0 {
		return in
	}
	sign, width := m.alignment(x, sigma)
	in.Sign, in.Shift = sign, graph.MulScalar(m.orderLike(x), 1/math.Sqrt(float64(m.layout.Volume())))
	in.Slope = graph.Div(graph.Mul(graph.OneMinus(graph.Square(sign)), in.Shift), width)
	in.Field = graph.Sub(x, graph.Mul(nn.PerSample(sign, x), in.Shift))
	return in
}

// features returns the fields that a [Network] sees.
func (m *Model) features(in Inputs, p preconditioner) *graph.Node {
	x := in.Field
	// Var φ(x) = v₀ + σ²; Var (Wφ)(x) = (1/V) Σ_k W_k² (C_k + σ²) = (1/V) Σ_k W_k C_k.
	noisy := withNoise(componentsLike(graph.ReduceMean(in.Spectrum, 1), x), in.Sigma)
	estimated := meanSites(graph.Mul(p.wiener, m.spectrumLike(x)))
	features := []*graph.Node{
		graph.Div(x, graph.Sqrt(noisy)),
		graph.Div(hartley.Filter(x, p.wiener), graph.Sqrt(estimated)),
	}
	if in.Sign != nil {
		features = append(features, nn.PerSample(in.Sign, x))
	}
	return graph.Concatenate(features, 1)
}

// channels returns a range of the channels of x.
func channels(x *graph.Node, from, to int) *graph.Node {
	return graph.SliceAxis(x, 1, graph.AxisRange(from, to))
}

// meanSites averages every component of x over its sites, in the shape of x.
func meanSites(x *graph.Node) *graph.Node {
	axes := make([]int, 0, x.Rank()-2)
	for i := 2; i < x.Rank(); i++ {
		axes = append(axes, i)
	}
	return graph.BroadcastToDims(graph.ReduceAndKeep(x, graph.ReduceMean, axes...), x.Shape().Dimensions...)
}

// perSample returns the noise level of every sample, [batch].
func perSample(sigma, phi *graph.Node) *graph.Node {
	return graph.BroadcastToDims(sigma, phi.Shape().Dimensions[0])
}

// targetVariance returns the variance of the target of [Model.target] at one noise level.
func (m *Model) targetVariance(sigma float64) (s float64) {
	for k, c := range m.spectrum {
		a := c * c / (c + m.cfg.Residual[k])
		s += (c - a) / ((c + sigma*sigma) * (a + sigma*sigma)) / float64(len(m.spectrum))
	}
	return s
}

// NumParameters returns the number of weights, fixed ones included.
func (m *Model) NumParameters() int {
	n := 0
	for v := range m.store.Scope(netScope).IterVariables() {
		n += v.Shape().Size()
	}
	return n
}

// OnLattice returns a model with the network and the weights of m, copied, for another
// configuration: a lattice of the same dimension, a coupling, a spectrum measured on short
// samples, while the network has learned elsewhere. It returns an error if the network or
// its weights do not fit, or as [NewModel] does.
func (m *Model) OnLattice(cfg ModelConfig) (*Model, error) {
	moved, err := newModel(m.network, cfg)
	if err != nil {
		return nil, err
	}
	switch {
	case moved.layout.Dim() != m.layout.Dim() || moved.layout.Components != m.layout.Components:
		return nil, fmt.Errorf("diffusion: expected fields of %d components in %d dimensions, got %v", m.layout.Components, m.layout.Dim(), moved.layout)
	case (moved.order > 0) != (m.order > 0) || (moved.spectrum == nil) != (m.spectrum == nil) || moved.space.Kind() != m.space.Kind():
		return nil, fmt.Errorf("diffusion: expected a Gaussian part of the same kind, with order %v in %s space, got %v in %s space", m.order, m.space.Kind(), moved.order, moved.space.Kind())
	}
	if len(moved.cfg.Condition) != len(m.cfg.Condition) {
		return nil, fmt.Errorf("diffusion: expected a condition of %d numbers, got %v", len(m.cfg.Condition), moved.cfg.Condition)
	}
	weights, err := copyWeights(m.store, netScope)
	if err != nil {
		return nil, err
	}
	moved.foreign = m.foreign
	return moved.withWeights(weights)
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
	c.store, c.inputs = newStore(m.cfg.Seed), nil
	if err := c.setInputs(); err != nil {
		return nil, err
	}
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

// copyWeights returns copies of the variables below scope, as weights of a model.
func copyWeights(store *model.Store, scope string) ([]namedTensor, error) {
	var weights []namedTensor
	for v := range store.Scope(scope).IterVariables() {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return nil, fmt.Errorf("diffusion: copying weight %s: %w", v.Path(), err)
		}
		weights = append(weights, namedTensor{netScope + v.Path()[len(scope):], value})
	}
	return weights, nil
}
