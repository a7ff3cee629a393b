package lattice

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// CheckAction returns an error unless the configurations have the layout of the action,
// none of the Params contradicts its couplings, see [Params], and the values of S that are
// stored with them as "action" in Extra, if there are any, are those of the action on the
// first configurations: to 10⁻⁶ of the size of S, or 10⁻⁵ for fields of single precision.
func (e *Ensemble) CheckAction(action Action) error {
	if err := CheckAction(action); err != nil {
		return err
	}
	if err := e.CheckLayout(action.Layout()); err != nil {
		return err
	}
	p := Params(action)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if have, ok := e.Params[name]; ok && have != p[name] {
			return fmt.Errorf("lattice: expected an ensemble of %s, got one with %s = %v%s", Describe(action), name, have, e.origin())
		}
	}
	return e.checkStored(action)
}

// checkedActions is the number of configurations whose stored action is compared.
const checkedActions = 4

func (e *Ensemble) checkStored(action Action) error {
	stored := e.Extra["action"]
	for i := range min(checkedActions, len(stored), e.Len()) {
		phi := e.Config(i)
		s := action.Value(phi)
		tolerance := 1e-6
		if singlePrecision(phi) {
			tolerance = 1e-5
		}
		// The terms of S, which may cancel, are at least of the size of φ².
		size := math.Abs(s)
		for _, v := range phi {
			size += v * v
		}
		if !(math.Abs(s-stored[i]) <= tolerance*size) {
			return fmt.Errorf("lattice: expected an ensemble of %s, whose S of configuration %d is %v, got %v stored with it%s", Describe(action), i, s, stored[i], e.origin())
		}
	}
	return nil
}

// singlePrecision reports whether all numbers are those of a float32.
func singlePrecision(phi []float64) bool {
	for _, v := range phi {
		if float64(float32(v)) != v {
			return false
		}
	}
	return true
}
