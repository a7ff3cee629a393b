package lattice

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
)

// Action is a real Euclidean action S(φ); the weight of a field is exp(-S(φ)).
//
// Implementations must be safe for concurrent use and must not retain phi. An action
// with couplings should have the method Params too, see [Params].
type Action interface {
	// Layout returns the lattice and the number of components of the fields. It must
	// not change.
	Layout() Layout
	// Value returns S(φ). phi has the size of the layout.
	Value(phi []float64) float64
	// Drift writes the stochastic-quantization drift K = -∂S/∂φ (2.5), which is
	// also the force of hybrid Monte Carlo, into dst and returns it. A nil dst is
	// allocated; otherwise dst must have the length of phi and must not overlap it.
	Drift(dst, phi []float64) []float64
}

// LocalAction is an [Action] whose change under the update of one number is cheap:
// what local Metropolis needs.
type LocalAction interface {
	Action
	// Difference returns S(φ with φ_i = v) - S(φ), where i counts the numbers of the
	// field: component i/V of site i mod V.
	Difference(phi []float64, i int, v float64) float64
}

// Params returns the couplings of an action by name: those of its method
//
//	Params() map[string]float64
//
// or nil if it has none. Files and models keep them, and refuse to be used with others.
func Params(action Action) map[string]float64 {
	if p, ok := action.(interface{ Params() map[string]float64 }); ok {
		return p.Params()
	}
	return nil
}

// Describe names an action for messages: its type, layout and couplings.
func Describe(action Action) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%T on %v", action, action.Layout())
	p := Params(action)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&s, ", %s = %v", name, p[name])
	}
	return s.String()
}

// Fingerprint identifies an action by what it is: its layout, its couplings (see
// [Params]) and the values of S on two fixed fields, the numbers rounded to nine digits
// so that machines agree. Two actions that differ in a coupling have different
// fingerprints, whether or not they tell their couplings; for those that they do not
// tell, as far as it changes nine digits of S.
func Fingerprint(action Action) string {
	l := action.Layout()
	h := fnv.New64a()
	p := Params(action)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(h, "%q %.8e ", name, p[name])
	}
	for seed := range uint64(2) {
		rng := rand.New(rand.NewPCG(seed, 0x6c617474696365))
		phi := make([]float64, l.Size())
		for i := range phi {
			phi[i] = 0.8*rng.NormFloat64() + 0.3
		}
		fmt.Fprintf(h, "%.8e ", action.Value(phi))
	}
	return fmt.Sprintf("%v %016x", l, h.Sum64())
}

// CheckField returns an error unless phi has n elements, all of them finite.
func CheckField(phi []float64, n int) error {
	if len(phi) != n {
		return fmt.Errorf("lattice: expected a field of %d numbers, got %d", n, len(phi))
	}
	if i, bad := firstNonFinite(phi); bad {
		return fmt.Errorf("lattice: expected a finite field, got %v at site %d", phi[i], i)
	}
	return nil
}

// isNil reports whether there is no action: a nil interface, or a nil pointer in one.
func isNil(action Action) bool {
	if action == nil {
		return true
	}
	v := reflect.ValueOf(action)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func grow(dst []float64, n int) []float64 {
	if dst == nil {
		return make([]float64, n)
	}
	if len(dst) != n {
		panic("lattice: destination length does not match the field")
	}
	return dst
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func firstNonFinite(x []float64) (int, bool) {
	for i, v := range x {
		if v-v != 0 { // NaN for NaN and for both infinities
			return i, true
		}
	}
	return 0, false
}
