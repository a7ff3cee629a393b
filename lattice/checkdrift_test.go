package lattice_test

import (
	"math"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// mistaken is an action whose drift is multiplied by a factor.
type mistaken struct {
	lattice.Action
	factor float64
}

func (m mistaken) Drift(dst, phi []float64) []float64 {
	dst = m.Action.Drift(dst, phi)
	for i := range dst {
		dst[i] *= m.factor
	}
	return dst
}

func TestCheckDrift(t *testing.T) {
	l := newLattice(t, 4, 6)
	vector, err := lattice.NewON(l, 3, 0.3, 50)
	if err != nil {
		t.Fatal(err)
	}
	actions := []lattice.Action{newPhi4(t, 0.27, 0.022, 3, 4), newPhi4(t, -0.2, 50, 8), newPhi4(t, 0, 1e4, 2, 2, 2), newPhi4(t, 1e-3, 0, 16, 16), vector}
	for _, a := range actions {
		if err := lattice.CheckDrift(a); err != nil {
			t.Error(err)
		}
		for _, factor := range []float64{-1, 0.5, 1.01, 0, math.NaN()} {
			if err := lattice.CheckDrift(mistaken{a, factor}); err == nil {
				t.Errorf("%s: a drift with the factor %v was accepted", lattice.Describe(a), factor)
			}
		}
	}
	if err := lattice.CheckDrift(nil); err == nil {
		t.Error("nil was accepted")
	}
}

// driftAction is φ⁴ with any function as its drift.
type driftAction struct {
	*lattice.Phi4
	drift func(a *lattice.Phi4, dst, phi []float64) []float64
}

func (d driftAction) Drift(dst, phi []float64) []float64 { return d.drift(d.Phi4, dst, phi) }

// TestCheckDriftOfDst: what Drift does with dst and φ, with numbers that are all right.
func TestCheckDriftOfDst(t *testing.T) {
	a := newPhi4(t, 0.27, 0.022, 3, 4)
	for _, c := range []struct {
		name, message string
		drift         func(a *lattice.Phi4, dst, phi []float64) []float64
	}{
		{"adds", "to overwrite dst", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			k := a.Drift(nil, phi)
			if dst == nil {
				return k
			}
			for i, v := range k {
				dst[i] += v
			}
			return dst
		}},
		{"ignores dst", "to return dst", func(a *lattice.Phi4, _, phi []float64) []float64 { return a.Drift(nil, phi) }},
		{"nothing", "to return 12 numbers, got 0", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			if dst != nil {
				a.Drift(dst, phi)
			}
			return nil
		}},
		{"too many", "to return 12 numbers, got 13", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			return append(a.Drift(nil, phi), 0)
		}},
		{"no nil", "Drift(nil, φ)", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			copy(dst[:len(phi)], a.Drift(nil, phi))
			return dst
		}},
		{"panics", "got a panic: out of order", func(*lattice.Phi4, []float64, []float64) []float64 { panic("out of order") }},
		{"moves φ", "to leave φ as it is", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			dst = a.Drift(dst, phi)
			phi[3] += 1e-3
			return dst
		}},
		{"into φ", "to leave φ as it is", func(a *lattice.Phi4, dst, phi []float64) []float64 {
			if dst == nil {
				dst = phi
			}
			copy(dst, a.Drift(nil, phi))
			return dst
		}},
	} {
		err := lattice.CheckDrift(driftAction{a, c.drift})
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: expected an error with %q, got %v", c.name, c.message, err)
		}
	}
	// Rounding that differs from call to call is allowed.
	calls := 0
	if err := lattice.CheckDrift(driftAction{a, func(a *lattice.Phi4, dst, phi []float64) []float64 {
		dst = a.Drift(dst, phi)
		calls++
		for i := range dst {
			dst[i] *= 1 + 1e-14*float64(calls)
		}
		return dst
	}}); err != nil {
		t.Error(err)
	}
}
