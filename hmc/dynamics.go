package hmc

import (
	"github.com/latdiff/latdiff/lattice"
)

// dynamics holds the field and the momenta of one trajectory and moves them.
type dynamics interface {
	// load copies the field that a trajectory starts from.
	load(phi []float64)
	// refresh draws the momenta from exp(-½ π M⁻¹ π).
	refresh(src *normalSource)
	// kickDrift does π ← π + a K(φ) and then φ ← φ + b M⁻¹π.
	kickDrift(a, b float64)
	// kick does π ← π + a K(φ).
	kick(a float64)
	// hamiltonian returns ½ π M⁻¹ π + S(φ).
	hamiltonian() float64
	// store copies the field out.
	store(phi []float64)
}

// generic moves any action through its interface, with unit masses or, where mass
// is set, with a mass matrix that is diagonal in momentum space.
type generic struct {
	action         lattice.Action
	phi, pi, force []float64
}

func newGeneric(action lattice.Action) *generic {
	size := action.Layout().Size()
	return &generic{
		action: action,
		phi:    make([]float64, size),
		pi:     make([]float64, size),
		force:  make([]float64, size),
	}
}

func (g *generic) load(phi []float64)  { copy(g.phi, phi) }
func (g *generic) store(phi []float64) { copy(phi, g.phi) }

func (g *generic) refresh(src *normalSource) { src.fill(g.pi) }

func (g *generic) kick(a float64) {
	g.action.Drift(g.force, g.phi)
	pi := g.pi[:len(g.force)]
	for x, f := range g.force {
		pi[x] += a * f
	}
}

func (g *generic) kickDrift(a, b float64) {
	g.kick(a)
	phi := g.phi[:len(g.pi)]
	for x, p := range g.pi {
		phi[x] += b * p
	}
}

func (g *generic) hamiltonian() float64 { return kinetic(g.pi) + g.action.Value(g.phi) }

// kinetic returns ½ Σ π².
func kinetic(pi []float64) float64 {
	s := 0.0
	for _, p := range pi {
		s += p * p
	}
	return s / 2
}
