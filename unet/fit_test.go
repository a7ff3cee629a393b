package unet_test

import (
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/unet"
)

// The published model: its network, on fields in [-1, 1], with no Gaussian part, and as
// many steps as its recipe says.
func TestFitPaper(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.2, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 8, Thin: 1, Thermalisation: 100, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := backendtest.Open()
	steps := 0
	recipe := diffusion.PaperTraining(r.Ensemble.Len())
	recipe.Steps, recipe.Batch, recipe.Seed = 2, 4, 3
	recipe.Progress = func(diffusion.TrainProgress) { steps++ }
	m, err := unet.FitPaper(t.Context(), b, action, r.Ensemble, recipe)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Network().(*unet.Paper); !ok || steps != 2 || m.Spectrum() != nil {
		t.Errorf("got %T after %d steps with the spectrum %v", m.Network(), steps, m.Spectrum())
	}
	want, err := diffusion.MinMax(r.Ensemble)
	if err != nil {
		t.Fatal(err)
	}
	if m.Normalization() != want {
		t.Errorf("normalisation %v, want %v", m.Normalization(), want)
	}
	if err := m.CheckAction(action); err != nil {
		t.Error(err)
	}
	if _, err := unet.FitPaper(t.Context(), b, action, lattice.NewEnsemble(action.Layout(), 0), recipe); err == nil {
		t.Error("accepted an ensemble without configurations")
	}
}
