package diffusion

import (
	"fmt"

	"github.com/gomlx/compute"
)

// Extend returns a model of the theory of m with a network that has all weights of the network of m, by
// name and shape, and further ones: a copy of m with new parts. Those start as in [NewModel], with the Seed
// of m, so that the score is that of m until a training if the outputs of a new part start at zero, as those
// of the pairs and the gradients of package hollow do. It returns an error if the network does not have a weight of m, or
// as [NewModel] does.
func (m *Model) Extend(backend compute.Backend, network Architecture) (*Model, error) {
	more, err := NewModel(backend, network, m.cfg)
	if err != nil {
		return nil, err
	}
	weights, err := copyWeights(m.store, netScope)
	if err != nil {
		return nil, err
	}
	for _, w := range weights {
		v := more.store.GetVariable(w.path)
		if v == nil || !v.Shape().Equal(w.value.Shape()) {
			return nil, fmt.Errorf("diffusion: expected a network with the weights of the present one and more, got one without %s of the shape %v", w.path, w.value.Shape())
		}
		if err := v.SetValue(w.value); err != nil {
			return nil, fmt.Errorf("diffusion: weight %s: %w", w.path, err)
		}
	}
	more.foreign = m.foreign
	return more, nil
}
