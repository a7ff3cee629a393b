package diffusion

import (
	"context"

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
	if !lowering.PureGo(backend) {
		return 1
	}
	for parts := maxParts; parts > 1; parts-- {
		if batch%parts == 0 && batch/parts >= leastPart {
			return parts
		}
	}
	return 1
}

// gradientGraph builds the loss of every sample and the gradient of its mean. Inputs: φ₀,
// z, Y [batch, extents…] and σ [batch]; Y is empty for the objective Denoising.
func (t *Trainer) gradientGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	losses := t.model.lossPerSample(scope, t.cfg.Objective, in[0], in[1], in[2], in[3], t.norm)
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

// updateGraph builds the step of the optimizer. Inputs: the gradients of all parts of the
// batch and the decay of the moving average. Output: the norm of the mean gradient.
func (t *Trainer) updateGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	decay, in := in[len(in)-1], in[:len(in)-1]
	g := decay.Graph()
	grads := in[:len(in)/t.parts]
	norm := graph.ScalarZero(g, dtypes.Float32)
	for i := range grads {
		for p := 1; p < t.parts; p++ {
			grads[i] = graph.Add(grads[i], in[p*len(grads)+i])
		}
		grads[i] = graph.MulScalar(grads[i], 1/float64(t.parts))
		norm = graph.Add(norm, graph.ReduceAllSum(graph.Square(grads[i])))
	}
	norm = graph.Sqrt(norm)
	if t.cfg.ClipNorm > 0 {
		clip := graph.Min(graph.ScalarOne(g, norm.DType()), graph.Div(graph.Scalar(g, norm.DType(), t.cfg.ClipNorm), graph.AddScalar(norm, 1e-12)))
		for i := range grads {
			grads[i] = graph.Mul(grads[i], clip)
		}
	}
	// Adam keeps its moments under /adam.
	adam := optimizer.Adam().Scope("adam").LearningRate(t.cfg.LearningRate).Done().(interface {
		UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, lossDType dtypes.DType)
	})
	for _, v := range t.weights {
		// The optimizer takes the gradients of the weights that are part of the graph.
		v.NodeValue(g)
	}
	adam.UpdateGraphWithGradients(scope.Store().RootScope(), grads, dtypes.Float32)
	for _, v := range t.weights {
		average := averageOf(scope.Store(), v)
		a := average.NodeValue(g)
		average.SetNodeValue(graph.Add(a, graph.Mul(graph.OneMinus(decay), graph.Sub(v.NodeValue(g), a))))
	}
	return []*graph.Node{norm}
}

// optimize does one step of the optimizer, with the parts of the batch side by side, and
// returns the loss of every sample, the norm of the gradient, and the noise levels.
func (t *Trainer) optimize(decay float64) (losses []float64, norm float64, sigma []float32, err error) {
	in, sigma := t.batch(t.step)
	losses = make([]float64, t.cfg.Batch)
	size := t.cfg.Batch / t.parts
	outputs := make([][]*tensors.Tensor, t.parts)
	part := func(_ context.Context, p, lo, hi int) error {
		out, err := t.gradient.Call(in[p]...)
		if err != nil {
			return err
		}
		outputs[p] = out
		return host.Read(losses[lo:hi], out[0])
	}
	first := 0
	if !t.built {
		// The graph is built, and the weights are initialised, by one call alone.
		if err := part(context.Background(), 0, 0, size); err != nil {
			return nil, 0, nil, err
		}
		t.built, first = true, 1
	}
	err = chunk.Run(context.Background(), t.backend, (t.parts-first)*size, size, func(ctx context.Context, p, lo, hi int) error {
		return part(ctx, p+first, lo+first*size, hi+first*size)
	})
	if err != nil {
		return nil, 0, nil, err
	}
	args := make([]any, 0, t.parts*len(outputs[0]))
	for _, out := range outputs {
		for _, g := range out[1:] {
			args = append(args, g)
		}
	}
	out, err := t.update.Call1(append(args, float32(decay))...)
	if err != nil {
		return nil, 0, nil, err
	}
	norm = float64(tensors.ToScalar[float32](out))
	for _, o := range append(outputs, []*tensors.Tensor{out}) {
		for _, tensor := range o {
			if err := tensor.FinalizeAll(); err != nil {
				return nil, 0, nil, err
			}
		}
	}
	return losses, norm, sigma, nil
}
