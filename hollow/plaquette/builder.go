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

// output returns Σ_k o_k M_k.
func (b *builder) output() dual {
	odd, even := b.features()
	functions, width := odd.value.Shape().Dimensions[0], b.cfg.Hidden
	logNoise := graph.Log(graph.Div(graph.Reshape(b.noise, b.batch), b.root))
	embedding := nn.NoiseEmbedding(b.scope.At("noise"), logNoise, b.cfg.Embedding)
	// layer returns W x plus what depends on the noise level.
	layer := func(scope *model.Scope, x dual, width int, weights, levels nn.Init) dual {
		w := nn.Param(scope, b.theta.Graph(), b.theta.DType(), "weights", weights, width, x.value.Shape().Dimensions[0])
		y := x.mixed(w)
		y.value = graph.Add(y.value, b.each(nn.Dense(scope.At("noise"), embedding, width, levels)))
		return y
	}
	levels := nn.Normal(0.5 / math.Sqrt(float64(b.cfg.Embedding)))
	h := layer(b.scope.At("first"), even, width, nn.Normal(0.7), levels).sigmoid()
	h = layer(b.scope.At("second"), h, width, nn.Normal(1/math.Sqrt(float64(width))), levels).sigmoid()
	terms := odd.product(layer(b.scope.At("output"), h, functions, nn.Zeros, nn.Zeros))
	return terms.linear(func(x *graph.Node) *graph.Node { return graph.ReduceAndKeep(x, graph.ReduceSum, 0) })
}
