package mcmc_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	exact "github.com/latdiff/latdiff/mcmc/phi4"
)

func on(t testing.TB, n int, kappa, lambda float64, dims ...int) *lattice.ON {
	t.Helper()
	lat := must[*lattice.Lattice](t)(lattice.New(dims...))
	return must[*lattice.ON](t)(lattice.NewON(lat, n, kappa, lambda))
}

// vectors returns the observables of an O(N) field, per site: φ·φ and (φ·φ)², and the
// hopping term φ(x)·φ(x+µ̂), summed over µ.
func vectors(l lattice.Layout, phi2, phi4, hopping float64) []observable {
	squares := func(phi []float64) []float64 {
		q := make([]float64, l.Volume())
		for i, v := range phi {
			q[i%len(q)] += v * v
		}
		return q
	}
	return []observable{
		{"φ·φ", func(phi []float64) float64 { return mean(squares(phi)) }, phi2},
		{"(φ·φ)²", func(phi []float64) float64 { return lattice.Phi2(squares(phi)) }, phi4},
		{"φ·φ'", func(phi []float64) float64 { return l.Hopping(phi) }, hopping},
		{"M", func(phi []float64) float64 { return mean(l.Component(phi, l.Components-1)) }, 0},
	}
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s / float64(len(x))
}

// Without hopping the sites are independent. The kernels take any route: two components
// or more, checkerboard or in sequence.
func TestVectorsWithoutHopping(t *testing.T) {
	for _, c := range []struct {
		n      int
		lambda float64
		dims   []int
	}{{2, 0.1, []int{3}}, {3, 1, []int{2, 2}}, {4, 0.5, []int{2, 1}}} {
		a := on(t, c.n, 0, c.lambda, c.dims...)
		site := must[exact.Exact](t)(exact.OneSite(c.n, 0, c.lambda, 0))
		obs := vectors(a.Layout(), site.Phi2, site.Phi4, 0)
		if slices.Contains(c.dims, 1) {
			obs[2].exact = site.Phi2 // the link of a site with itself
		}
		for name, kernel := range exactKernels(t, a, a.Layout().Size()) {
			if strings.HasSuffix(name, "Independence") {
				continue // its proposals are too wide for many numbers
			}
			t.Run(name, func(t *testing.T) { checkMeans(t, kernel, a.Layout().Size(), 1000, 15000, obs) })
		}
	}
}

// In one dimension the transfer matrix is exact.
func TestVectorsOnARing(t *testing.T) {
	for _, c := range []struct {
		n             int
		kappa, lambda float64
		length        int
	}{{2, 0.3, 0.2, 2}, {2, 0.6, 0.5, 5}, {3, -0.4, 0.1, 3}, {2, 0.8, 5, 4}, {4, 0.5, 1, 4}} {
		a := on(t, c.n, c.kappa, c.lambda, c.length)
		want := must[*exact.Chain](t)(exact.NewChain(c.n, c.kappa, c.lambda, c.length)).Exact()
		obs := vectors(a.Layout(), want.Phi2, want.Phi4, want.Hopping)
		for name, kernel := range exactKernels(t, a, a.Layout().Size()) {
			if strings.HasSuffix(name, "Independence") || c.lambda > 1 && strings.HasSuffix(name, "GlobalShift") {
				continue
			}
			t.Run(name, func(t *testing.T) { checkMeans(t, kernel, a.Layout().Size(), 1000, 15000, obs) })
		}
	}
}

// For λ = 0 every component is a free field.
func TestFreeVectors(t *testing.T) {
	for _, dims := range [][]int{{4, 6}, {5, 3}, {7}, {2, 4, 3}} {
		kappa := 0.9 / float64(2*len(dims))
		a := on(t, 3, kappa, 0, dims...)
		l := a.Layout()
		spectrum := must[[]float64](t)(must[*lattice.Phi4](t)(lattice.NewFreeField(l.Lattice, kappa)).FreeSpectrum(nil))
		obs := []observable{{"S", a.Value, float64(l.Size()) / 2}}
		for _, k := range []int{0, 1, l.Volume() / 2} {
			power := modePower(l.Lattice, k)
			obs = append(obs, observable{"mode", func(phi []float64) float64 {
				sum := 0.0
				for c := range l.Components {
					sum += power(l.Component(phi, c)) / 3
				}
				return sum
			}, spectrum[k]})
		}
		for name, kernel := range map[string]mcmc.Kernel{
			"Metropolis":     metropolis(t, a, mcmc.MetropolisConfig{}),
			"Overrelaxation": cycle(t, metropolis(t, a, mcmc.MetropolisConfig{Hits: 1}), overrelaxation(t, a)),
			"Wolff":          cycle(t, metropolis(t, a, mcmc.MetropolisConfig{}), wolff(t, a, 3)),
			"SwendsenWang":   cycle(t, must[*mcmc.SwendsenWang](t)(mcmc.NewSwendsenWang(a)), metropolis(t, a, mcmc.MetropolisConfig{})),
			"Recommended":    must[*mcmc.Cycle](t)(mcmc.Recommended(a)),
		} {
			t.Run(l.String()+"/"+name, func(t *testing.T) { checkMeans(t, kernel, l.Size(), 500, 6000, obs) })
		}
	}
}

// Overrelaxation of several components moves the field and leaves |φ(x)| and S.
func TestMicrocanonical(t *testing.T) {
	for _, dims := range [][]int{{4, 4}, {3, 5}, {1, 6}, {2, 2, 2}} {
		a := on(t, 3, 0.3, 0.4, dims...)
		rng := rand.New(rand.NewPCG(1, 2))
		phi := make([]float64, a.Layout().Size())
		mcmc.HotStart(rng, phi)
		before := slices.Clone(phi)
		info := must[mcmc.Info](t)(overrelaxation(t, a).Step(t.Context(), rng, phi))
		if s := a.Value(before); math.Abs(a.Value(phi)-s) > 1e-12*(1+math.Abs(s)) || info.DeltaH != 0 || info.AcceptProb != 1 {
			t.Errorf("%v: S = %v after %v, %+v", a.Layout(), a.Value(phi), s, info)
		}
		v, moved := a.Layout().Volume(), 0.0
		for x := range v {
			var p, q float64
			for i := x; i < len(phi); i += v {
				p += phi[i] * phi[i]
				q += before[i] * before[i]
				moved += math.Abs(phi[i] - before[i])
			}
			if math.Abs(p-q) > 1e-12*(1+q) {
				t.Errorf("%v: φ·φ = %v after %v at site %d", a.Layout(), p, q, x)
			}
		}
		if moved < 0.1*float64(len(phi)) {
			t.Errorf("%v: the field moved by %v", a.Layout(), moved)
		}
	}
}

// bowl is a theory that is in no package: S = -2κ Σφφ' + Σ [φ² + a(1 - cos 2πφ)]
// for every component, and gφ₁²φ₂² between two.
type bowl struct {
	layout      lattice.Layout
	kappa, a, g float64
}

func newBowl(t testing.TB, components int, b bowl, dims ...int) bowl {
	t.Helper()
	b.layout = lattice.Vector(must[*lattice.Lattice](t)(lattice.New(dims...)), components)
	return b
}

func (b bowl) Layout() lattice.Layout { return b.layout }
func (b bowl) Kappa() float64         { return b.kappa }

func (b bowl) Value(phi []float64) float64 {
	v := b.layout.Volume()
	s := -2 * b.kappa * float64(v) * b.layout.Hopping(phi)
	for _, f := range phi {
		s += f*f + b.a*(1-math.Cos(2*math.Pi*f))
	}
	if b.g != 0 {
		for x := range v {
			s += b.g * phi[x] * phi[x] * phi[v+x] * phi[v+x]
		}
	}
	return s
}

func (b bowl) Drift(dst, phi []float64) []float64 {
	v := b.layout.Volume()
	for i, f := range phi {
		dst[i] = -2*f - 2*math.Pi*b.a*math.Sin(2*math.Pi*f)
		for mu := range b.layout.Dim() {
			dst[i] += 2 * b.kappa * (phi[i/v*v+int(b.layout.Forward(mu)[i%v])] + phi[i/v*v+int(b.layout.Backward(mu)[i%v])])
		}
		if b.g != 0 {
			other := phi[(i+v)%len(phi)]
			dst[i] -= 2 * b.g * f * other * other
		}
	}
	return dst
}

// Difference is slow and simple.
func (b bowl) Difference(phi []float64, i int, v float64) float64 {
	moved := slices.Clone(phi)
	moved[i] = v
	return b.Value(moved) - b.Value(phi)
}

// A user's action with an even potential has clusters, and its four sites on a square
// are integrated exactly.
func TestUsersAction(t *testing.T) {
	const kappa, a = 0.2, 0.8
	potential := func(x float64) float64 { return x*x + a*(1-math.Cos(2*math.Pi*x)) }
	obs := transferSquare(potential, kappa, 7).observables()
	for name, kernel := range exactKernels(t, newBowl(t, 1, bowl{kappa: kappa, a: a}, 2, 2), 4) {
		t.Run(name, func(t *testing.T) { checkMeans(t, kernel, 4, 1000, 30000, obs) })
	}
}

// Two coupled scalars have the reflections of their axes only, which clusters use, and no
// microcanonical overrelaxation.
func TestCoupledScalars(t *testing.T) {
	const g = 1.5
	b := newBowl(t, 2, bowl{kappa: 0, g: g}, 2)
	// At κ = 0 one site: ∫ over both components.
	var z, m2, m22 float64
	for i := -200; i <= 200; i++ {
		for j := -200; j <= 200; j++ {
			x, y := float64(i)/40, float64(j)/40
			w := math.Exp(-x*x - y*y - g*x*x*y*y)
			z += w
			m2 += w * x * x
			m22 += w * x * x * y * y
		}
	}
	obs := []observable{
		{"φ₁²", func(p []float64) float64 { return p[0] * p[0] }, m2 / z},
		{"φ₂²", func(p []float64) float64 { return p[3] * p[3] }, m2 / z},
		{"φ₁²φ₂²", func(p []float64) float64 { return p[0] * p[0] * p[2] * p[2] }, m22 / z},
		{"φ₁φ₂", func(p []float64) float64 { return p[0] * p[2] }, 0},
	}
	checkMeans(t, must[*mcmc.Cycle](t)(mcmc.Recommended(b)), 4, 500, 20000, obs)
	if _, err := mcmc.NewOverrelaxation(b); err == nil {
		t.Error("overrelaxation of a potential without rotations: expected an error")
	}
	// With hopping: clusters against local updates alone.
	b = newBowl(t, 2, bowl{kappa: 0.2, g: g}, 4, 2)
	s := func(p []float64) float64 { return b.Value(p) }
	local := series(t, metropolis(t, b, mcmc.MetropolisConfig{}), b, 20000, s)
	cluster := series(t, cycle(t, wolff(t, b, 2), metropolis(t, b, mcmc.MetropolisConfig{})), b, 20000, s)
	if d := gamma(t, local).Value - gamma(t, cluster).Value; math.Abs(d) > 5*math.Hypot(gamma(t, local).Error, gamma(t, cluster).Error) {
		t.Errorf("S: %v by local updates, %v with clusters", gamma(t, local), gamma(t, cluster))
	}
}

// series runs a kernel from a cold start and returns an observable after every step.
func series(t *testing.T, kernel mcmc.Kernel, action lattice.Action, n int, f func([]float64) float64) []float64 {
	t.Helper()
	chain := must[*mcmc.Chain](t)(mcmc.NewChain(kernel, make([]float64, action.Layout().Size()), 7, 8))
	if err := chain.Thermalise(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	x := make([]float64, n)
	for i := range x {
		if err := chain.Run(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		x[i] = f(chain.Field())
	}
	return x
}

// Without a function that makes kernels, Generate runs the recommended one, here for a
// free field of two components.
func TestGenerateVectors(t *testing.T) {
	a := on(t, 2, 0.2, 0, 4, 4)
	r := generate(t, mcmc.EnsembleConfig{Action: a, N: 2000, Chains: 8, Seed: 5, Thermalisation: 200}, nil)
	if l := r.Ensemble.Layout; !l.Equal(a.Layout()) || r.Ensemble.Len() != 2000 {
		t.Fatalf("%d configurations on %v", r.Ensemble.Len(), l)
	}
	s := r.Ensemble.Extra["action"]
	if m := mean(s); math.Abs(m-16) > 5*2*math.Sqrt(16./2000) {
		t.Errorf("⟨S⟩ = %v, expected 16", m)
	}
}

// What an action does not allow is refused, and what it claims is checked.
func TestTheoriesThatDoNotFit(t *testing.T) {
	lat := must[*lattice.Lattice](t)(lattice.New(4, 4))
	tilted := must[*lattice.Polynomial](t)(lattice.NewPolynomial(lat, 0.2, []float64{0, 1e-5, 1, 0, 0.1}))
	square := phi4(t, 0.2, 0.1, 4, 4)
	check := func(name string, err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), "mcmc: ") {
			t.Errorf("%s: expected an error of the package, got %v", name, err)
		}
	}
	_, err := mcmc.NewWolff(tilted, mcmc.WolffConfig{})
	check("clusters of a potential that is not even", err)
	_, err = mcmc.NewSwendsenWang(tilted)
	check("clusters of a potential that is not even", err)
	_, err = mcmc.NewWolff(nil, mcmc.WolffConfig{})
	check("no action", err)
	_, err = mcmc.NewWolff(otherKappa{square}, mcmc.WolffConfig{})
	check("another κ", err)
	_, err = mcmc.NewOverrelaxation(nil)
	check("no action", err)
	_, err = mcmc.NewOverrelaxation(newBowl(t, 1, bowl{kappa: 0.1}, 4))
	check("no Reflect", err)
	_, err = mcmc.NewOverrelaxation(added{square})
	check("Reflect of an embedded action", err)
	_, err = mcmc.NewMetropolis(added{square}, mcmc.MetropolisConfig{})
	check("UpdateRow of an embedded action", err)
	local := struct{ lattice.LocalAction }{square}
	metropolis(t, local, mcmc.MetropolisConfig{})
	_, err = mcmc.NewMetropolis(addedLocal{local}, mcmc.MetropolisConfig{})
	check("Difference of an embedded action", err)
	_, err = mcmc.NewLocalFlip(addedLocal{local})
	check("Difference of an embedded action", err)
	_, err = mcmc.Recommended(added{square})
	check("methods of an embedded action", err)
	_, err = mcmc.Recommended(nil)
	check("no action", err)
	_, err = mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: struct{ lattice.Action }{square}, N: 4}, nil)
	check("no Difference", err)
	if !strings.Contains(err.Error(), "NewMALA") || !strings.Contains(err.Error(), "hmc.Ensemble") {
		t.Errorf("no Difference: expected advice, got %v", err)
	}
	_, err = mcmc.NewLocalFlip(nil)
	check("no action", err)
}

// otherKappa tells a hopping parameter that is not that of the action.
type otherKappa struct{ *lattice.Phi4 }

func (otherKappa) Kappa() float64 { return 0.3 }

// added embeds φ⁴ and adds a term that the methods it inherits do not know.
type added struct{ *lattice.Phi4 }

func (a added) Value(phi []float64) float64 { return a.Phi4.Value(phi) + 0.1*phi[0]*phi[0] }

// addedLocal is the same for an action that has nothing but Difference.
type addedLocal struct{ lattice.LocalAction }

func (a addedLocal) Value(phi []float64) float64 {
	return a.LocalAction.Value(phi) + 0.1*math.Pow(lattice.Magnetization(phi), 3)
}

// boxed is a theory with walls: S = Σφ² for |φ| < 0.2, infinite beyond.
type boxed struct{ layout lattice.Layout }

func (b boxed) Layout() lattice.Layout { return b.layout }

func (b boxed) Value(phi []float64) float64 {
	s := 0.0
	for _, v := range phi {
		s += b.site(v)
	}
	return s
}

func (b boxed) site(v float64) float64 {
	if math.Abs(v) >= 0.2 {
		return math.Inf(1)
	}
	return v * v
}

func (b boxed) Drift(dst, phi []float64) []float64 {
	for i, v := range phi {
		dst[i] = -2 * v
	}
	return dst
}

func (b boxed) Difference(phi []float64, i int, v float64) float64 { return b.site(v) - b.site(phi[i]) }

func (boxed) Kappa() float64 { return 0 }

// A field that is nowhere finite at random is no reason to refuse an action.
func TestWalls(t *testing.T) {
	b := boxed{lattice.Scalar(must[*lattice.Lattice](t)(lattice.New(4, 2)))}
	var z, m2 float64
	for i := range 20000 {
		x := (float64(i) + 0.5) / 1e5
		z += math.Exp(-x * x)
		m2 += math.Exp(-x*x) * x * x
	}
	kernel := cycle(t, wolff(t, b, 2), metropolis(t, b, mcmc.MetropolisConfig{Width: 0.2}))
	phi := series(t, kernel, b, 20000, lattice.Phi2)
	checkPull(t, "φ²", gamma(t, phi), m2/z)
}
