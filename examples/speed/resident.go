package main

import (
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/host"
)

type graphFunc = func(scope *model.Scope, in []*graph.Node) []*graph.Node

func scoreOnly(m *diffusion.Model) graphFunc {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{m.Score(scope, in[0], in[1])}
	}
}

func scoreAndDivergence(m *diffusion.Model) graphFunc {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		r := m.Remainder(scope, in[0], in[1])
		out := []*graph.Node{r.Sum()}
		if r.Divergence != nil {
			out = append(out, r.Divergence)
		}
		if r.Learned != nil {
			product := graph.Gradient(graph.ReduceAllSum(graph.Mul(r.Learned, in[2])), in[0])[0]
			out = append(out, graph.ReduceAllSum(graph.Mul(product, in[2])))
		}
		return out
	}
}

// resident times a graph whose inputs, of one batch, stay on the device, after two calls
// that do not count.
func (b *bench) resident(m *diffusion.Model, batch int, build graphFunc) (number, error) {
	exec, err := model.NewExec(b.backend, m.Store(), build)
	if err != nil {
		return number{}, err
	}
	defer exec.Finalize()
	rng := rand.New(rand.NewPCG(3, 4))
	dims := append([]int{batch, 1}, b.lattice.Dims()...)
	sigma := make([]float64, batch)
	for i := range sigma {
		sigma[i] = 0.5
	}
	in := []*tensors.Tensor{host.Normal(dtypes.Float32, rng, dims...), host.Tensor(dtypes.Float32, sigma, batch), host.Rademacher(dtypes.Float32, rng, dims...)}
	result := make([]float64, 1)
	call := func() error {
		out, err := exec.Call(in[0], in[1], in[2])
		if err != nil {
			return err
		}
		// Reading a number waits for an asynchronous device.
		if err := host.Read(result, out[len(out)-1]); err != nil {
			return err
		}
		for _, o := range out {
			if err := o.FinalizeAll(); err != nil {
				return err
			}
		}
		return nil
	}
	var times []time.Duration
	var begin time.Time
	busy := b.busy()
	for i := range b.repeats + 2 {
		if err := b.ctx.Err(); err != nil {
			return number{}, err
		}
		if i == 2 {
			begin, busy = time.Now(), b.busy()
		}
		start := time.Now()
		if err := call(); err != nil {
			return number{}, err
		}
		if i < 2 {
			continue
		}
		times = append(times, time.Since(start))
		if time.Since(begin) > b.limit {
			break
		}
	}
	return b.number(times, 1, time.Since(begin), b.busy()-busy), nil
}
