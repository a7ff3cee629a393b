package diffusion

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/internal/lowering"
)

// maxParts and leastPart bound the number of parts of a batch and their size.
const maxParts, leastPart = 4, 4

// partsOf returns the number of equal parts of a batch whose gradients are computed side
// by side: the pure-Go backend runs most operations on one core. It does not depend on the
// number of cores, and neither do the sums.
func partsOf(backend compute.Backend, batch int) int {
	if !lowering.IsPureGo(backend) {
		return 1
	}
	for parts := maxParts; parts > 1; parts-- {
		if batch%parts == 0 && batch/parts >= leastPart {
			return parts
		}
	}
	return 1
}

// wholeGraph builds the step of a batch that is one part. Inputs: those of gradientGraph,
// the learning rate and the decay of the moving average. Output: the loss of every sample
// and the norm of the gradient, [batch+1].
func (t *Trainer) wholeGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	out := t.gradientGraph(scope, in[:5])
	norm := t.updateWeights(scope, out[1:], in[5], in[6])
	return []*graph.Node{graph.Concatenate([]*graph.Node{out[0], graph.Reshape(norm, 1)}, 0)}
}

// lossPerSample builds the weighted loss of every sample of the batch; the inputs are those
// of gradientGraph, where the weight has the norm of the loss in it.
func (t *Trainer) lossPerSample(scope *model.Scope, in []*graph.Node) *graph.Node {
	return graph.Mul(in[4], t.model.lossPerSample(scope, t.cfg.Objective, in[0], in[1], in[2], in[3]))
}

// gradientGraph builds the loss of every sample and the gradient of its mean. Inputs: φ₀,
// z, Y [batch, components, extents…], σ and the weight of the loss [batch]; Y is empty for
// the objective Denoising.
func (t *Trainer) gradientGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	losses := t.lossPerSample(scope, in)
	net := scope.Store().Scope(netScope)
	grads := net.BuildTrainableVariablesGradientsGraph(graph.ReduceAllMean(losses))
	t.weights = nil
	for v := range net.IterVariables() {
		if v.Trainable && v.InUseByGraph(losses.Graph()) {
			t.weights = append(t.weights, v)
		}
	}
	return append([]*graph.Node{losses}, grads...)
}

// updateGraph builds the step of the optimizer for a batch of several parts. Inputs: the
// gradients of all parts, the learning rate and the decay of the moving average. Output:
// the norm of the mean gradient.
func (t *Trainer) updateGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	last := len(in) - 2
	rate, decay, in := in[last], in[last+1], in[:last]
	grads := in[:last/t.parts]
	for i := range grads {
		for p := 1; p < t.parts; p++ {
			grads[i] = graph.Add(grads[i], in[p*len(grads)+i])
		}
		grads[i] = graph.MulScalar(grads[i], 1/float64(t.parts))
	}
	return []*graph.Node{t.updateWeights(scope, grads, rate, decay)}
}

// updateWeights builds the change of weights, moments and moving averages by the gradients
// of the loss, and returns the norm of the gradient.
func (t *Trainer) updateWeights(scope *model.Scope, grads []*graph.Node, rate, decay *graph.Node) *graph.Node {
	g := decay.Graph()
	grads = slices.Clone(grads)
	norm := graph.ScalarZero(g, dtypes.Float32)
	for _, grad := range grads {
		norm = graph.Add(norm, graph.ReduceAllSum(graph.Square(grad)))
	}
	norm = graph.Sqrt(norm)
	if t.cfg.ClipNorm > 0 {
		clip := graph.Min(graph.ScalarOne(g, norm.DType()), graph.Div(graph.Scalar(g, norm.DType(), t.cfg.ClipNorm), graph.AddScalar(norm, 1e-12)))
		for i := range grads {
			grads[i] = graph.Mul(grads[i], clip)
		}
	}
	root := scope.Store().RootScope()
	// The optimizer reads its learning rate from a variable, which the input replaces.
	optimizer.LearningRateVar(root, dtypes.Float32, t.cfg.LearningRate).SetNodeValue(rate)
	// Adam keeps its moments under /adam.
	adam := optimizer.Adam().Scope("adam").LearningRate(t.cfg.LearningRate).Done().(interface {
		UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, lossDType dtypes.DType)
	})
	for _, v := range t.weights {
		// The optimizer takes the gradients of the weights that are part of the graph.
		v.NodeValue(g)
	}
	adam.UpdateGraphWithGradients(root, grads, dtypes.Float32)
	for _, v := range t.weights {
		average := averageOf(scope.Store(), v)
		a := average.NodeValue(g)
		average.SetNodeValue(graph.Add(a, graph.Mul(graph.OneMinus(decay), graph.Sub(v.NodeValue(g), a))))
	}
	return norm
}

// outcome is what a step of the optimizer leaves on the device.
type outcome struct {
	step          int // from 1
	rate          float64
	sigma, weight []float32
	// values hold the loss of every sample, then the norm of the gradient.
	values []*tensors.Tensor
}

// read returns the losses and the norm, and frees the device of them.
func (o *outcome) read() (losses []float64, norm float64, err error) {
	defer func() { err = finalize(o.values, err) }()
	all := make([]float64, len(o.sigma)+1)
	rest := all
	for _, v := range o.values {
		n := v.Size()
		if err := host.Read(rest[:n], v); err != nil {
			return nil, 0, err
		}
		rest = rest[n:]
	}
	last := len(o.sigma)
	return all[:last], all[last], nil
}

// optimize does one step of the optimizer.
func (t *Trainer) optimize() (outcome, error) {
	n := float64(t.step)
	decay := math.Min(t.cfg.EMA, (1+n)/(10+n))
	out := outcome{step: t.step + 1, rate: t.learningRate(t.step)}
	b, err := t.take(t.step)
	if err == nil {
		out.sigma, out.weight = b.sigma, b.weight
		if t.parts == 1 {
			out.values, err = t.whole.Call(arguments(b.in[0], float32(out.rate), float32(decay))...)
		} else {
			out.values, err = t.optimizeParts(b.in, float32(out.rate), float32(decay))
		}
		err = b.finalize(err)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("diffusion: training step %d: %w", out.step, err)
	}
	return out, nil
}

// optimizeParts does one step with the parts of the batch side by side.
func (t *Trainer) optimizeParts(in [][]*tensors.Tensor, rate, decay float32) (values []*tensors.Tensor, err error) {
	gradients := make([][]*tensors.Tensor, t.parts)
	defer func() {
		for _, g := range gradients {
			err = finalize(g, err)
		}
		if err != nil {
			finalize(values, err)
		}
	}()
	values = make([]*tensors.Tensor, t.parts, t.parts+1)
	part := func(p int) error {
		out, err := t.gradient.Call(arguments(in[p])...)
		if err == nil {
			values[p], gradients[p] = out[0], out[1:]
		}
		return err
	}
	first := 0
	if !t.built {
		// The graph is built, and the weights are initialised, by one call alone.
		if err := part(0); err != nil {
			return nil, err
		}
		t.built, first = true, 1
	}
	err = chunk.Run(context.Background(), t.backend, t.parts-first, 1, func(_ context.Context, p, _, _ int) error {
		return part(p + first)
	})
	if err != nil {
		return nil, err
	}
	norm, err := t.update.Call1(arguments(slices.Concat(gradients...), rate, decay)...)
	if err != nil {
		return nil, err
	}
	return append(values, norm), nil
}

// arguments lists tensors and numbers as the arguments of a call.
func arguments(in []*tensors.Tensor, numbers ...float32) []any {
	args := make([]any, 0, len(in)+len(numbers))
	for _, t := range in {
		args = append(args, t)
	}
	for _, x := range numbers {
		args = append(args, x)
	}
	return args
}

// finalize frees tensors and returns err, or the first error of its own.
func finalize(list []*tensors.Tensor, err error) error {
	for _, t := range list {
		if t == nil {
			continue
		}
		if e := t.FinalizeAll(); err == nil {
			err = e
		}
	}
	return err
}
