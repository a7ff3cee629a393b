package difftest_test

import (
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// The schemes of package diffusion pass.
func TestSchemes(t *testing.T) {
	corrector, err := diffusion.PredictorCorrector(1, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scheme diffusion.Scheme
		cfg    difftest.SchemeConfig
	}{
		"ancestral": {diffusion.Ancestral, difftest.SchemeConfig{}},
		"Heun":      {diffusion.Heun, difftest.SchemeConfig{Steps: 30}},
		"DPM":       {diffusion.DPMSolverPP2M, difftest.SchemeConfig{}},
		// Of first order in the size of the step.
		"Euler":               {diffusion.EulerMaruyama, difftest.SchemeConfig{Steps: 200, Bias: 0.06}},
		"predictor-corrector": {corrector, difftest.SchemeConfig{Steps: 200, Bias: 0.06, Fields: 2048}},
	} {
		t.Run(name, func(t *testing.T) { difftest.TestScheme(t, backendtest.Open(), c.scheme, c.cfg) })
	}
}
