package measure

import (
	"math"
	"testing"
)

// A chain of two configurations, whose autocorrelations say nothing, has values with the
// errors of independent ones, and τ_int = 1/2.
func TestChainOfTwo(t *testing.T) {
	s := Series{Volume: 4, M: []float64{1, 2}, Action: []float64{3, 5}, Phi2: []float64{1, 4}, Phi4: []float64{1, 16}}
	values, err := Chain(s)
	if err != nil {
		t.Fatal(err)
	}
	if tau, ok := values.Get(TauAbsM); !ok || tau.Value != 0.5 || math.IsNaN(tau.Error) {
		t.Errorf("τ_int = %v, want 0.5", tau)
	}
	// √(2τ C(0)(1 + 1/N)/N) with C(0) = 1.
	if e, ok := values.Get(ActionDensity); !ok || e.Value != 4 || math.Abs(e.Error-math.Sqrt(0.5*1.5)) > 1e-14 {
		t.Errorf("⟨S⟩/V = %+v, want 4 with the error %v", e, math.Sqrt(0.75))
	}
	if _, err := Response([][]float64{{0.1, 0.2}}, s); err != nil {
		t.Error(err)
	}
}
