package mcmc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// InternalSymmetry applies a random symmetry of the components of a field to all its sites:
// with O(N) the reflection φ → φ - 2(φ·r)r along a random direction r, otherwise a random
// permutation of the components, if S has them, and then φ_c → -φ_c with probability 1/2
// for each component whose sign S does not see. It leaves exp(-S) invariant and changes
// nothing else: in a broken phase it makes a chain of small steps reach all equivalent
// directions of the magnetisation, see [Cycle], as [SignFlip] does for one component.
type InternalSymmetry struct {
	layout                lattice.Layout
	rotation, permutation bool
	signs                 []bool

	direction []float64
	order     []int
	image     []float64
}

var _ Kernel = (*InternalSymmetry)(nil)

// NewInternalSymmetry returns the kernel of action, with the symmetries that
// [lattice.MeasureSymmetries] finds. It returns the errors of that function, and one if the
// components have no symmetry, as a single one.
func NewInternalSymmetry(action lattice.Action) (*InternalSymmetry, error) {
	s, err := lattice.MeasureSymmetries(action)
	if err != nil {
		return nil, fmt.Errorf("mcmc: internal symmetry: %w", err)
	}
	k := newInternalSymmetry(action.Layout(), s)
	if k == nil {
		return nil, fmt.Errorf("mcmc: expected several components with a symmetry among them, got %s", lattice.Describe(action))
	}
	return k, nil
}

// newInternalSymmetry returns nil if there is no symmetry.
func newInternalSymmetry(l lattice.Layout, s lattice.Symmetries) *InternalSymmetry {
	if !s.Rotation && !s.Permutation && !slices.Contains(s.Signs, true) {
		return nil
	}
	return &InternalSymmetry{
		layout: l, rotation: s.Rotation, permutation: s.Permutation, signs: s.Signs,
		direction: make([]float64, l.Components), order: make([]int, l.Components), image: make([]float64, l.Size()),
	}
}

// Step applies one symmetry; Info.Accepted tells whether it was another than the identity.
// It returns an error if phi does not have the size of the layout.
func (k *InternalSymmetry) Step(_ context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if len(phi) != k.layout.Size() {
		return Info{}, fmt.Errorf("mcmc: expected a field of %d numbers, got %d", k.layout.Size(), len(phi))
	}
	info := Info{AcceptProb: 1}
	if k.rotation {
		k.reflect(rng, phi)
		info.Accepted = true
		return info, nil
	}
	if k.permutation {
		info.Accepted = k.permute(rng, phi)
	}
	for c, even := range k.signs {
		if !even || rng.Uint64()>>63 == 0 {
			continue
		}
		info.Accepted = true
		for x, v := range k.layout.Component(phi, c) {
			phi[c*k.layout.Volume()+x] = -v
		}
	}
	return info, nil
}

func (k *InternalSymmetry) reflect(rng *rand.Rand, phi []float64) {
	randomDirection(rng, k.direction)
	v := k.layout.Volume()
	for x := range v {
		along := 0.0
		for c, r := range k.direction {
			along += r * phi[c*v+x]
		}
		for c, r := range k.direction {
			phi[c*v+x] -= 2 * along * r
		}
	}
}

// permute reports whether the order of the components changed.
func (k *InternalSymmetry) permute(rng *rand.Rand, phi []float64) (changed bool) {
	for c := range k.order {
		k.order[c] = c
	}
	rng.Shuffle(len(k.order), func(i, j int) { k.order[i], k.order[j] = k.order[j], k.order[i] })
	copy(k.image, phi)
	for c, from := range k.order {
		copy(k.layout.Component(phi, c), k.layout.Component(k.image, from))
		changed = changed || c != from
	}
	return changed
}
