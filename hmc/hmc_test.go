package hmc

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

func mustLattice(t testing.TB, dims ...int) *lattice.Lattice {
	t.Helper()
	lat, err := lattice.New(dims...)
	if err != nil {
		t.Fatal(err)
	}
	return lat
}

func mustPhi4(t testing.TB, kappa, lambda float64, dims ...int) *lattice.Phi4 {
	t.Helper()
	a, err := lattice.NewPhi4(mustLattice(t, dims...), kappa, lambda)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func mustNew(t testing.TB, action lattice.Action, cfg Config) *HMC {
	t.Helper()
	h, err := New(action, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func gaussian(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// The fused passes of φ⁴ against the action's own Value and Drift, in trajectories.
func TestFusedMatchesGeneric(t *testing.T) {
	for _, dims := range [][]int{{1}, {9}, {1, 1}, {1, 6}, {3, 1}, {2, 2}, {3, 5}, {4, 8}, {5, 16}, {4, 35}, {2, 3, 4}, {1, 3, 2}, {2, 2, 3, 2}} {
		action := mustPhi4(t, 0.27, 0.022, dims...)
		volume := action.Layout().Size()
		cfg := Config{Integrator: Omelyan4, Steps: 3, Jitter: 0.2, Flip: true}
		fast := mustNew(t, action, cfg)
		slow := mustNew(t, opaque{action}, cfg)
		if _, ok := fast.state.(*fused); !ok {
			t.Fatalf("%v: expected the fast path, got %T", dims, fast.state)
		}
		a := gaussian(rand.New(rand.NewPCG(3, uint64(volume))), volume)
		b := slices.Clone(a)
		ra, rb := rand.New(rand.NewPCG(4, 5)), rand.New(rand.NewPCG(4, 5))
		for range 5 {
			ia, err := fast.Step(t.Context(), ra, a)
			if err != nil {
				t.Fatal(err)
			}
			ib, err := slow.Step(t.Context(), rb, b)
			if err != nil {
				t.Fatal(err)
			}
			if ia.Accepted != ib.Accepted || math.Abs(ia.DeltaH-ib.DeltaH) > 1e-12*float64(volume) {
				t.Fatalf("%v: expected %+v, got %+v", dims, ib, ia)
			}
			for x := range a {
				if math.Abs(a[x]-b[x]) > 1e-12 {
					t.Fatalf("%v: site %d: expected %v, got %v", dims, x, b[x], a[x])
				}
			}
		}
	}
}

// added embeds φ⁴ and adds a linear term, but not to the passes that it inherits.
type added struct {
	*lattice.Phi4
	inDrift bool
}

func (a added) Value(phi []float64) float64 {
	return a.Phi4.Value(phi) + 0.1*phi[0]
}

func (a added) Drift(dst, phi []float64) []float64 {
	dst = a.Phi4.Drift(dst, phi)
	if a.inDrift {
		dst[0] -= 0.1
	}
	return dst
}

func TestFusedMethodsThatContradict(t *testing.T) {
	for _, inDrift := range []bool{true, false} {
		a := added{mustPhi4(t, 0.2, 0.02, 4, 4), inDrift}
		if _, err := New(a, Config{}); err == nil {
			t.Errorf("%+v: expected an error, got none", a)
		}
		mustNew(t, opaque{a}, Config{})
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	lat := mustLattice(t, 6, 10)
	mass, err := NewFreeMass(lat, 0.2, 0)
	if err != nil {
		t.Fatal(err)
	}
	action, _ := lattice.NewPhi4(lat, 0.27, 0.022)
	for name, h := range map[string]*HMC{
		"fused":       mustNew(t, action, Config{Flip: true}),
		"generic":     mustNew(t, opaque{action}, Config{Jitter: 0.5}),
		"accelerated": mustNew(t, action, Config{Mass: mass}),
	} {
		rng := rand.New(rand.NewPCG(1, 1))
		phi := make([]float64, 60)
		n := testing.AllocsPerRun(20, func() {
			if _, err := h.Step(t.Context(), rng, phi); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: expected no allocation per trajectory, got %v", name, n)
		}
	}
}

// sick is an action whose force is far too strong for the step size.
type sick struct{ slope float64 }

func (sick) Layout() lattice.Layout { return line(4) }

func (s sick) Value(phi []float64) float64 {
	v := 0.0
	for _, f := range phi {
		v += s.slope * f * f * f * f
	}
	return v
}

func (s sick) Drift(dst, phi []float64) []float64 {
	for x, f := range phi {
		dst[x] = -4 * s.slope * f * f * f
	}
	return dst
}

func TestDivergence(t *testing.T) {
	for _, slope := range []float64{1e3, 1e100} {
		h := mustNew(t, sick{slope}, Config{})
		phi := []float64{1, -1, 1, -1}
		info, err := h.Step(t.Context(), rand.New(rand.NewPCG(1, 1)), phi)
		if err != nil {
			t.Fatal(err)
		}
		if !info.Divergent || info.Accepted || info.AcceptProb != 0 {
			t.Errorf("slope %g: expected a divergent, rejected trajectory, got %+v", slope, info)
		}
		if !slices.Equal(phi, []float64{1, -1, 1, -1}) {
			t.Errorf("slope %g: a rejected trajectory changed the field to %v", slope, phi)
		}
	}
}

// Far from equilibrium a coarse integrator may lower the energy by more than the
// threshold of a divergence; the step must be taken. One leapfrog step of ωε = 1
// from rest at φ conserves π² + 3φ²/4 and halves φ: ΔH = -3φ²/32.
func TestLargeDecrease(t *testing.T) {
	h := mustNew(t, oscillators{[]float64{1}}, Config{Steps: 1})
	phi := []float64{200}
	info, err := h.Step(t.Context(), rand.New(rand.NewPCG(1, 1)), phi)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Accepted || info.Divergent || info.AcceptProb != 1 || info.DeltaH > -3000 {
		t.Errorf("expected an accepted step with ΔH near -3750, got %+v", info)
	}
	if math.Abs(phi[0]-100) > 10 {
		t.Errorf("expected φ near 100, got %v", phi[0])
	}
}

func TestStepErrors(t *testing.T) {
	action := mustPhi4(t, 0.27, 0.022, 2, 3)
	for name, a := range map[string]lattice.Action{"fused": action, "generic": opaque{action}} {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e200} {
			h := mustNew(t, a, Config{Flip: true})
			phi := []float64{1, 2, 3, bad, 5, 6}
			if _, err := h.Step(t.Context(), rand.New(rand.NewPCG(1, 1)), phi); err == nil {
				t.Errorf("%s: expected an error for a field with %v, got none", name, bad)
			}
			if phi[0] != 1 || phi[5] != 6 {
				t.Errorf("%s: the field changed after an error", name)
			}
		}
		h := mustNew(t, a, Config{})
		if _, err := h.Step(t.Context(), rand.New(rand.NewPCG(1, 1)), make([]float64, 5)); err == nil {
			t.Errorf("%s: expected an error for a field of the wrong length, got none", name)
		}
	}
}

func TestNewErrors(t *testing.T) {
	lat := mustLattice(t, 2, 3)
	action, err := lattice.NewPhi4(lat, 0.2, 0.02)
	mass, err2 := NewFreeMass(mustLattice(t, 4), 0.2, 0)
	turned, err3 := NewFreeMass(mustLattice(t, 3, 2), 0.2, 0)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		action lattice.Action
		cfg    Config
	}{
		"nil action":      {nil, Config{}},
		"typed nil":       {(*lattice.Phi4)(nil), Config{}},
		"negative length": {action, Config{Length: -1}},
		"NaN length":      {action, Config{Length: math.NaN()}},
		"infinite length": {action, Config{Length: math.Inf(1)}},
		"negative steps":  {action, Config{Steps: -1}},
		"jitter one":      {action, Config{Jitter: 1}},
		"NaN jitter":      {action, Config{Jitter: math.NaN()}},
		"mass volume":     {action, Config{Mass: mass}},
		"mass lattice":    {action, Config{Mass: turned}},
	} {
		if h, err := New(c.action, c.cfg); err == nil || h != nil {
			t.Errorf("%s: expected an error and no kernel, got %v, %v", name, h, err)
		}
	}
}
