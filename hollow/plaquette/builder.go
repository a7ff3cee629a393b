package plaquette

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// builder builds the network. Functions of the sites are rows [1, batch·sites].
type builder struct {
	cfg          Config
	scope        *model.Scope
	in           diffusion.Inputs
	batch, sites int
	spread, root *graph.Node // C and its root, scalars
	theta        *graph.Node // θ
	noise        *graph.Node // σ of every sample [batch, 1]
}

func newBuilder(cfg Config, scope *model.Scope, in diffusion.Inputs) *builder {
	b := &builder{cfg: cfg, scope: scope, in: in, batch: in.Field.Shape().Dimensions[0], sites: in.Volume()}
	b.theta = graph.Reshape(in.Field, 1, b.batch*b.sites)
	b.spread = graph.ReduceAllMean(in.Spectrum)
	if b.spread.DType() != b.theta.DType() {
		b.spread = graph.ConvertDType(b.spread, b.theta.DType())
	}
	b.root = graph.Sqrt(b.spread)
	b.noise = graph.Reshape(graph.BroadcastToDims(in.Sigma, b.batch), b.batch, 1)
	return b
}

// each repeats numbers per sample, [batch, n], for every site: [n, batch·sites].
func (b *builder) each(x *graph.Node) *graph.Node {
	n := x.Shape().Dimensions[1]
	x = graph.InsertAxes(graph.Transpose(x, 0, 1), -1)
	return graph.Reshape(graph.BroadcastToDims(x, n, b.batch, b.sites), n, b.batch*b.sites)
}

// features returns odd and even functions of the field.
func (b *builder) features() (odd, even dual) {
	theta := local(b.theta, graph.OnesLike(b.theta))
	precision := graph.Reciprocal(graph.Add(graph.Square(b.noise), b.spread))
	t := theta.scaled(b.each(graph.Sqrt(precision)))
	psi := theta.scaled(b.each(graph.Mul(precision, b.spread)))
	// The sum of the field is held fixed.
	mean := graph.ReduceAndKeep(graph.Reshape(b.theta, b.batch, b.sites), graph.ReduceMean, 1)
	delta := local(b.each(graph.Div(mean, b.root)), graph.ZerosLike(b.theta))

	sin, cos := psi.sincos()
	sin2, cos2 := psi.times(2).sincos()
	inverse := graph.Reciprocal(b.root)
	sin, sin2 = sin.scaled(inverse), sin2.scaled(inverse)
	rise := local(graph.OneMinus(cos.value), graph.Neg(cos.slope)).scaled(graph.Reciprocal(b.spread)).bounded(4)
	odd = stack(t, sin, sin2, sin.scaled(b.root), delta)
	even = stack(rise, cos, cos2, t.product(t).bounded(8), delta.product(delta).bounded(4))
	if b.cfg.Context == 0 {
		return odd, even
	}
	aroundOdd, aroundEven := b.context("odd", stack(t, sin, sin2)), b.context("even", stack(rise, cos, cos2))
	return stack(odd, aroundOdd), stack(even, aroundEven, aroundOdd.product(sin.rows(b.cfg.Context)))
}

// layer is one of the perceptron: weights [width, inputs] and what depends on the noise level alone,
// [batch, width].
type layer struct{ weights, levels *graph.Node }

// layers returns the perceptron for so many odd and even functions.
func (b *builder) layers(odd, even int) (first, second, output layer) {
	width := b.cfg.Hidden
	logNoise := graph.Log(graph.Div(graph.Reshape(b.noise, b.batch), b.root))
	embedding := nn.NoiseEmbedding(b.scope.At("noise"), logNoise, b.in.Condition, b.cfg.Embedding)
	newLayer := func(scope *model.Scope, inputs, width int, weights, levels nn.Init) layer {
		w := nn.Param(scope, b.theta.Graph(), b.theta.DType(), "weights", weights, width, inputs)
		return layer{w, nn.Dense(scope.At("noise"), embedding, width, levels)}
	}
	levels := nn.Normal(0.5 / math.Sqrt(float64(b.cfg.Embedding)))
	first = newLayer(b.scope.At("first"), even, width, nn.Normal(0.7), levels)
	second = newLayer(b.scope.At("second"), width, width, nn.Normal(1/math.Sqrt(float64(width))), levels)
	return first, second, newLayer(b.scope.At("output"), width, odd, nn.Zeros, nn.Zeros)
}

// apply returns W x plus what depends on the noise level.
func (b *builder) apply(l layer, x dual) dual {
	y := x.mixed(l.weights)
	y.value = graph.Add(y.value, b.each(l.levels))
	return y
}

// output returns Σ_k o_k M_k.
func (b *builder) output() dual {
	odd, even := b.features()
	first, second, output := b.layers(odd.value.Shape().Dimensions[0], even.value.Shape().Dimensions[0])
	h := b.apply(second, b.apply(first, even).sigmoid()).sigmoid()
	terms := odd.product(b.apply(output, h))
	return terms.linear(func(x *graph.Node) *graph.Node { return graph.ReduceAndKeep(x, graph.ReduceSum, 0) })
}
