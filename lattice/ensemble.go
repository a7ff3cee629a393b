package lattice

import (
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Ensemble is a set of N configurations of one layout, in memory. The zero value
// is not usable; see [NewEnsemble].
type Ensemble struct {
	// Layout is that of every configuration.
	Layout
	// Data holds the configurations one after the other, N times the size of the
	// layout.
	Data []float64
	// Params are the parameters that the ensemble was made with and the numbers that
	// describe it as a whole, such as kappa, lambda and acc_rate.
	Params map[string]float64
	// Extra holds further numbers per configuration, such as logq or action; every
	// slice has N elements.
	Extra map[string][]float64

	file string // that it was read from, for messages; may be empty
}

// NewEnsemble returns an empty ensemble of the layout with room for n configurations.
func NewEnsemble(layout Layout, n int) *Ensemble {
	return &Ensemble{
		Layout: layout,
		Data:   make([]float64, 0, n*layout.Size()),
		Params: make(map[string]float64),
		Extra:  make(map[string][]float64),
	}
}

// Len returns the number N of configurations.
func (e *Ensemble) Len() int { return len(e.Data) / e.Size() }

// Config returns configuration i, 0 ≤ i < Len. It shares memory with the ensemble.
func (e *Ensemble) Config(i int) []float64 {
	v := e.Size()
	return e.Data[i*v : (i+1)*v : (i+1)*v]
}

// Append adds a copy of phi. It panics if phi does not have the size of the layout.
func (e *Ensemble) Append(phi []float64) {
	if len(phi) != e.Size() {
		panic("lattice: field length does not match the layout")
	}
	e.Data = append(e.Data, phi...)
}

// All iterates over the index and the field of every configuration. The fields
// share memory with the ensemble.
func (e *Ensemble) All() iter.Seq2[int, []float64] {
	return func(yield func(int, []float64) bool) {
		for i := range e.Len() {
			if !yield(i, e.Config(i)) {
				return
			}
		}
	}
}

// Slice returns configurations i ≤ n < j as an ensemble that shares memory with e,
// including Params. It panics unless 0 ≤ i ≤ j ≤ Len.
func (e *Ensemble) Slice(i, j int) *Ensemble {
	if i < 0 || i > j || j > e.Len() {
		panic("lattice: slice of configurations out of range")
	}
	v := e.Size()
	s := &Ensemble{Layout: e.Layout, Data: e.Data[i*v : j*v : j*v], Params: e.Params, Extra: make(map[string][]float64), file: e.file}
	for key, x := range e.Extra {
		s.Extra[key] = x[i:j:j]
	}
	return s
}

// As returns the same numbers as configurations of another layout, which must have the
// same shape as an array: (2, 16, 16) is a lattice of three dimensions, or two components
// on 16x16, and an array without further words is read as the former. A single component
// may have a dimension of its own, as it has in PyTorch: (1, 16, 16) is also a scalar on
// 16x16. The result shares memory with e. It returns an error if the shapes differ.
func (e *Ensemble) As(layout Layout) (*Ensemble, error) {
	if err := layout.Check(); err != nil {
		return nil, err
	}
	from, to := e.Shape(), layout.Shape()
	if !slices.Equal(from, to) && !slices.Equal(from, withComponents(layout)) && !slices.Equal(withComponents(e.Layout), to) {
		return nil, fmt.Errorf("lattice: expected fields of shape %v for %v, got %v%s", to, layout, from, e.origin())
	}
	return &Ensemble{Layout: layout, Data: e.Data, Params: e.Params, Extra: e.Extra, file: e.file}, nil
}

// withComponents is the shape of a field with the number of components, even if it is 1.
func withComponents(l Layout) []int { return append([]int{l.Components}, l.Lattice.dims...) }

// origin says where the ensemble is from, as a part of a message.
func (e *Ensemble) origin() string {
	if e.file == "" {
		return ""
	}
	return " in " + e.file
}

// Measure writes f of every configuration, in order, into dst and returns it. A nil
// dst is allocated; otherwise its length must be Len.
func (e *Ensemble) Measure(dst []float64, f func(phi []float64) float64) []float64 {
	dst = grow(dst, e.Len())
	for i := range dst {
		dst[i] = f(e.Config(i))
	}
	return dst
}

// Check returns an error unless the ensemble is consistent and can be stored: at
// least one configuration, a whole number of them, as many elements in every slice
// of Extra, only finite numbers, and names that are fit for the members of a file: relative
// paths with slashes but without other punctuation of paths (\ and :) and control
// characters, not "cfgs" or "components", none in both Params and Extra.
func (e *Ensemble) Check() error {
	if err := e.check(); err != nil {
		return fmt.Errorf("lattice: %w%s", err, e.origin())
	}
	return nil
}

func (e *Ensemble) check() error {
	v := e.Size()
	switch {
	case len(e.Data) == 0:
		return fmt.Errorf("expected an ensemble with at least one configuration, got none")
	case len(e.Data)%v != 0:
		return fmt.Errorf("expected a whole number of configurations of %d numbers, got %d numbers", v, len(e.Data))
	}
	if i, ok := firstNonFinite(e.Data); ok {
		return fmt.Errorf("expected finite fields, got %v at %s of configuration %d", e.Data[i], e.place(i%v), i/v)
	}
	return checkBeside(e.Len(), e.Params, e.Extra)
}

// CheckLayout returns an error unless the configurations have the given layout.
func (e *Ensemble) CheckLayout(layout Layout) error {
	if !e.Layout.Equal(layout) {
		return fmt.Errorf("lattice: expected an ensemble on %v, got one on %v%s", layout, e.Layout, e.origin())
	}
	return nil
}

// Phi4 returns the action (4.2) of the ensemble, with the parameters "kappa" and
// "lambda" of Params. It returns an error if one is missing, if there are several
// components, or as [NewPhi4] does.
func (e *Ensemble) Phi4() (*Phi4, error) {
	kappa, ok := e.Params["kappa"]
	lambda, ok2 := e.Params["lambda"]
	if !ok || !ok2 {
		return nil, fmt.Errorf("lattice: expected the parameters kappa and lambda, got %q%s", slices.Sorted(maps.Keys(e.Params)), e.origin())
	}
	if e.Components != 1 {
		return nil, fmt.Errorf("lattice: expected fields of one component for φ⁴, got %v%s", e.Layout, e.origin())
	}
	a, err := NewPhi4(e.Lattice, kappa, lambda)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, e.origin())
	}
	return a, nil
}

// checkBeside checks what is stored beside n configurations.
func checkBeside(n int, params map[string]float64, extra map[string][]float64) error {
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if !validName(key) {
			return fmt.Errorf("expected a parameter name fit for a file member, got %q", key)
		}
		if v := params[key]; !finite(v) {
			return fmt.Errorf("expected a finite parameter %q, got %v", key, v)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(extra)) {
		x := extra[key]
		_, twice := params[key]
		switch {
		case !validName(key):
			return fmt.Errorf("expected an array name fit for a file member, got %q", key)
		case twice:
			return fmt.Errorf("expected distinct names, got %q for a parameter and an array", key)
		case len(x) != n:
			return fmt.Errorf("expected %d elements in %q, one per configuration, got %d", n, key, len(x))
		}
		if i, ok := firstNonFinite(x); ok {
			return fmt.Errorf("expected finite numbers in %q, got %v for configuration %d", key, x[i], i)
		}
	}
	return nil
}

func validName(key string) bool {
	return key != "." && len(key) < 1<<10 && key != cfgsKey && key != componentsKey && fs.ValidPath(key) &&
		!strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || strings.ContainsRune("\\:\x7f\uFFFD", r) })
}
