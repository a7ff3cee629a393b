package u1

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
)

// FluxHop adds a flux of 2π/V or -2π/V, with equal probability, to every plaquette of a
// two-dimensional lattice, and accepts by Metropolis. Links are shifted by fixed ones of
// that uniform flux, an instanton spread over the lattice, so that the proposal is symmetric
// and changes the charge by ±1. In the pure theory ΔS depends on little but the charge: the
// acceptance is nearly Σ_Q min(P(Q), P(Q+1)), which is erfc(√ΔS/2) with ΔS = 2π²β⟨cos θ⟩/V
// where ⟨Q²⟩ is not small, while all local moves must pass a plaquette of ±π, whose weight
// is e^{-2β}. The action may be any of links in two dimensions, for example one with
// fermions; a step evaluates it twice.
//
// It moves between charges and nothing else: combine it with another kernel, see [mcmc.Cycle].
type FluxHop struct {
	action       lattice.Action
	shift, moved []float64
}

var _ mcmc.Kernel = (*FluxHop)(nil)

// NewFluxHop returns the kernel of an action of links on a lattice of two dimensions. It
// returns an error for no action and one of another layout.
func NewFluxHop(action lattice.Action) (*FluxHop, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("u1: flux hop: %w", err)
	}
	layout := action.Layout()
	torus, err := gauge.NewTorus(layout.Lattice)
	if err != nil {
		return nil, fmt.Errorf("u1: flux hop: %w", err)
	}
	if !layout.Equal(torus.Layout()) {
		return nil, fmt.Errorf("u1: expected an action of links with the layout %v for the flux hop, got %v", torus.Layout(), layout)
	}
	v := layout.Volume()
	shift, err := torus.FromPlaquettes(nil, slices.Repeat([]float64{2 * math.Pi / float64(v)}, v), 0, 0)
	if err != nil {
		return nil, fmt.Errorf("u1: flux hop: %w", err)
	}
	return &FluxHop{action, shift, make([]float64, layout.Size())}, nil
}

// Step makes one proposal; Info.DeltaH is ΔS of it. Accepted links come out in (-π, π]. It
// returns an error if links does not have the size of the layout or has no finite action.
func (k *FluxHop) Step(_ context.Context, rng *rand.Rand, links []float64) (mcmc.Info, error) {
	if len(links) != len(k.moved) {
		return mcmc.Info{}, fmt.Errorf("u1: expected %d links on %v, got %d", len(k.moved), k.action.Layout(), len(links))
	}
	sign := 1.0
	if rng.Uint64()>>63 == 0 {
		sign = -1
	}
	for i, phi := range links {
		k.moved[i] = gauge.Wrap(phi + sign*k.shift[i])
	}
	before := k.action.Value(links)
	if before-before != 0 {
		return mcmc.Info{}, fmt.Errorf("u1: expected links of finite action, got S = %v", before)
	}
	delta := k.action.Value(k.moved) - before
	info := mcmc.Info{DeltaH: delta, AcceptProb: min(1, math.Exp(-delta))}
	if math.IsNaN(delta) {
		info = mcmc.Info{DeltaH: math.Inf(1), Divergent: true}
	}
	// The draw happens whatever its outcome, and a NaN was made to compare false.
	if info.Accepted = rng.Float64() < info.AcceptProb; info.Accepted {
		copy(links, k.moved)
	}
	return info, nil
}
