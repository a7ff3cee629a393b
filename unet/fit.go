package unet

import (
	"context"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// FitPaper trains the published model on the ensemble of an action: the network of
// [NewPaper] on fields that are scaled to [-1, 1], without a Gaussian part, by a recipe such as [diffusion.PaperTraining], whose Seed is also that of the
// initial weights. It returns the error of a cancelled ctx, after which the same call
// continues from the Checkpoint of the recipe, and those of its parts.
func FitPaper(ctx context.Context, backend compute.Backend, action lattice.Action, ens *lattice.Ensemble, recipe diffusion.TrainConfig) (*diffusion.Model, error) {
	net, err := NewPaper(PaperConfig{})
	if err != nil {
		return nil, err
	}
	normalization, err := diffusion.MinMax(ens)
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(backend, net, diffusion.ModelConfig{
		Layout: ens.Layout, Theory: diffusion.Identify(action), Normalization: normalization, Unscaled: true, Seed: recipe.Seed,
	})
	if err != nil {
		return nil, err
	}
	return diffusion.Train(ctx, backend, m, ens, recipe)
}
