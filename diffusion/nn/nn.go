// Package nn holds the few building blocks that the score networks share:
// parameters whose initial values are drawn on the host, so that they are the same
// on every backend, a smooth odd activation, and the embedding of the noise level.
package nn

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// SeedKey is the name of the store parameter (a uint64) that seeds the initial
// values of all parameters in the store.
const SeedKey = "latdiff_seed"

// Init returns initial value number i of a parameter.
type Init func(rng *rand.Rand, i int) float64

// Zeros initialises with zeros.
func Zeros(*rand.Rand, int) float64 { return 0 }

// Normal initialises with independent N(0, std²) numbers.
func Normal(std float64) Init {
	return func(rng *rand.Rand, _ int) float64 { return std * rng.NormFloat64() }
}

// Uniform initialises with independent numbers that are uniform in (-bound, bound).
func Uniform(bound float64) Init {
	return func(rng *rand.Rand, _ int) float64 { return bound * (2*rng.Float64() - 1) }
}

// Ones initialises with ones.
func Ones(*rand.Rand, int) float64 { return 1 }

// Param returns the value of the trainable float32 parameter name in the scope,
// converted to dtype. It is created with init if the store does not hold it; its
// initial value depends on the seed in the store and on its path, not on the order
// in which parameters are made.
func Param(scope *model.Scope, g *graph.Graph, dtype dtypes.DType, name string, init Init, dims ...int) *graph.Node {
	return value(variable(scope, name, init, dims), g, dtype)
}

// Constant is like Param for numbers that are drawn once and never trained.
func Constant(scope *model.Scope, g *graph.Graph, dtype dtypes.DType, name string, init Init, dims ...int) *graph.Node {
	return value(variable(scope, name, init, dims).SetTrainable(false), g, dtype)
}

func variable(scope *model.Scope, name string, init Init, dims []int) *model.Variable {
	v := scope.GetVariable(name)
	if v == nil {
		seed, _ := scope.Store().GetParam(SeedKey)
		s, _ := seed.(uint64)
		h := fnv.New64a()
		h.Write([]byte(strings.TrimPrefix(scope.Scope()+"/"+name, "/")))
		rng := rand.New(rand.NewPCG(s, h.Sum64()))
		size := 1
		for _, n := range dims {
			size *= n
		}
		data := make([]float32, size)
		for i := range data {
			data[i] = float32(init(rng, i))
		}
		v = scope.VariableWithValue(name, tensors.FromFlatDataAndDimensions(data, dims...))
	}
	return v
}

func value(v *model.Variable, g *graph.Graph, dtype dtypes.DType) *graph.Node {
	node := v.NodeValue(g)
	if node.DType() != dtype {
		node = graph.ConvertDType(node, dtype)
	}
	return node
}

// WithAdjoint returns f(x) with its vector–Jacobian product replaced by adjoint,
// which maps the adjoint of f(x) to that of x. The automatic rules of some
// operations emit large transposes, or do not exist.
func WithAdjoint(x *graph.Node, f, adjoint func(*graph.Node) *graph.Node) *graph.Node {
	// Reverse differentiation meets the output before the input: the outer identity
	// records the adjoint of f(x), the inner one returns that of x, and what the
	// automatic rules built in between is never executed.
	var v *graph.Node
	in := graph.IdentityWithCustomGradient(x, func(_, _ *graph.Node) *graph.Node { return adjoint(v) })
	return graph.IdentityWithCustomGradient(f(in), func(_, out *graph.Node) *graph.Node {
		v = out
		return out
	})
}

// OddSigmoid returns x/√(1+x²): odd, bounded, infinitely differentiable, and made
// of operations that are cheap on every backend. Its derivative is (1+x²)^{-3/2}.
func OddSigmoid(x *graph.Node) *graph.Node {
	q := graph.StopGradient(graph.AddScalar(graph.Mul(x, x), 1))
	r := graph.StopGradient(graph.Sqrt(q))
	return WithAdjoint(x,
		func(x *graph.Node) *graph.Node { return graph.Div(x, r) },
		func(v *graph.Node) *graph.Node { return graph.Div(v, graph.Mul(q, r)) })
}

// Swish returns x·sigmoid(x).
func Swish(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Sigmoid(x)) }

// Dense returns x·W + b for x of shape [batch, in].
func Dense(scope *model.Scope, x *graph.Node, out int, init Init) *graph.Node {
	g, in := x.Graph(), x.Shape().Dimensions[1]
	w := Param(scope, g, x.DType(), "w", init, in, out)
	b := Param(scope, g, x.DType(), "b", Zeros, 1, out)
	return graph.Add(graph.DotGeneral(x, []int{1}, nil, w, []int{0}, nil), b)
}

// noiseFrequencies are those of the sines and cosines of log σ that enter the
// embedding. They are low: the score is a smooth function of log σ.
var noiseFrequencies = []float64{0.25, 0.5, 1, 2}

// NoiseEmbedding returns an embedding of shape [batch, width] of log σ, of shape
// [batch], and of a condition, [batch or 1, numbers] or nil: two dense layers with swish on log
// σ, its low-frequency sines and cosines, and the numbers of the condition.
func NoiseEmbedding(scope *model.Scope, logSigma, condition *graph.Node, width int) *graph.Node {
	x := graph.InsertAxes(logSigma, -1)
	features := []*graph.Node{graph.MulScalar(x, 1./3)}
	for _, f := range noiseFrequencies {
		features = append(features, graph.Sin(graph.MulScalar(x, f)), graph.Cos(graph.MulScalar(x, f)))
	}
	inputs := len(features)
	if condition != nil {
		n := condition.Shape().Dimensions[1]
		features = append(features, graph.BroadcastToDims(condition, x.Shape().Dimensions[0], n))
		inputs += n
	}
	e := graph.Concatenate(features, 1)
	e = Swish(Dense(scope.At("embed1"), e, width, Normal(1/math.Sqrt(float64(inputs)))))
	return Swish(Dense(scope.At("embed2"), e, width, Normal(1/math.Sqrt(float64(width)))))
}
