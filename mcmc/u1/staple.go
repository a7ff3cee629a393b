package u1

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice/gauge"
)

// bath is what the links see of Wilson's action: the part of S with link φ is
// -βR cos(φ-φ̄), where R e^{-iφ̄} is the sum of the 2(d-1) staples.
type bath struct {
	action *gauge.Action
	beta   float64
	size   int
}

func newBath(what string, action *gauge.Action) (bath, error) {
	if action == nil {
		return bath{}, fmt.Errorf("u1: expected an action for %s, got nil", what)
	}
	w, ok := action.Weight().(gauge.Wilson)
	if !ok {
		return bath{}, fmt.Errorf("u1: expected Wilson's action for %s, got %#v: local Metropolis (mcmc.NewMetropolis) takes any", what, action.Weight())
	}
	return bath{action, w.Beta, action.Layout().Size()}, nil
}

// staple returns R and φ̄ of link i.
func (b *bath) staple(links []float64, i int) (r, centre float64) {
	phi := links[i]
	re, im := 0.0, 0.0
	for theta, sign := range b.action.Around(links, i) {
		// The plaquette is ±(φ + ψ) with the rest ψ.
		sin, cos := math.Sincos(sign*theta - phi)
		re += cos
		im += sin
	}
	return math.Hypot(re, im), math.Atan2(-im, re)
}

func (b *bath) fit(links []float64) error {
	if len(links) != b.size {
		return fmt.Errorf("u1: expected %d links on %v, got %d", b.size, b.action.Layout(), len(links))
	}
	return nil
}
