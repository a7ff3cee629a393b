package hmc

import (
	"fmt"
	"math"
	"math/rand/v2"

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

// FusedAction is an action that has passes of its own for molecular dynamics with unit
// masses, which saves reading and writing the force. The slices have the size of the
// layout. [New] compares them with Drift and Value on a random field.
type FusedAction interface {
	lattice.Action
	// KickDrift does π ← π + kick·K(φ) and next ← φ + drift·π. next overlaps neither
	// phi nor pi.
	KickDrift(next, pi, phi []float64, kick, drift float64)
	// Kick does π ← π + kick·K(φ).
	Kick(pi, phi []float64, kick float64)
	// Energy returns ½ Σ π² + S(φ).
	Energy(pi, phi []float64) float64
}

// fused moves a FusedAction.
type fused struct {
	action        FusedAction
	phi, next, pi []float64
}

// newFused returns an error if the passes do not agree with Drift and Value, as where
// they belong to an action that another one embeds and adds to.
func newFused(action FusedAction) (*fused, error) {
	size := action.Layout().Size()
	f := &fused{action: action, phi: make([]float64, size), next: make([]float64, size), pi: make([]float64, size)}
	g := newGeneric(action)
	rng := rand.New(rand.NewPCG(1, 0x66757365))
	for i := range f.phi {
		f.phi[i], f.pi[i] = rng.NormFloat64()+0.5, rng.NormFloat64()
	}
	// Within the walls, where there are any.
	for range 60 {
		if finite(action.Value(f.phi)) {
			break
		}
		for i := range f.phi {
			f.phi[i] /= 2
		}
	}
	copy(g.phi, f.phi)
	copy(g.pi, f.pi)
	scale := math.Abs(action.Value(f.phi)) + float64(size)
	for _, d := range []dynamics{f, g} {
		d.kick(0.25)
		d.kickDrift(0.5, 0.125)
	}
	for i, p := range g.pi {
		if !(math.Abs(f.pi[i]-p) <= 1e-9*scale && math.Abs(f.phi[i]-g.phi[i]) <= 1e-9*scale) {
			return nil, fmt.Errorf("hmc: expected Kick and KickDrift of %T to agree with its Drift, got momentum %v in place of %v: are they those of an embedded action?", action, f.pi[i], p)
		}
	}
	got, want := f.hamiltonian(), g.hamiltonian()
	if finite(want) && !(math.Abs(got-want) <= 1e-9*(scale+math.Abs(want))) {
		return nil, fmt.Errorf("hmc: expected Energy of %T to agree with its Value, got %v in place of %v: is it that of an embedded action?", action, got, want)
	}
	return f, nil
}

func (f *fused) load(phi []float64)  { copy(f.phi, phi) }
func (f *fused) store(phi []float64) { copy(phi, f.phi) }

func (f *fused) refresh(src *normalSource) { src.fill(f.pi) }

func (f *fused) kickDrift(a, b float64) {
	f.action.KickDrift(f.next, f.pi, f.phi, a, b)
	f.phi, f.next = f.next, f.phi
}

func (f *fused) kick(a float64) { f.action.Kick(f.pi, f.phi, a) }

func (f *fused) hamiltonian() float64 { return f.action.Energy(f.pi, f.phi) }

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
