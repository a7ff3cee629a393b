package u1

import (
	"context"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
)

// Overrelaxation reflects each link in turn about the direction of its staples, φ ← 2φ̄ - φ,
// which leaves S as it is and is always accepted (M. Creutz, Phys. Rev. D 36 (1987) 515; F. R.
// Brown and T. J. Woch, Phys. Rev. Lett. 58 (1987) 2394). It is not ergodic by itself: combine
// it with [HeatBath], see [mcmc.Cycle].
type Overrelaxation struct{ bath }

var _ mcmc.Kernel = (*Overrelaxation)(nil)

// NewOverrelaxation returns the kernel of an action with the weight [gauge.Wilson]. It returns
// an error for no action or one of another weight.
func NewOverrelaxation(action *gauge.Action) (*Overrelaxation, error) {
	b, err := newBath("overrelaxation", action)
	if err != nil {
		return nil, err
	}
	return &Overrelaxation{b}, nil
}

// Step reflects every link once. It returns an error if links does not have the size of the
// layout.
func (k *Overrelaxation) Step(_ context.Context, _ *rand.Rand, links []float64) (mcmc.Info, error) {
	if err := k.fit(links); err != nil {
		return mcmc.Info{}, err
	}
	for i, phi := range links {
		_, centre := k.staple(links, i)
		links[i] = gauge.Wrap(2*centre - phi)
	}
	return mcmc.Info{Accepted: true, AcceptProb: 1}, nil
}
