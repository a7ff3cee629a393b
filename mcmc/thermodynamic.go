package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// ThermodynamicConfig configures [ThermodynamicIntegration]. The zero value is a good
// choice up to the critical point; beyond it, set Breaks.
type ThermodynamicConfig struct {
	// Nodes is the number of Gauss–Legendre nodes of every interval; 0 means 20.
	Nodes int
	// Breaks are hopping parameters strictly between 0 and κ, in the order of the path,
	// that divide it into intervals. The integrand changes rapidly at a phase transition,
	// where polynomials converge slowly: put one there.
	Breaks []float64
	// Chains is the number of independent chains at every node; 0 means 4.
	Chains int
	// Thermalisation is the number of steps of every chain before anything is measured,
	// Steps that of its measurements, one after every step; 0 means 200 and 1000.
	Thermalisation, Steps int
	// NewKernel makes the kernel of a chain, not necessarily in one goroutine; nil
	// means [Recommended].
	NewKernel func(action *lattice.Phi4) (Kernel, error)
	// Workers bounds the chains that run at the same time; 0 means GOMAXPROCS. The
	// result does not depend on it.
	Workers int
	// Seed is the first seed of all generators: chain c of node i is that of
	// rand.NewPCG(Seed, i·Chains+c), hot for even c and cold otherwise.
	Seed uint64
	// Progress, if not nil, is called with the number of steps done and their total,
	// never by two goroutines at once.
	Progress func(done, total int)
}

// ThermodynamicNode is the measurement at one node of the integral.
type ThermodynamicNode struct {
	// Kappa is the hopping parameter and Weight that of the node in the integral.
	Kappa, Weight float64
	// Hopping is ⟨Σ_x Σ_µ φ(x)φ(x+µ̂)⟩ with its error, and Tau its τ_int in steps.
	Hopping stats.Estimate
	Tau     stats.Tau
}

// ThermodynamicResult is what [ThermodynamicIntegration] returns.
type ThermodynamicResult struct {
	// LogZ is log Z at κ with its statistical error.
	LogZ stats.Estimate
	// QuadratureError estimates the error of the quadrature: the sum over the intervals
	// of the change when the middle node is left out, which makes a rule of n nodes exact
	// to degree n-2 in place of 2n-1, and therefore overestimates the error of the
	// latter by far. Where it is below the statistical error it is made of noise.
	QuadratureError float64
	// LogZ0 is log Z at κ = 0.
	LogZ0 float64
	// Nodes are the measurements, from κ = 0 on.
	Nodes []ThermodynamicNode
}

// ThermodynamicIntegration returns log Z, Z = ∫ Π_x dφ(x) exp(-S), of the φ⁴ action
// (4.2) by integration over the hopping parameter,
//
//	log Z(κ) = log Z(0) + ∫_0^κ 2⟨Σ_x Σ_µ φ(x)φ(x+µ̂)⟩_κ′ dκ′.
//
// At κ = 0 the sites are independent and log Z(0) is V times the logarithm of a
// one-dimensional integral. It takes simulations at all κ′, but no density of any
// configuration, which makes it the independent check of log⟨exp(-S)/q⟩.
//
// It returns an error if action is nil, if a setting is out of range, at an error of a
// kernel, and ctx.Err() when ctx ends.
func ThermodynamicIntegration(ctx context.Context, action *lattice.Phi4, cfg ThermodynamicConfig) (*ThermodynamicResult, error) {
	if action == nil {
		return nil, fmt.Errorf("mcmc: expected a φ⁴ action to integrate to, got nil")
	}
	cfg, err := cfg.withDefaults(action)
	if err != nil {
		return nil, err
	}
	r := &ThermodynamicResult{LogZ0: float64(action.Layout().Volume()) * oneSiteLogZ(action.Lambda())}
	r.LogZ.Value = r.LogZ0
	if action.Kappa() == 0 {
		return r, nil
	}
	edges := append(append([]float64{0}, cfg.Breaks...), action.Kappa())
	for i := 1; i < len(edges); i++ {
		x, w := make([]float64, cfg.Nodes), make([]float64, cfg.Nodes)
		lo, hi := edges[i-1], edges[i]
		quad.Legendre{}.FixedLocations(x, w, -1, 1)
		// They come in descending order, and are symmetric.
		slices.Reverse(x)
		half := (hi - lo) / 2
		for j := range x {
			r.Nodes = append(r.Nodes, ThermodynamicNode{Kappa: lo + half*(1+x[j]), Weight: half * w[j]})
		}
	}
	series, err := cfg.simulate(ctx, action, r.Nodes)
	if err != nil {
		return nil, err
	}
	variance := 0.0
	for i := range r.Nodes {
		node := &r.Nodes[i]
		if err := node.analyse(series[i*cfg.Chains : (i+1)*cfg.Chains]); err != nil {
			return nil, err
		}
		r.LogZ.Value += 2 * node.Weight * node.Hopping.Value
		variance += math.Pow(2*node.Weight*node.Hopping.Error, 2)
	}
	r.LogZ.Error = math.Sqrt(variance)
	for i := 0; i < len(r.Nodes); i += cfg.Nodes {
		r.QuadratureError += withoutMiddle(r.Nodes[i : i+cfg.Nodes])
	}
	return r, nil
}

func (cfg ThermodynamicConfig) withDefaults(action *lattice.Phi4) (ThermodynamicConfig, error) {
	for _, n := range []struct {
		name    string
		value   *int
		def, lo int
	}{
		{"nodes", &cfg.Nodes, 20, 2}, {"chains", &cfg.Chains, 4, 1}, {"steps of thermalisation", &cfg.Thermalisation, 200, 1},
		{"steps", &cfg.Steps, 1000, 2}, {"workers", &cfg.Workers, runtime.GOMAXPROCS(0), 1},
	} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if *n.value < n.lo {
			return cfg, fmt.Errorf("mcmc: expected at least %d %s for the integral over κ, got %d", n.lo, n.name, *n.value)
		}
	}
	last := 0.0
	for _, b := range cfg.Breaks {
		// Fractions of the way, since κ may be negative.
		f := b / action.Kappa()
		if !(f > last && f < 1) {
			return cfg, fmt.Errorf("mcmc: expected breaks on the way from 0 to κ = %v, got %v", action.Kappa(), cfg.Breaks)
		}
		last = f
	}
	if cfg.NewKernel == nil {
		cfg.NewKernel = func(a *lattice.Phi4) (Kernel, error) { return Recommended(a) }
	}
	return cfg, nil
}

// simulate returns the series of Σ_x Σ_µ φ(x)φ(x+µ̂) of all chains of all nodes.
func (cfg *ThermodynamicConfig) simulate(ctx context.Context, action *lattice.Phi4, nodes []ThermodynamicNode) ([][]float64, error) {
	series := make([][]float64, len(nodes)*cfg.Chains)
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	done, total := 0, len(series)*(cfg.Thermalisation+cfg.Steps)
	report := func(steps int) {
		if cfg.Progress != nil {
			mu.Lock()
			defer mu.Unlock()
			done += steps
			cfg.Progress(done, total)
		}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(cfg.Workers, len(series)) {
		wg.Go(func() {
			for inner.Err() == nil {
				c := int(next.Add(1)) - 1
				if c >= len(series) {
					return
				}
				var err error
				if series[c], err = cfg.chain(inner, action, nodes[c/cfg.Chains].Kappa, c, report); err != nil {
					cancel(fmt.Errorf("mcmc: chain at κ = %v: %w", nodes[c/cfg.Chains].Kappa, err))
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return series, context.Cause(inner)
}

// chain runs chain number c of all.
func (cfg *ThermodynamicConfig) chain(ctx context.Context, action *lattice.Phi4, kappa float64, c int, report func(int)) ([]float64, error) {
	lat := action.Layout().Lattice
	a, err := lattice.NewPhi4(lat, kappa, action.Lambda())
	if err != nil {
		return nil, err
	}
	kernel, err := cfg.NewKernel(a)
	if err != nil {
		return nil, err
	}
	chain, err := NewChain(kernel, make([]float64, lat.Volume()), cfg.Seed, uint64(c))
	if err != nil {
		return nil, err
	}
	if c%cfg.Chains%2 == 0 {
		HotStart(chain.rng, chain.phi)
	} else {
		ColdStart(chain.phi, 1)
	}
	if err := chain.Thermalise(ctx, cfg.Thermalisation); err != nil {
		return nil, err
	}
	report(cfg.Thermalisation)
	x := make([]float64, cfg.Steps)
	for i := range x {
		if err := chain.Run(ctx, 1); err != nil {
			return nil, err
		}
		x[i] = float64(lat.Volume()) * lat.Hopping(chain.phi)
		if (i+1)%100 == 0 {
			report(100)
		}
	}
	report(cfg.Steps % 100)
	return x, nil
}

// analyse fills in the mean over the replicas.
func (n *ThermodynamicNode) analyse(replicas [][]float64) error {
	g, err := stats.GammaMethod(replicas, stats.GammaConfig{})
	var short *stats.TooShortError
	if err != nil && !errors.As(err, &short) {
		return fmt.Errorf("mcmc: integrand at κ = %v: %w", n.Kappa, err)
	}
	n.Hopping, n.Tau = g.Mean, g.Tau
	return nil
}

// withoutMiddle returns by how much the integral changes when the middle one of the
// nodes is replaced by the interpolation of the others.
func withoutMiddle(nodes []ThermodynamicNode) float64 {
	m := len(nodes) / 2
	mid := nodes[m]
	p := 0.0
	for j, n := range nodes {
		if j == m {
			continue
		}
		l := 1.0
		for k, o := range nodes {
			if k != m && k != j {
				l *= (mid.Kappa - o.Kappa) / (n.Kappa - o.Kappa)
			}
		}
		p += l * n.Hopping.Value
	}
	return math.Abs(2 * mid.Weight * (mid.Hopping.Value - p))
}

// oneSiteLogZ returns log ∫ dφ exp(-(1-2λ)φ² - λφ⁴) to rounding, by Gauss–Legendre quadrature
// where the exponent is less than cut above its minimum.
func oneSiteLogZ(lambda float64) float64 {
	const cut = 45
	a := 1 - 2*lambda
	lo, hi, least := 0.0, 2*cut/(math.Abs(a)+math.Sqrt(a*a+4*lambda*cut)), 0.0
	if a < 0 {
		// λ(φ²-c)² above the two minima ±√c.
		c, width := -a/(2*lambda), math.Sqrt(cut/lambda)
		lo, hi, least = max(0, c-width), c+width, -a*a/(4*lambda)
	}
	half := quad.Fixed(func(phi float64) float64 {
		y := phi * phi
		return math.Exp(-(a*y + lambda*y*y - least))
	}, math.Sqrt(lo), math.Sqrt(hi), 200, quad.Legendre{}, 0)
	return math.Log(2*half) - least
}
