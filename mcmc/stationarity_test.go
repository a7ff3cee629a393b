package mcmc_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// gaussian proposes independent Gaussian numbers of one width, a deliberately
// wrong model of whatever is simulated.
type gaussian struct{ sigma float64 }

func (g gaussian) Propose(ctx context.Context, rng *rand.Rand, dst []float64) (float64, error) {
	for x := range dst {
		dst[x] = g.sigma * rng.NormFloat64()
	}
	return g.LogProb(ctx, dst)
}

func (g gaussian) LogProb(_ context.Context, phi []float64) (float64, error) {
	s := 0.0
	for _, v := range phi {
		s += v * v
	}
	return -s / (2 * g.sigma * g.sigma), nil
}

// noisyGaussian adds Gaussian noise to each estimate of log q.
type noisyGaussian struct {
	gaussian
	noise float64
	rng   *rand.Rand
}

func (g noisyGaussian) Propose(ctx context.Context, rng *rand.Rand, dst []float64) (float64, error) {
	logq, err := g.gaussian.Propose(ctx, rng, dst)
	return logq + g.noise*g.rng.NormFloat64(), err
}

func (g noisyGaussian) LogProb(ctx context.Context, phi []float64) (float64, error) {
	logq, err := g.gaussian.LogProb(ctx, phi)
	return logq + g.noise*g.rng.NormFloat64(), err
}

// exactKernels returns every kernel that is ergodic by itself and leaves exp(-S)
// invariant, tuned roughly for fluctuations of order 1.
func exactKernels(t testing.TB, a lattice.LocalAction, volume int) map[string]mcmc.Kernel {
	k := make(map[string]mcmc.Kernel)
	k["Metropolis"] = metropolis(t, a, mcmc.MetropolisConfig{Width: 2, Hits: 3})
	k["MALA"] = must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{Step: 0.4}))
	k["GlobalShift"] = must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{}))
	common := must[*mcmc.GlobalShift](t)(mcmc.NewGlobalShift(a, mcmc.GlobalShiftConfig{Common: true}))
	k["common GlobalShift"] = cycle(t, common, metropolis(t, a, mcmc.MetropolisConfig{Hits: 1}))
	k["SignFlip"] = cycle(t, mcmc.SignFlip{}, metropolis(t, a, mcmc.MetropolisConfig{Hits: 1}))
	k["Independence"] = independence(t, a, gaussian{1.3})
	k["mixed Independence"] = must[*mcmc.Mixture](t)(mcmc.NewMixture([]float64{1, 2},
		independence(t, a, gaussian{0.9}), metropolis(t, a, mcmc.MetropolisConfig{Width: 2})))
	k["noisy Independence"] = must[*mcmc.Independence](t)(mcmc.NewIndependence(a,
		noisyGaussian{gaussian{1.3}, 0.7, rand.New(rand.NewPCG(5, 6))},
		mcmc.IndependenceConfig{NoiseVariance: 2 * 0.7 * 0.7}))
	k["Recommended"] = must[*mcmc.Cycle](t)(mcmc.Recommended(a))
	local := func() mcmc.Kernel { return metropolis(t, a, mcmc.MetropolisConfig{Width: 2, Hits: 1}) }
	k["LocalFlip"] = cycle(t, must[*mcmc.LocalFlip](t)(mcmc.NewLocalFlip(a)), local())
	if p, ok := a.(mcmc.HoppingAction); ok {
		if _, ok := a.(mcmc.Reflector); ok || a.Layout().Components > 1 {
			k["Overrelaxation"] = cycle(t, overrelaxation(t, p), overrelaxation(t, p), local())
		}
		k["Wolff"] = cycle(t, wolff(t, p, 2), local())
		k["SwendsenWang"] = cycle(t, must[*mcmc.SwendsenWang](t)(mcmc.NewSwendsenWang(p)), local())
	}
	return k
}

func independence(t testing.TB, a lattice.Action, p mcmc.Proposer) *mcmc.Independence {
	t.Helper()
	return must[*mcmc.Independence](t)(mcmc.NewIndependence(a, p, mcmc.IndependenceConfig{}))
}

func TestOneSite(t *testing.T) {
	toy := must[*lattice.Toy](t)(lattice.NewToy(-1, 0.4))
	// One site in d = 2 is its own neighbour in both directions, -4κφ², which cancels
	// (1-2λ)φ² here.
	site := phi4(t, 0.2, 0.1, 1, 1)
	for _, m := range []struct {
		name   string
		action lattice.LocalAction
		exact  oneSite
	}{
		{"toy", toy, quadrature(func(x float64) float64 { return -x*x/2 + 0.4/24*x*x*x*x })},
		{"φ⁴", site, quadrature(func(x float64) float64 { return 0.1 * x * x * x * x })},
	} {
		obs := []observable{
			{"φ", func(p []float64) float64 { return p[0] }, 0},
			{"φ²", func(p []float64) float64 { return p[0] * p[0] }, m.exact.m2},
			{"φ⁴", func(p []float64) float64 { return p[0] * p[0] * p[0] * p[0] }, m.exact.m4},
		}
		for name, kernel := range exactKernels(t, m.action, 1) {
			t.Run(m.name+"/"+name, func(t *testing.T) {
				n := 60000
				checkMeans(t, kernel, 1, 1000, n, obs)
			})
		}
	}
}

func TestSquareLattice(t *testing.T) {
	for _, c := range []struct{ kappa, lambda float64 }{{0.22, 0.05}, {-0.15, 0.2}, {0.3, 0.8}} {
		obs := transfer2x2(c.kappa, c.lambda).observables()
		for name, kernel := range exactKernels(t, phi4(t, c.kappa, c.lambda, 2, 2), 4) {
			t.Run(name, func(t *testing.T) { checkMeans(t, kernel, 4, 1000, 40000, obs) })
		}
	}
}

// TestFreeField compares a few modes of the free field with the exact spectrum on
// lattices that take every path through the kernels: checkerboard and sequential,
// two dimensions and others, extents of 1 and 2, frustrated signs for κ < 0.
func TestFreeField(t *testing.T) {
	for _, c := range []struct {
		kappa float64
		dims  []int
	}{
		{0.22, []int{8, 8}}, {-0.22, []int{5, 7}}, {0.23, []int{6, 2}}, {0.2, []int{1, 6}},
		{0.45, []int{7}}, {0.15, []int{4, 2, 6}}, {-0.15, []int{3, 3, 3}},
	} {
		a := phi4(t, c.kappa, 0, c.dims...)
		lat := a.Layout().Lattice
		spectrum := must[[]float64](t)(a.FreeSpectrum(nil))
		var obs []observable
		for _, k := range []int{0, 1, lat.Volume() / 2, lat.Volume() - 1} {
			obs = append(obs, observable{"mode", modePower(lat, k), spectrum[k]})
		}
		mean := 0.0
		for _, s := range spectrum {
			mean += s / float64(len(spectrum))
		}
		obs = append(obs, observable{"φ²", lattice.Phi2, mean},
			observable{"S", a.Value, float64(lat.Volume()) / 2})
		for name, kernel := range map[string]mcmc.Kernel{
			"Metropolis":     metropolis(t, a, mcmc.MetropolisConfig{}),
			"MALA":           must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{})),
			"Overrelaxation": cycle(t, metropolis(t, a, mcmc.MetropolisConfig{Hits: 1}), overrelaxation(t, a)),
			"Wolff":          cycle(t, metropolis(t, a, mcmc.MetropolisConfig{}), wolff(t, a, 3)),
			"SwendsenWang":   cycle(t, must[*mcmc.SwendsenWang](t)(mcmc.NewSwendsenWang(a)), metropolis(t, a, mcmc.MetropolisConfig{})),
		} {
			t.Run(lat.String()+"/"+name, func(t *testing.T) {
				checkMeans(t, kernel, lat.Volume(), 500, 6000, obs)
			})
		}
	}
}

// modePower returns |φ_k|² of one mode of the unitary Fourier transform.
func modePower(lat *lattice.Lattice, k int) func(phi []float64) float64 {
	n := lat.Coord(nil, k)
	cos, sin := make([]float64, lat.Volume()), make([]float64, lat.Volume())
	for x := range lat.Volume() {
		arg := 0.0
		for mu, c := range lat.Coord(nil, x) {
			arg += 2 * math.Pi * float64(n[mu]*c) / float64(lat.Extent(mu))
		}
		cos[x], sin[x] = math.Cos(arg), math.Sin(arg)
	}
	return func(phi []float64) float64 {
		re, im := 0.0, 0.0
		for x, v := range phi {
			re += v * cos[x]
			im += v * sin[x]
		}
		return (re*re + im*im) / float64(len(phi))
	}
}
