package lattice

import (
	"fmt"
	"slices"
)

// MaxComponents bounds the number of components of a field.
const MaxComponents = 1 << 10

// Layout says how a field is stored: Components numbers per site of a lattice, the
// component as the outermost index. Component c of site x is element c·V + x of the
// field, so that each component is a scalar field in the layout of the lattice. The
// methods of the lattice are those of the layout; Volume is the number of sites and
// [Layout.Size] that of the numbers.
type Layout struct {
	*Lattice
	// Components is the number of components: 1 for a scalar, N for O(N) vectors.
	Components int
}

// Scalar returns the layout of fields with one component.
func Scalar(lat *Lattice) Layout { return Layout{Lattice: lat, Components: 1} }

// Size returns the number of numbers that make a field, Components·V.
func (l Layout) Size() int { return l.Components * l.Lattice.volume }

// Component returns component c of a field, which shares its memory.
func (l Layout) Component(phi []float64, c int) []float64 {
	v := l.Lattice.volume
	return phi[c*v : (c+1)*v : (c+1)*v]
}

// Shape returns the shape of a field as an array: the extents and, unless there is a
// single component, the number of components before them.
func (l Layout) Shape() []int {
	if l.Components == 1 {
		return l.Lattice.Dims()
	}
	return append([]int{l.Components}, l.Lattice.dims...)
}

// Equal reports whether both layouts have the same lattice and number of components.
func (l Layout) Equal(m Layout) bool {
	return l.Components == m.Components && slices.Equal(l.Lattice.dims, m.Lattice.dims)
}

// String returns the extents, as "32x32", and the number of components if it is not 1,
// as "32x32 (2 components)".
func (l Layout) String() string {
	if l.Lattice == nil {
		return "no lattice"
	}
	if l.Components == 1 {
		return l.Lattice.String()
	}
	return fmt.Sprintf("%v (%d components)", l.Lattice, l.Components)
}

// Check returns an error unless there is a lattice and a number of components, and a
// field has at most 2³⁰ numbers.
func (l Layout) Check() error {
	switch {
	case l.Lattice == nil:
		return fmt.Errorf("lattice: expected a layout with a lattice, got none")
	case l.Components < 1 || l.Components > MaxComponents:
		return fmt.Errorf("lattice: expected between 1 and %d components, got %d", MaxComponents, l.Components)
	case l.Lattice.volume > maxVolume/l.Components:
		return fmt.Errorf("lattice: expected at most %d numbers in a field, got %v", maxVolume, l)
	}
	return nil
}

// CheckField returns an error unless phi has the size of the layout and all its numbers
// are finite.
func (l Layout) CheckField(phi []float64) error {
	v := l.Lattice.volume
	if len(phi) != l.Size() {
		return fmt.Errorf("lattice: expected a field of %d numbers on %v, got %d", l.Size(), l, len(phi))
	}
	i, bad := firstNonFinite(phi)
	switch {
	case !bad:
		return nil
	case l.Components == 1:
		return fmt.Errorf("lattice: expected a finite field, got %v at site %d", phi[i], i)
	}
	return fmt.Errorf("lattice: expected a finite field, got %v for component %d at site %d", phi[i], i/v, i%v)
}

// CheckAction returns an error unless there is an action whose layout makes sense. It is
// for constructors, which then can rely on [Action.Layout].
func CheckAction(action Action) error {
	if isNil(action) {
		return fmt.Errorf("lattice: expected an action, got nil")
	}
	return action.Layout().Check()
}
