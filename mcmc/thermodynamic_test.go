package mcmc_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	exact "github.com/latdiff/latdiff/mcmc/phi4"
)

// quartic is an action of φ⁴ with one or more components.
type quartic interface {
	mcmc.HoppingAction
	Lambda() float64
}

func hoppingPath(t testing.TB, a quartic) mcmc.ThermodynamicPath {
	t.Helper()
	return must[mcmc.ThermodynamicPath](t)(exact.HoppingPath(a.Layout(), a.Kappa(), a.Lambda()))
}

func integrate(t *testing.T, a quartic, cfg mcmc.ThermodynamicConfig) *mcmc.ThermodynamicResult {
	t.Helper()
	return must[*mcmc.ThermodynamicResult](t)(mcmc.ThermodynamicIntegration(t.Context(), hoppingPath(t, a), cfg))
}

// freeLogZ returns ½ Σ_k log(π/(1 - 2κ Σ_µ cos k_µ)).
func freeLogZ(t *testing.T, a *lattice.Phi4) float64 {
	t.Helper()
	sum := 0.0
	for _, c := range must[[]float64](t)(a.FreeSpectrum(nil)) {
		sum += 0.5 * math.Log(2*math.Pi*c)
	}
	return sum
}

// logZ2x2 returns log Z of the 2x2 lattice as 4 log h + log Tr T⁴, see transfer2x2.
func logZ2x2(kappa, lambda float64) float64 {
	const n, reach = 121, 7.0
	h := 2 * reach / (n - 1)
	v := func(x float64) float64 { return x * x * (1 - 2*lambda + lambda*x*x) }
	t1 := make([][]float64, n)
	for i := range t1 {
		a := reach * (2*float64(i)/(n-1) - 1)
		t1[i] = make([]float64, n)
		for j := range t1 {
			b := reach * (2*float64(j)/(n-1) - 1)
			t1[i][j] = math.Exp(-v(a)/2 + 4*kappa*a*b - v(b)/2)
		}
	}
	z := 0.0
	for _, row := range matMul(t1, t1) {
		for _, x := range row {
			z += x * x
		}
	}
	return 4*math.Log(h) + math.Log(z)
}

// The quadrature error is far below the statistical one in all cases, and its estimate,
// which contains noise, not far above it.
func TestThermodynamicIntegration(t *testing.T) {
	for _, c := range []struct {
		name string
		a    quartic
		want float64
	}{
		{"O(3) free field, 3x4", on(t, 3, 0.2, 0, 3, 4), 3 * freeLogZ(t, phi4(t, 0.2, 0, 3, 4))},
		{"free field, 4x4", phi4(t, 0.2, 0, 4, 4), freeLogZ(t, phi4(t, 0.2, 0, 4, 4))},
		{"free field, 3x4x2", phi4(t, -0.1, 0, 3, 4, 2), freeLogZ(t, phi4(t, -0.1, 0, 3, 4, 2))},
		{"2x2", phi4(t, 0.27, 0.022, 2, 2), logZ2x2(0.27, 0.022)},
		{"2x2, double well", phi4(t, 0.3, 1.5, 2, 2), logZ2x2(0.3, 1.5)},
		{"8x8 of physics.md", phi4(t, 0.27, 0.022, 8, 8), 45.98},
	} {
		r := integrate(t, c.a, mcmc.ThermodynamicConfig{Seed: 7, Chains: 2, Steps: 1000, Thermalisation: 200})
		e := r.LogZ
		if c.want == 45.98 {
			e.Error = math.Hypot(e.Error, 0.02)
		}
		if s := e.Pull(c.want); !(math.Abs(s) < 5) {
			t.Errorf("%s: log Z = %v, expected %v", c.name, r.LogZ, c.want)
		}
		// The error is a small part of what the integral adds, else the test is weak.
		if start := hoppingPath(t, c.a).LogZ; !(r.LogZ.Error < 0.02*math.Abs(r.LogZ.Value-start)) {
			t.Errorf("%s: log Z = %v, %v at κ = 0", c.name, r.LogZ, start)
		}
		if !(r.QuadratureError < 5*r.LogZ.Error) {
			t.Errorf("%s: error of the quadrature %v, statistical %v", c.name, r.QuadratureError, r.LogZ.Error)
		}
	}
}

// One site and κ = 0, where nothing is simulated.
func TestThermodynamicIntegrationOneSite(t *testing.T) {
	gamma4 := math.Log(math.Gamma(0.25))
	for _, c := range []struct{ lambda, want float64 }{
		{0, 0.5 * math.Log(math.Pi)},
		{0.5, gamma4 - 0.75*math.Log(2)},                // ∫ exp(-bφ⁴) = ½ Γ(¼) b^{-¼}
		{1e-9, 0.5*math.Log(math.Pi) + 2e-9/2 - 3e-9/4}, // first order in λ
		// Two Gaussians around φ² = 1 - 1/(2λ) with the second derivative 4(2λ-1).
		{1e7, 1e7 - 1 + math.Log(2) + 0.5*math.Log(2*math.Pi/8e7)},
	} {
		r := integrate(t, phi4(t, 0, c.lambda, 3, 2), mcmc.ThermodynamicConfig{})
		if math.Abs(r.LogZ.Value/6-c.want) > 1e-7*math.Max(1, math.Abs(c.want)*1e-5) || r.LogZ.Error != 0 {
			t.Errorf("λ = %v: log Z = %v per site, expected %v", c.lambda, r.LogZ.Value/6, c.want)
		}
	}
	// ∫ d²φ exp(-φ⁴/2) = π ∫ dy exp(-y²/2) over y > 0.
	two := integrate(t, on(t, 2, 0, 0.5, 3), mcmc.ThermodynamicConfig{})
	if want := math.Log(math.Pi) + 0.5*math.Log(math.Pi/2); math.Abs(two.LogZ.Value/3-want) > 1e-12 {
		t.Errorf("O(2): log Z = %v per site, expected %v", two.LogZ.Value/3, want)
	}
	// The link of one site is φ², which moves the coefficient 1-2λ-2κ of φ².
	r := integrate(t, phi4(t, 0.2, 0, 1), mcmc.ThermodynamicConfig{Seed: 1, NewKernel: func(a lattice.Action) (mcmc.Kernel, error) {
		return mcmc.NewMetropolis(a.(lattice.LocalAction), mcmc.MetropolisConfig{})
	}})
	if s := r.LogZ.Pull(0.5 * math.Log(math.Pi/0.6)); !(math.Abs(s) < 5) {
		t.Errorf("one site: log Z = %v, expected %v", r.LogZ, 0.5*math.Log(math.Pi/0.6))
	}
}

// Where the integrand has no plateau to be a polynomial on, the estimate of the quadrature error shows it.
func TestThermodynamicQuadratureError(t *testing.T) {
	a := phi4(t, 0.2, 0, 2, 2)
	few := integrate(t, a, mcmc.ThermodynamicConfig{Nodes: 2, Chains: 2, Steps: 4000})
	if !(few.QuadratureError > 10*few.LogZ.Error) {
		t.Errorf("two nodes: error of the quadrature %v, statistical %v", few.QuadratureError, few.LogZ.Error)
	}
	if d := math.Abs(few.LogZ.Value - freeLogZ(t, a)); !(d < few.QuadratureError+5*few.LogZ.Error) {
		t.Errorf("two nodes: off by %v, estimate %v", d, few.QuadratureError)
	}
	broken := integrate(t, a, mcmc.ThermodynamicConfig{Nodes: 4, Breaks: []float64{0.1}, Chains: 2, Steps: 1000})
	if len(broken.Nodes) != 8 || !(math.Abs(broken.LogZ.Pull(freeLogZ(t, a))) < 5) {
		t.Errorf("two intervals: log Z = %v from %d nodes, expected %v", broken.LogZ, len(broken.Nodes), freeLogZ(t, a))
	}
	sum := 0.0
	for i, n := range broken.Nodes {
		sum += n.Weight
		if i > 0 && !(n.T > broken.Nodes[i-1].T) {
			t.Errorf("node %d is at κ = %v behind %v", i, n.T, broken.Nodes[i-1].T)
		}
	}
	if math.Abs(sum-0.2) > 1e-14 {
		t.Errorf("the weights add up to %v, expected κ = 0.2", sum)
	}
}

func TestThermodynamicReproducible(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 3, 2)
	calls := 0
	cfg := mcmc.ThermodynamicConfig{Nodes: 3, Chains: 3, Steps: 150, Thermalisation: 10, Seed: 3, Workers: 1, Progress: func(done, total int) {
		calls++
		if done > total || total != 9*160 {
			t.Errorf("progress %d of %d", done, total)
		}
	}}
	one := integrate(t, a, cfg)
	if calls == 0 {
		t.Error("no progress")
	}
	cfg.Workers, cfg.Progress = 4, nil
	if many := integrate(t, a, cfg); !reflect.DeepEqual(one, many) {
		t.Errorf("one worker %v, four %v", one, many)
	}
}

func TestThermodynamicErrors(t *testing.T) {
	path := hoppingPath(t, phi4(t, 0.2, 0.1, 2, 2))
	failure := errors.New("no kernel")
	for name, cfg := range map[string]mcmc.ThermodynamicConfig{
		"one node":            {Nodes: 1},
		"negative chains":     {Chains: -1},
		"one step":            {Steps: 1},
		"negative workers":    {Workers: -2},
		"no thermalisation":   {Thermalisation: -1},
		"a break at the end":  {Breaks: []float64{0.2}},
		"a break behind zero": {Breaks: []float64{-0.1}},
		"unordered breaks":    {Breaks: []float64{0.1, 0.05}},
		"NaN":                 {Breaks: []float64{math.NaN()}},
	} {
		if _, err := mcmc.ThermodynamicIntegration(t.Context(), path, cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, change := range map[string]func(*mcmc.ThermodynamicPath){
		"no action":      func(p *mcmc.ThermodynamicPath) { p.Action = nil },
		"a nil action":   func(p *mcmc.ThermodynamicPath) { p.Action = func(float64) (lattice.Action, error) { return nil, nil } },
		"no derivative":  func(p *mcmc.ThermodynamicPath) { p.Derivative = nil },
		"NaN at the end": func(p *mcmc.ThermodynamicPath) { p.To = math.NaN() },
		"infinite log Z": func(p *mcmc.ThermodynamicPath) { p.LogZ = math.Inf(1) },
		"infinite start": func(p *mcmc.ThermodynamicPath) { p.From = math.Inf(-1) },
		"action that ends": func(p *mcmc.ThermodynamicPath) {
			p.Action = func(float64) (lattice.Action, error) { return nil, failure }
		},
	} {
		bad := path
		change(&bad)
		if _, err := mcmc.ThermodynamicIntegration(t.Context(), bad, mcmc.ThermodynamicConfig{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := mcmc.ThermodynamicIntegration(t.Context(), path, mcmc.ThermodynamicConfig{NewKernel: func(lattice.Action) (mcmc.Kernel, error) {
		return nil, failure
	}})
	if !errors.Is(err, failure) {
		t.Errorf("kernel that cannot be made: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mcmc.ThermodynamicIntegration(ctx, path, mcmc.ThermodynamicConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A path of another kind: λ from the free field on, at fixed κ.
func TestThermodynamicIntegrationInLambda(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(2, 2))
	path := mcmc.ThermodynamicPath{
		To: 0.5, LogZ: freeLogZ(t, phi4(t, 0.2, 0, 2, 2)),
		Action: func(lambda float64) (lattice.Action, error) { return lattice.NewPhi4(lat, 0.2, lambda) },
		Derivative: func(_ float64, phi []float64) float64 {
			return 4 * (lattice.Phi4Moment(phi) - 2*lattice.Phi2(phi))
		},
	}
	r := must[*mcmc.ThermodynamicResult](t)(mcmc.ThermodynamicIntegration(t.Context(), path, mcmc.ThermodynamicConfig{Seed: 3, Chains: 2, Steps: 2000}))
	if want := logZ2x2(0.2, 0.5); !(math.Abs(r.LogZ.Pull(want)) < 5) || !(r.LogZ.Error < 0.02*math.Abs(want-path.LogZ)) {
		t.Errorf("log Z = %v from %v at λ = 0, expected %v", r.LogZ, path.LogZ, want)
	}
}

func TestHoppingPathErrors(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(4, 4))
	for _, c := range []struct {
		layout        lattice.Layout
		kappa, lambda float64
	}{{lattice.Layout{}, 0.2, 0.1}, {lattice.Scalar(lat), 0.3, 0}, {lattice.Scalar(lat), 0.2, -1}, {lattice.Vector(lat, 2), math.NaN(), 1}} {
		if _, err := exact.HoppingPath(c.layout, c.kappa, c.lambda); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
