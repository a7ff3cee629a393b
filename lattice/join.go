package lattice

import (
	"fmt"
	"maps"
	"slices"
)

// Join returns the configurations of all parts, one after the other, as one ensemble of the
// action: replicas, the shares of a run, or the proposals of several processes. Extra has the
// arrays of the parts, and Params those numbers that are the same in all of them, which the
// couplings of the action are. The parts are copied. It returns an error for no part, and names
// the part that [Ensemble.Check] refuses or [Ensemble.CheckAction] as one of another lattice or
// other couplings, or that has other arrays than the first.
func Join(action Action, parts ...*Ensemble) (*Ensemble, error) {
	if len(parts) == 0 {
		return nil, fmt.Errorf("lattice: expected at least one ensemble to join, got none")
	}
	n := 0
	for i, p := range parts {
		if p == nil {
			return nil, fmt.Errorf("lattice: expected an ensemble, got nil as part %d of %d", i, len(parts))
		}
		if err := p.CheckAction(action); err != nil {
			return nil, fmt.Errorf("lattice: part %d of %d: %w", i, len(parts), err)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("lattice: part %d of %d: %w", i, len(parts), err)
		}
		if have, want := slices.Sorted(maps.Keys(p.Extra)), slices.Sorted(maps.Keys(parts[0].Extra)); !slices.Equal(have, want) {
			return nil, fmt.Errorf("lattice: part %d of %d: expected the arrays %q, got %q%s", i, len(parts), want, have, p.origin())
		}
		n += p.Len()
	}
	out := NewEnsemble(parts[0].Layout, n)
	maps.Copy(out.Params, parts[0].Params)
	for _, p := range parts {
		out.Data = append(out.Data, p.Data...)
		maps.DeleteFunc(out.Params, func(name string, v float64) bool {
			w, ok := p.Params[name]
			return !ok || w != v
		})
		for name, x := range p.Extra {
			out.Extra[name] = append(out.Extra[name], x...)
		}
	}
	return out, nil
}
