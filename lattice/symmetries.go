package lattice

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Symmetries are the transformations of the field that leave an action as it is.
type Symmetries struct {
	// Sign is φ → -φ of all components at once.
	Sign bool `json:"sign"`
	// Signs[c] holds if S is invariant under φ_c → -φ_c of component c by itself, N > 1;
	// nil for one component.
	Signs []bool `json:"signs,omitempty"`
	// Translation holds if S is invariant under translations in every direction.
	Translation bool `json:"translation"`
	// Reflection holds if S is invariant under the reflection x_µ → -x_µ of every
	// direction by itself.
	Reflection bool `json:"reflection"`
	// Exchange holds if S is invariant under the exchange of every two directions of
	// equal extent; it is true where there are none.
	Exchange bool `json:"exchange"`
	// Rotation holds if S is invariant under all of O(N), N > 1: rotations of the
	// components into each other and reflections of one.
	Rotation bool `json:"rotation"`
	// Permutation holds if S is invariant under the permutations of the components, N > 1.
	Permutation bool `json:"permutation"`
}

// symmetryTolerance bounds the change of S, relative to the size of its terms, that is
// taken for rounding.
const symmetryTolerance = 1e-9

// MeasureSymmetries finds the symmetries of an action by evaluating S on random fields
// and on their images: a symmetry that does not exist shows itself in the first field,
// with probability one. It returns an error if action is nil, if its layout makes no
// sense, or if S of a random field is not finite.
func MeasureSymmetries(action Action) (Symmetries, error) {
	if err := CheckAction(action); err != nil {
		return Symmetries{}, err
	}
	l := action.Layout()
	s := Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true, Rotation: l.Components > 1, Permutation: l.Components > 1}
	if l.Components > 1 {
		s.Signs = slices.Repeat([]bool{true}, l.Components)
	}
	rng := rand.New(rand.NewPCG(1, 0x73796d6d65747279))
	phi, image := make([]float64, l.Size()), make([]float64, l.Size())
	// Fields of several sizes: a term may be invisible where another is large.
	for _, scale := range []float64{0.1, 1, 2} {
		for i := range phi {
			phi[i] = scale * (rng.NormFloat64() + 0.5)
		}
		value := action.Value(phi)
		size := math.Abs(value) + float64(l.Size())*scale*scale
		if !finite(value) {
			return Symmetries{}, fmt.Errorf("lattice: expected an action that is finite on random fields, got %v", value)
		}
		holds := func() bool {
			return math.Abs(action.Value(image)-value) <= symmetryTolerance*size
		}
		for i, v := range phi {
			image[i] = -v
		}
		s.Sign = s.Sign && holds()
		each := func(move func(dst, src []float64)) bool {
			for c := range l.Components {
				move(l.Component(image, c), l.Component(phi, c))
			}
			return holds()
		}
		for mu := range l.Dim() {
			step := make([]int, l.Dim())
			step[mu] = 1
			s.Translation = s.Translation && each(func(dst, src []float64) { l.Translate(dst, src, step...) })
			s.Reflection = s.Reflection && each(func(dst, src []float64) { l.Reflect(dst, src, mu) })
			for nu := range mu {
				if l.dims[mu] == l.dims[nu] {
					s.Exchange = s.Exchange && each(func(dst, src []float64) { l.Exchange(dst, src, mu, nu) })
				}
			}
		}
		for c := range s.Signs {
			copy(image, phi)
			for x, v := range l.Component(phi, c) {
				l.Component(image, c)[x] = -v
			}
			s.Signs[c] = s.Signs[c] && holds()
			s.Rotation = s.Rotation && s.Signs[c]
		}
		for c := 1; c < l.Components; c++ {
			angle := 2 * math.Pi * rng.Float64()
			sin, cos := math.Sincos(angle)
			rotate(l, image, phi, c-1, c, sin, cos)
			s.Rotation = s.Rotation && holds()
			// A rotation by a right angle and a reflection of one component.
			rotate(l, image, phi, c-1, c, 1, 0)
			for x, v := range l.Component(image, c-1) {
				l.Component(image, c-1)[x] = -v
			}
			s.Permutation = s.Permutation && holds()
		}
	}
	return s, nil
}

// rotate writes phi with the components a and b rotated into each other into dst:
// φ_a ← cos φ_a - sin φ_b, φ_b ← sin φ_a + cos φ_b.
func rotate(l Layout, dst, phi []float64, a, b int, sin, cos float64) {
	copy(dst, phi)
	for x := range l.volume {
		u, v := l.Component(phi, a)[x], l.Component(phi, b)[x]
		l.Component(dst, a)[x], l.Component(dst, b)[x] = cos*u-sin*v, sin*u+cos*v
	}
}
