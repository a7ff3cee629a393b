package flow_test

import (
	"math"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// A Gaussian of the wrong width as a model of independent sites with the action φ²:
// log w = (1/2C - 1) φ² of a site, in closed form.
func TestTailProbe(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	lat, err := lattice.New(2, 3)
	must(err)
	action, err := lattice.NewPhi4(lat, 0, 0)
	must(err)
	const c = 0.4
	spectrum := make([]float64, 6)
	for k := range spectrum {
		spectrum[k] = c
	}
	m, err := diffusion.NewGaussian(diffusion.ModelConfig{Layout: action.Layout(), Spectrum: spectrum})
	must(err)
	f, err := flow.New(backendtest.Open(), m, flow.Config{Batch: 4, SigmaMin: 1e-4, SigmaMax: 3})
	must(err)
	ens := lattice.NewEnsemble(action.Layout(), 2)
	ens.Append([]float64{0.1, 0.2, 0.3, 0, 0, 0})
	ens.Append([]float64{-0.5, 0, 0, 0, 0.7, 0})
	strengths := []float64{1, -4}
	move := func(phi []float64, u float64) { phi[0] = u }
	got, err := f.TailProbe(t.Context(), action, ens, strengths, move, 1)
	must(err)
	for i, u := range strengths {
		want := (1/(2*c) - 1) * (u*u - (0.1*0.1+0.5*0.5)/2)
		if math.Abs(got[i]-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("φ = %v: expected a change of %v, got %v", u, want, got[i])
		}
	}
	if ens.Data[0] != 0.1 {
		t.Error("the ensemble was changed")
	}
	bad := func(phi []float64, u float64) { phi[0] = math.NaN() }
	if _, err := f.TailProbe(t.Context(), action, ens, strengths, bad, 1); err == nil || !strings.HasPrefix(err.Error(), "flow: ") {
		t.Errorf("expected an error for a field that is not finite, got %v", err)
	}
	if _, err := f.TailProbe(t.Context(), action, ens, nil, move, 1); err == nil {
		t.Error("expected an error without strengths")
	}
}
