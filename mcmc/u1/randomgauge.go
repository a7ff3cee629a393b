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

// RandomGaugeConfig configures [NewRandomGauge]. The zero value is for any gauge-invariant
// action.
type RandomGaugeConfig struct {
	// Centre multiplies, for every direction, the links in that direction out of one layer
	// by a common random phase, which makes Polyakov loops uniform. The pure gauge theory is
	// invariant under that; fermions are not.
	Centre bool
}

// RandomGauge makes a gauge transformation with independent uniform angles, and brings all
// links to (-π, π]. It changes nothing gauge-invariant, but lets chains forget the gauge they
// started in, which molecular dynamics and local updates leave slowly.
type RandomGauge struct {
	links  *gauge.Links
	alpha  []float64
	centre bool
}

var _ mcmc.Kernel = (*RandomGauge)(nil)

// NewRandomGauge returns the kernel for links on a lattice. It returns an error if there is no
// lattice of at least two dimensions.
func NewRandomGauge(lat *lattice.Lattice, cfg RandomGaugeConfig) (*RandomGauge, error) {
	l, err := gauge.NewLinks(lat)
	if err != nil {
		return nil, fmt.Errorf("u1: random gauge: %w", err)
	}
	return &RandomGauge{l, make([]float64, lat.Volume()), cfg.Centre}, nil
}

// Step makes one transformation. It returns an error if links does not have the size of the
// layout.
func (k *RandomGauge) Step(_ context.Context, rng *rand.Rand, links []float64) (mcmc.Info, error) {
	layout := k.links.Layout()
	if len(links) != layout.Size() {
		return mcmc.Info{}, fmt.Errorf("u1: expected %d links on %v, got %d", layout.Size(), layout, len(links))
	}
	if k.centre {
		for mu := range layout.Dim() {
			phase := math.Pi * (1 - 2*rng.Float64())
			f, u := layout.Forward(mu), layout.Component(links, mu)
			for x := range u {
				// The links that wrap around are those whose end has the smaller index.
				if int(f[x]) <= x {
					u[x] += phase
				}
			}
		}
	}
	k.links.RandomGauge(rng, links, k.alpha)
	return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
}
