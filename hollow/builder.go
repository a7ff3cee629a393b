package hollow

import (
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// builder carries what all parts of one graph share.
type builder struct {
	cfg    Config
	scope  *model.Scope
	in     diffusion.Inputs
	dims   []int
	sites  int
	copies int // 1, or the components of a vector
	batch  int
	levels int
	embed  *graph.Node // [levels, width]

	species []*species
	field   *graph.Node // φ [batch, species, copies·sites]
	sign    *graph.Node // alignment [batch, 1, sites], or nil
	noise   *graph.Node // σ² [levels, 1]
	biased  bool        // whether the network is not odd
}

// species is a component of the field or, where they are the components of a vector, all
// of them, which are its copies.
type species struct {
	*builder
	scope    *model.Scope
	spectrum *graph.Node // C_k [1, modes]
	centred  *graph.Node // C_k - v₀ [1, modes], v₀ = (1/V) Σ_k C_k

	field  *graph.Node // φ [batch, 1, copies·sites]
	modes  *graph.Node // its transform [batch, 1, copies·modes]
	unit   *graph.Node // 1/√(v₀+σ²) [levels, 1]
	noisy  *graph.Node // C_k + σ² [levels, 1, modes]
	wiener *graph.Node // C_k/(C_k + σ²) [levels, 1, modes]
	widths *graph.Node // C_k + aσ² [levels, filters, modes]
}

func newBuilder(cfg Config, scope *model.Scope, in diffusion.Inputs) *builder {
	levels, components := in.Sigma.Shape().Dimensions[0], in.Components
	b := &builder{
		cfg: cfg, scope: scope, in: in, dims: in.Field.Shape().Dimensions[2:], sites: in.Volume(), copies: 1,
		batch: in.Field.Shape().Dimensions[0], levels: levels,
		embed:  nn.NoiseEmbedding(scope, graph.Log(in.Sigma), cfg.Embedding),
		biased: cfg.Parity == diffusion.NoParity,
	}
	if cfg.Components == Vector {
		b.copies, components = components, 1
	}
	b.field = graph.Reshape(in.Field, b.batch, components, b.copies*b.sites)
	b.noise = graph.Reshape(graph.Square(in.Sigma), levels, 1)
	if in.Sign != nil {
		b.sign = row(repeatLast(in.Sign, b.sites))
	}
	for i := range components {
		b.species = append(b.species, b.newSpecies(i))
	}
	return b
}

// newSpecies returns what belongs to component i, or to the vector.
func (b *builder) newSpecies(i int) *species {
	s := &species{builder: b, scope: b.scope, field: b.field}
	if n := b.field.Shape().Dimensions[1]; n > 1 {
		s.scope = b.scope.At("component%d", i)
		s.field = graph.SliceAxis(b.field, 1, graph.AxisElem(i))
	}
	// The components of a vector have the same spectrum. In single precision the differences
	// from the mean would lose digits.
	spectrum := graph.SliceAxis(b.in.Spectrum, 0, graph.AxisRange(i, i+b.copies))
	spectrum = graph.ReduceAndKeep(spectrum, graph.ReduceMean, 0)
	variance := graph.ReduceAndKeep(spectrum, graph.ReduceMean, 1)
	s.centred = b.narrow(graph.Sub(spectrum, graph.BroadcastToDims(variance, 1, b.sites)))
	s.spectrum, variance = b.narrow(spectrum), b.narrow(variance)
	s.modes = transform(s.field, b.dims)
	s.unit = graph.Reciprocal(graph.Sqrt(graph.Add(b.noise, graph.Reshape(variance))))
	all := b.perMode(s.spectrum, 1)
	s.noisy = graph.Add(all, repeatLast(b.noise, b.sites))
	s.wiener = graph.Div(all, s.noisy)
	s.widths = graph.Add(b.perMode(s.spectrum, len(filterWidths)), repeatLast(b.perWidth(), b.sites))
	return s
}

// eachSpecies joins what f returns for every species at an axis.
func (b *builder) eachSpecies(axis int, f func(s *species) *graph.Node) *graph.Node {
	parts := make([]*graph.Node, len(b.species))
	for i, s := range b.species {
		parts[i] = f(s)
	}
	return join(axis, parts...)
}

// blocks returns the block-diagonal matrix [levels, Σ rows, Σ columns] of the matrices
// that f returns for every species, all of one shape.
func (b *builder) blocks(f func(s *species) *graph.Node) *graph.Node {
	return b.eachSpecies(1, func(s *species) *graph.Node {
		block := f(s)
		row := make([]*graph.Node, len(b.species))
		for i, other := range b.species {
			if row[i] = block; other != s {
				row[i] = graph.ZerosLike(block)
			}
		}
		return join(2, row...)
	})
}

// perWidth returns aσ² for all widths a, [levels, filters].
func (b *builder) perWidth() *graph.Node {
	return product(b.noise, b.constant(filterWidths, 1, len(filterWidths)))
}

// perMode repeats a function of the mode, [1, modes], for n channels, [levels, n, modes].
func (b *builder) perMode(values *graph.Node, n int) *graph.Node {
	if n > 1 {
		values = repeatFirst(graph.Reshape(values, b.sites), n)
	}
	return repeatFirst(values, b.levels)
}

// narrow converts x to the type of the field.
func (b *builder) narrow(x *graph.Node) *graph.Node {
	if x.DType() == b.field.DType() {
		return x
	}
	return graph.ConvertDType(x, b.field.DType())
}

func (b *builder) constant(data []float64, dims ...int) *graph.Node {
	return hartley.Const(b.field.Graph(), b.field.DType(), data, dims...)
}

// paramAt returns the weights name, initialised with variance gain².
func (b *builder) paramAt(scope *model.Scope, name string, gain float64, dims ...int) *graph.Node {
	return nn.Param(scope, b.field.Graph(), b.field.DType(), name, nn.Normal(gain), dims...)
}

// param returns weights that all species share.
func (b *builder) param(name string, gain float64, dims ...int) *graph.Node {
	return b.paramAt(b.scope, name, gain, dims...)
}

// param returns weights of the species alone.
func (s *species) param(name string, gain float64, dims ...int) *graph.Node {
	return s.paramAt(s.scope, name, gain, dims...)
}

// coefficientsAt returns n numbers per noise level, [levels, n], that start at zero.
func (b *builder) coefficientsAt(scope *model.Scope, name string, n int) *graph.Node {
	return nn.Dense(scope.At("%s", name), b.embed, n, nn.Zeros)
}

// coefficients returns coefficients that all species share.
func (b *builder) coefficients(name string, n int) *graph.Node {
	return b.coefficientsAt(b.scope, name, n)
}

// coefficients returns coefficients of the species.
func (s *species) coefficients(name string, n int) *graph.Node {
	return s.coefficientsAt(s.scope, name, n)
}

// rows returns coefficients as a matrix [levels, species, n].
func (b *builder) rows(name string, n int) *graph.Node {
	m := len(b.species)
	return graph.Reshape(b.coefficients(name, m*n), b.levels, m, n)
}

// gate returns numbers as coefficients does, but starting at one.
func (b *builder) gate(name string, n int) *graph.Node {
	return graph.AddScalar(b.coefficients(name, n), 1)
}

// biasAt returns n numbers per noise level as a column [levels, n, 1] that multiplies the
// field of ones, or nil for a network that is odd. They start with the variance gain².
func (b *builder) biasAt(scope *model.Scope, name string, gain float64, n int) *graph.Node {
	if !b.biased {
		return nil
	}
	x := b.coefficientsAt(scope, name, n)
	if gain > 0 {
		x = graph.Add(x, repeatFirst(b.paramAt(scope, name+"_start", gain, n), b.levels))
	}
	return graph.ExpandAxes(x, 2)
}

// ones returns the field that is one where the network has biases, else nil.
func (b *builder) ones() *graph.Node {
	if !b.biased {
		return nil
	}
	return ones(b.field, b.batch, 1, b.sites)
}

// times multiplies x [levels, …] by numbers y [levels, 1].
func (b *builder) times(y, x *graph.Node) *graph.Node {
	dims := slices.Repeat([]int{1}, x.Rank())
	dims[0] = b.levels
	return graph.Mul(x, graph.BroadcastToDims(graph.Reshape(y, dims...), x.Shape().Dimensions...))
}

// filtered multiplies the modes x by the transfer functions t [levels, channels, modes].
func (b *builder) filtered(t, x *graph.Node) *graph.Node {
	return graph.Mul(repeatCopies(each(t, b.batch), b.copies), x)
}

// total returns the divergence [batch] from sums [batch, 1 or 2] of derivatives: of
// Σ_x ∂out(x)/∂φ(x) with the alignment m held fixed and, if there is one, of
// Σ_x ∂out(x)/∂m, since ∂m/∂φ(x) is the same for all x.
func (b *builder) total(sums *graph.Node) *graph.Node {
	if b.sign != nil {
		slope := graph.ExpandAxes(b.in.Slope, 1)
		sums = graph.Mul(sums, join(1, graph.OnesLike(slope), slope))
	}
	return graph.ReduceSum(sums, 1)
}
