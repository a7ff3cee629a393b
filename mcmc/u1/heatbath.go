package u1

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
)

// HeatBath draws each link in turn from its density given all others, the von Mises density
// exp(βR cos(φ-φ̄)) with R e^{-iφ̄} the sum of its staples (M. Creutz, L. Jacobs and C. Rebbi,
// Phys. Rev. D 20 (1979) 1915), by [gauge.VonMises]. Links come out in (-π, π].
type HeatBath struct{ bath }

var _ mcmc.Kernel = (*HeatBath)(nil)

// NewHeatBath returns the kernel of an action with the weight [gauge.Wilson], β ≥ 0. It
// returns an error for no action or one of another weight.
func NewHeatBath(action *gauge.Action) (*HeatBath, error) {
	b, err := newBath("the heat bath", action)
	if err != nil {
		return nil, err
	}
	return &HeatBath{b}, nil
}

// Step draws every link once. Info.DeltaH is 0: what the step changes S by is not measured. It
// returns an error if links does not have the size of the layout.
func (k *HeatBath) Step(_ context.Context, rng *rand.Rand, links []float64) (mcmc.Info, error) {
	if err := k.fit(links); err != nil {
		return mcmc.Info{}, err
	}
	for i := range links {
		r, centre := k.staple(links, i)
		if k.beta < 0 {
			centre += math.Pi
		}
		links[i] = gauge.Wrap(centre + gauge.VonMises(rng, math.Abs(k.beta)*r))
	}
	return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
}
