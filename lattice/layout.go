package lattice

import "fmt"

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

// Vector returns the layout of fields with n components. The layout is checked where it is
// used, see [Layout.Check].
func Vector(lat *Lattice, n int) Layout { return Layout{Lattice: lat, Components: n} }

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
	if l.Lattice == nil || m.Lattice == nil {
		return l == m
	}
	return l.Components == m.Components && l.Lattice.Equal(m.Lattice)
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

// place names where number i of a field is, for messages.
func (l Layout) place(i int) string {
	if l.Components == 1 {
		return fmt.Sprintf("site %d", i)
	}
	return fmt.Sprintf("component %d of site %d", i/l.volume, i%l.volume)
}

// Check returns an error unless there is a lattice and a number of components, and a
// field has at most 2³⁰ numbers, 2²⁸ where an int has 32 bits.
func (l Layout) Check() error {
	if err := l.check(); err != nil {
		return fmt.Errorf("lattice: %w", err)
	}
	return nil
}

func (l Layout) check() error {
	switch {
	case l.Lattice == nil:
		return fmt.Errorf("expected a layout with a lattice, got none")
	case l.Components < 1 || l.Components > MaxComponents:
		return fmt.Errorf("expected between 1 and %d components, got %d", MaxComponents, l.Components)
	case l.Lattice.volume > maxVolume/l.Components:
		return fmt.Errorf("expected at most %d numbers in a field, got %v", maxVolume, l)
	}
	return nil
}

// CheckField returns an error unless phi has the size of the layout and all its numbers
// are finite.
func (l Layout) CheckField(phi []float64) error {
	if err := l.checkField(phi); err != nil {
		return fmt.Errorf("lattice: %w", err)
	}
	return nil
}

func (l Layout) checkField(phi []float64) error {
	if len(phi) != l.Size() {
		return fmt.Errorf("expected a field of %d numbers on %v, got %d", l.Size(), l, len(phi))
	}
	if i, bad := firstNonFinite(phi); bad {
		return fmt.Errorf("expected a finite field, got %v at %s", phi[i], l.place(i))
	}
	return nil
}

// CheckAction returns an error unless there is an action whose layout makes sense. It is
// for constructors, which then can rely on [Action.Layout].
func CheckAction(action Action) error {
	if isNil(action) {
		return fmt.Errorf("lattice: expected an action, got nil")
	}
	return action.Layout().Check()
}
