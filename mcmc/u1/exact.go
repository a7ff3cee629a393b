package u1

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
)

// Exact draws independent configurations of the pure gauge theory in two dimensions. The
// plaquettes are independent but for their sum, a multiple of 2π. They are drawn one after
// the other from their exact conditional densities: with the sum t of those drawn and m more
// to come after this one, θ has the density
//
//	e^{-s(θ)} g_m(t+θ),  g_m(t) = Σ_n (c_n/c_0)^m cos nt,
//
// where g_m is the periodic density of minus the sum of m plaquettes, a sum over
// representations (A. A. Migdal, Sov. Phys. JETP 42 (1975) 413) that is cut off at
// double precision. It is drawn by rejection from e^{-s}. The charge comes out by itself;
// holonomies and gauge are uniform.
//
// It is a kernel, whose steps forget where the chain was, and a [mcmc.Proposer] with the
// density e^{-S}/Z per dφ: proposals for other actions of links, for example with fermions.
type Exact struct {
	action *gauge.Action
	torus  *gauge.Torus
	weight gauge.Drawer
	// terms[m] are the (c_n/c_0)^m, and bound[m] is the largest that g_m may be.
	terms [][]float64
	bound []float64
	// logZ is log ∫ dφ e^{-S}.
	logZ         float64
	theta, alpha []float64
}

var (
	_ mcmc.Starter   = (*Exact)(nil)
	_ mcmc.Proposer  = (*Exact)(nil)
	_ mcmc.LogProber = (*Exact)(nil)
)

// vanishing is the size of terms that are left out of g_m, whose largest term is 1.
const vanishing = 1e-17

// NewExact returns the sampler of an action in two dimensions. It returns an error for no
// action, for one in other dimensions, for a weight that is no [gauge.Drawer] and for one that
// [gauge.Transform] refuses.
func NewExact(action *gauge.Action) (*Exact, error) {
	if action == nil {
		return nil, fmt.Errorf("u1: expected an action for exact sampling, got nil")
	}
	lat := action.Layout().Lattice
	torus, err := gauge.NewTorus(lat)
	if err != nil {
		return nil, fmt.Errorf("u1: exact sampling: %w", err)
	}
	weight, ok := action.Weight().(gauge.Drawer)
	if !ok {
		return nil, fmt.Errorf("u1: expected a weight that can draw a plaquette for exact sampling, got %#v", action.Weight())
	}
	c, err := gauge.Transform(weight)
	if err != nil {
		return nil, fmt.Errorf("u1: exact sampling: %w", err)
	}
	solution, err := gauge.NewExact(weight, lat.Extent(0), lat.Extent(1))
	if err != nil {
		return nil, fmt.Errorf("u1: exact sampling: %w", err)
	}
	v := lat.Volume()
	e := &Exact{
		action: action, torus: torus, weight: weight,
		terms: make([][]float64, v), bound: make([]float64, v),
		logZ:  solution.LogZ() + float64(action.Layout().Size())*math.Log(2*math.Pi),
		theta: make([]float64, v), alpha: make([]float64, v),
	}
	for m := 1; m < v; m++ {
		for n, r := range c.Ratio {
			term := math.Pow(r, float64(m))
			if n > 0 {
				term *= 2
			}
			e.terms[m] = append(e.terms[m], term)
			e.bound[m] += math.Abs(term)
			// The coefficients of a smooth weight fall; a single one may vanish.
			if n > 0 && math.Abs(term) < vanishing && math.Abs(e.terms[m][n-1]) < vanishing {
				break
			}
		}
	}
	return e, nil
}

// Layout returns the layout of the links.
func (e *Exact) Layout() lattice.Layout { return e.action.Layout() }

// Draw fills links with a configuration that is independent of everything drawn before. It
// returns an error if links does not have the size of the layout.
func (e *Exact) Draw(rng *rand.Rand, links []float64) error {
	if n := e.action.Layout().Size(); len(links) != n {
		return fmt.Errorf("u1: expected %d links on %v, got %d", n, e.action.Layout(), len(links))
	}
	sum := 0.0
	last := len(e.theta) - 1
	for k := range last {
		e.theta[k] = e.draw(rng, sum, last-k)
		sum += e.theta[k]
	}
	e.theta[last] = gauge.Wrap(-sum)
	h0, h1 := math.Pi*(1-2*rng.Float64()), math.Pi*(1-2*rng.Float64())
	if _, err := e.torus.FromPlaquettes(links, e.theta, h0, h1); err != nil {
		return err
	}
	e.torus.RandomGauge(rng, links, e.alpha)
	return nil
}

// draw returns a plaquette after those with the given sum and before m others.
func (e *Exact) draw(rng *rand.Rand, sum float64, m int) float64 {
	for {
		theta := e.weight.Draw(rng)
		if rng.Float64()*e.bound[m] < cosines(e.terms[m], sum+theta) {
			return theta
		}
	}
}

// cosines returns Σ_n a_n cos nt by Clenshaw's recurrence.
func cosines(a []float64, t float64) float64 {
	cos := math.Cos(t)
	next, after := 0.0, 0.0
	for n := len(a) - 1; n > 0; n-- {
		next, after = a[n]+2*cos*next-after, next
	}
	return a[0] + cos*next - after
}

// Step replaces links by an independent draw. It returns an error if links does not have the
// size of the layout.
func (e *Exact) Step(_ context.Context, rng *rand.Rand, links []float64) (mcmc.Info, error) {
	if err := e.Draw(rng, links); err != nil {
		return mcmc.Info{}, err
	}
	return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
}

// Start fills links with a draw, see [mcmc.Starter].
func (e *Exact) Start(_ context.Context, rng *rand.Rand, links []float64) error {
	return e.Draw(rng, links)
}

// Propose fills links with a draw and returns log q = -S - log Z of it, Z = ∫dφ e^{-S}. It
// returns an error if links does not have the size of the layout.
func (e *Exact) Propose(_ context.Context, rng *rand.Rand, links []float64) (logq float64, err error) {
	if err := e.Draw(rng, links); err != nil {
		return 0, err
	}
	return -e.action.Value(links) - e.logZ, nil
}

// LogProb returns log q = -S - log Z. It returns an error if links does not have the size of
// the layout.
func (e *Exact) LogProb(_ context.Context, links []float64) (logq float64, err error) {
	if n := e.action.Layout().Size(); len(links) != n {
		return 0, fmt.Errorf("u1: expected %d links on %v, got %d", n, e.action.Layout(), len(links))
	}
	return -e.action.Value(links) - e.logZ, nil
}
