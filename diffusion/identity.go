package diffusion

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latdiff/latdiff/lattice"
)

// Identity tells which action a model was made for.
type Identity struct {
	// Params are the couplings of the action by name, see [lattice.Params].
	Params map[string]float64 `json:"params,omitempty"`
	// Fingerprint is that of the action, see [lattice.Fingerprint]; it decides.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Identify returns the identity of an action.
func Identify(action lattice.Action) Identity {
	return Identity{Params: lattice.Params(action), Fingerprint: lattice.Fingerprint(action)}
}

// String lists the couplings.
func (i Identity) String() string {
	if len(i.Params) == 0 {
		return "another action, whose couplings are unknown since it had no method Params"
	}
	var s []string
	for _, name := range slices.Sorted(maps.Keys(i.Params)) {
		s = append(s, fmt.Sprintf("%s = %v", name, i.Params[name]))
	}
	return strings.Join(s, ", ")
}

// CheckAction returns an error if the model is for fields of another layout than those of
// action, or was made for another action. A model that does not know its theory fits any
// action of the layout.
func (m *Model) CheckAction(action lattice.Action) error {
	if err := lattice.CheckAction(action); err != nil {
		return fmt.Errorf("diffusion: %w", err)
	}
	if err := m.CheckLayout(action.Layout()); err != nil {
		return err
	}
	if m.cfg.Theory.Fingerprint == "" {
		return nil
	}
	if err := Identify(action).check(m.cfg.Theory); err != nil {
		return fmt.Errorf("diffusion: %s: %w", lattice.Describe(action), err)
	}
	return nil
}

// check returns an error unless a model of got fits the action that i identifies.
func (i Identity) check(got Identity) error {
	switch {
	case i.Fingerprint == got.Fingerprint:
		return nil
	case len(i.Params) > 0 && maps.Equal(i.Params, got.Params):
		return fmt.Errorf("expected a model for %v, got one for an action of the same couplings and other values of S (another kind of action, or another definition of it)", i)
	}
	return fmt.Errorf("expected a model for %v, got one for %v", i, got)
}
