package diffusion

import (
	"fmt"

	"github.com/gomlx/compute"
)

// CheckWeights returns an error if a model whose weights are from a file, or were moved from
// such a model, lacks weights that its network asks for, or has some of another shape. The
// configuration of the network is a part of the file, and weights that are missing would be
// made, in whatever size it says. [NewSampler], [NewEvaluator], [NewTrainer] and the flow call
// it before they build anything else; it builds the graph of the score, though it compiles
// nothing, and is free for other models.
func CheckWeights(backend compute.Backend, m ScoreModel) error {
	loaded, ok := m.(*Model)
	if !ok || !loaded.foreign {
		return nil
	}
	// The store of a copy takes the variables that the graph asks for.
	weights, err := copyWeights(loaded.store, netScope)
	if err != nil {
		return err
	}
	probe, err := loaded.withWeights(weights)
	if err != nil {
		return err
	}
	if err := probe.initialise(backend); err != nil {
		return fmt.Errorf("diffusion: expected a file with the weights of its network: %w", err)
	}
	for v := range probe.store.IterVariables() {
		if loaded.store.GetVariable(v.Path()) == nil {
			return fmt.Errorf("diffusion: expected a file with all weights of the network %s, got one without the %d numbers of %s",
				loaded.network.Kind(), v.Shape().Size(), v.Path())
		}
	}
	return nil
}
