package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// ThermodynamicPath is a family of actions S_t that leads from one whose log Z is known
// to the one of interest: such as κ from 0 on, where the sites are independent (package
// mcmc/phi4 has that path), or a coupling from 0 on, where the field is free.
type ThermodynamicPath struct {
	// From and To are the ends of the path in its parameter t.
	From, To float64
	// LogZ is log Z at From.
	LogZ float64
	// Action returns S_t.
	Action func(t float64) (lattice.Action, error)
	// Derivative returns ∂S_t/∂t of a field.
	Derivative func(t float64, phi []float64) float64
}

// ThermodynamicConfig configures [ThermodynamicIntegration]. The zero value is a good
// choice up to a critical point; beyond it, set Breaks.
type ThermodynamicConfig struct {
	// Nodes is the number of Gauss–Legendre nodes of every interval; 0 means 20.
	Nodes int
	// Breaks are parameters strictly between the ends of the path, in its order, that
	// divide it into intervals. The integrand changes rapidly at a phase transition,
	// where polynomials converge slowly: put one there.
	Breaks []float64
	// Chains is the number of independent chains at every node; 0 means 4.
	Chains int
	// Thermalisation is the number of steps of every chain before anything is measured,
	// Steps that of its measurements, one after every step; 0 means 200 and 1000.
	Thermalisation, Steps int
	// NewKernel makes the kernel of a chain, not necessarily in one goroutine; nil
	// means [Recommended].
	NewKernel func(action lattice.Action) (Kernel, error)
	// Workers bounds the chains that run at the same time; 0 means GOMAXPROCS. The
	// result does not depend on it.
	Workers int
	// Seed is the first seed of all generators: chain c of node i is that of
	// rand.NewPCG(Seed, i·Chains+c), hot for even c and cold otherwise.
	Seed uint64
	// Progress, if not nil, is called with the number of steps done and their total,
	// never by two goroutines at once.
	Progress func(done, total int)
	// Checkpoint, if not empty, is a file to which the state of the run is written whenever
	// CheckpointEvery has passed, default 30 s, when ctx ends, and at the end, and from which the
	// same call goes on. A file that is damaged or of another run is an error; kernels must be those
	// of the run that was saved.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// ThermodynamicNode is the measurement at one node of the integral.
type ThermodynamicNode struct {
	// T is the parameter of the path and Weight that of the node in the integral.
	T, Weight float64
	// Derivative is ⟨∂S/∂t⟩ with its error, and Tau its τ_int in steps.
	Derivative stats.Estimate
	Tau        stats.Tau
}

// ThermodynamicResult is what [ThermodynamicIntegration] returns.
type ThermodynamicResult struct {
	// LogZ is log Z at the end of the path with its statistical error.
	LogZ stats.Estimate
	// QuadratureError estimates the error of the quadrature: the sum over the intervals
	// of the change when the middle node is left out, which makes a rule of n nodes exact
	// to degree n-2 in place of 2n-1, and therefore overestimates the error of the
	// latter by far. Where it is below the statistical error it is made of noise.
	QuadratureError float64
	// Nodes are the measurements, from the start of the path on.
	Nodes []ThermodynamicNode
}

// ThermodynamicIntegration returns log Z, Z = ∫ Π dφ exp(-S), at the end of a path by
// integration along it,
//
//	log Z(t₁) = log Z(t₀) - ∫ ⟨∂S/∂t⟩_t dt.
//
// It takes simulations at all t, but no density of any configuration, which makes it the
// independent check of log⟨exp(-S)/q⟩.
//
// It returns an error if the path is incomplete or a setting out of range, at an error of
// an action, a kernel or the checkpoint, and ctx.Err() when ctx ends.
func ThermodynamicIntegration(ctx context.Context, path ThermodynamicPath, cfg ThermodynamicConfig) (*ThermodynamicResult, error) {
	cfg, err := cfg.withDefaults(path)
	if err != nil {
		return nil, err
	}
	r := &ThermodynamicResult{}
	r.LogZ.Value = path.LogZ
	if path.From == path.To {
		return r, nil
	}
	edges := append(append([]float64{path.From}, cfg.Breaks...), path.To)
	for i := 1; i < len(edges); i++ {
		x, w := make([]float64, cfg.Nodes), make([]float64, cfg.Nodes)
		lo, hi := edges[i-1], edges[i]
		quad.Legendre{}.FixedLocations(x, w, -1, 1)
		// They come in descending order, and are symmetric.
		slices.Reverse(x)
		half := (hi - lo) / 2
		for j := range x {
			r.Nodes = append(r.Nodes, ThermodynamicNode{T: lo + half*(1+x[j]), Weight: half * w[j]})
		}
	}
	series, err := cfg.simulate(ctx, path, r.Nodes)
	if err != nil {
		return nil, err
	}
	variance := 0.0
	for i := range r.Nodes {
		node := &r.Nodes[i]
		if err := node.analyse(series[i*cfg.Chains : (i+1)*cfg.Chains]); err != nil {
			return nil, err
		}
		r.LogZ.Value -= node.Weight * node.Derivative.Value
		variance += math.Pow(node.Weight*node.Derivative.Error, 2)
	}
	r.LogZ.Error = math.Sqrt(variance)
	for i := 0; i < len(r.Nodes); i += cfg.Nodes {
		r.QuadratureError += withoutMiddle(r.Nodes[i : i+cfg.Nodes])
	}
	return r, nil
}

func (cfg ThermodynamicConfig) withDefaults(path ThermodynamicPath) (ThermodynamicConfig, error) {
	switch {
	case path.Action == nil || path.Derivative == nil:
		return cfg, fmt.Errorf("mcmc: expected a path with actions and the derivative of S for the thermodynamic integration")
	case !finite(path.From) || !finite(path.To) || !finite(path.LogZ):
		return cfg, fmt.Errorf("mcmc: expected a finite path from a finite log Z, got %v at %v to %v", path.LogZ, path.From, path.To)
	}
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
			return cfg, fmt.Errorf("mcmc: expected at least %d %s for the thermodynamic integration, got %d", n.lo, n.name, *n.value)
		}
	}
	last := 0.0
	for _, b := range cfg.Breaks {
		// Fractions of the way, which may lead down.
		f := (b - path.From) / (path.To - path.From)
		if !(f > last && f < 1) {
			return cfg, fmt.Errorf("mcmc: expected breaks on the way from %v to %v, got %v", path.From, path.To, cfg.Breaks)
		}
		last = f
	}
	if cfg.NewKernel == nil {
		cfg.NewKernel = func(a lattice.Action) (Kernel, error) { return Recommended(a) }
	}
	return cfg, nil
}

// analyse fills in the mean over the replicas.
func (n *ThermodynamicNode) analyse(replicas [][]float64) error {
	g, err := stats.GammaMethod(replicas, stats.GammaConfig{})
	var short *stats.TooShortError
	if err != nil && !errors.As(err, &short) {
		return fmt.Errorf("mcmc: integrand at t = %v: %w", n.T, err)
	}
	n.Derivative, n.Tau = g.Mean, g.Tau
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
				l *= (mid.T - o.T) / (n.T - o.T)
			}
		}
		p += l * n.Derivative.Value
	}
	return math.Abs(mid.Weight * (mid.Derivative.Value - p))
}
