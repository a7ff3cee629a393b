package diffusion

import (
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// levels keeps what an evaluator has made of the weights of a model at noise levels: of every
// one a graph computes the coefficients once. It is safe for concurrent use.
type levels[L any] struct {
	exec *model.Exec

	mu   sync.Mutex
	kept map[float64]L
}

// maxLevels bounds the number of levels that are kept: those of a fixed grid.
const maxLevels = 512

// newLevels returns the levels of a model whose coefficients build builds, in float64 and for fields
// that are there for their shapes, a batch of one.
func newLevels[L any](backend compute.Backend, m *Model, build func(scope *model.Scope, in Inputs) []*graph.Node) (*levels[L], error) {
	if err := CheckWeights(backend, m); err != nil {
		return nil, err
	}
	exec, err := model.NewExec(backend, m.store, func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		x := graph.Zeros(in[0].Graph(), shapes.Make(dtypes.Float64, fieldShape(m.layout, 1)...))
		return build(scope.At("net"), m.seen(x, graph.Reshape(in[0], 1)))
	})
	if err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	return &levels[L]{exec: exec, kept: map[float64]L{}}, nil
}

// reset forgets all levels.
func (l *levels[L]) reset() { l.kept = map[float64]L{} }

// at returns the level of a σ, which tabulate makes of the coefficients there.
func (l *levels[L]) at(sigma float64, tabulate func(sigma float64, coefficients [][]float64) L) (L, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if level, ok := l.kept[sigma]; ok {
		return level, nil
	}
	coefficients, err := l.coefficients(sigma)
	if err != nil {
		var none L
		return none, fmt.Errorf("diffusion: weights at σ = %v: %w", sigma, err)
	}
	if len(l.kept) >= maxLevels {
		clear(l.kept)
	}
	l.kept[sigma] = tabulate(sigma, coefficients)
	return l.kept[sigma], nil
}

func (l *levels[L]) coefficients(sigma float64) ([][]float64, error) {
	out, err := l.exec.Call(sigma)
	if err != nil {
		return nil, err
	}
	values := make([][]float64, len(out))
	for i, t := range out {
		if err := tensors.ConstFlatData(t, func(flat []float64) { values[i] = slices.Clone(flat) }); err != nil {
			return nil, err
		}
		if err := t.FinalizeAll(); err != nil {
			return nil, err
		}
	}
	return values, nil
}
