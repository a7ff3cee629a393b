package diffusion

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Assign gives m what other has: the weights, the spectra and all else that it knows of its
// theory, such as those of another coupling, or of a later time of a training. Graphs that were
// compiled of m hold for it as before, which is what this is for; flows and samplers have a
// method SetModel that calls it. Nothing that uses m may run meanwhile. It returns an error if
// the two do not have the same graphs: if they differ in layout, symmetries, network, space,
// normalisation, or in whether there are a spectrum, a mean, an order, as many conditions, the
// same potential of a site or solution of the space.
func (m *Model) Assign(other *Model) error {
	if other == nil {
		return fmt.Errorf("diffusion: expected a model to take the place of another one, got nil")
	}
	if err := m.checkGraphs(other); err != nil {
		return err
	}
	weights, err := copyWeights(other.store, netScope)
	if err != nil {
		return err
	}
	for _, w := range weights {
		v := m.store.GetVariable(w.path)
		if v == nil || !v.Shape().Equal(w.value.Shape()) {
			return fmt.Errorf("diffusion: expected a model with the same weights, got %s of the shape %v", w.path, w.value.Shape())
		}
	}
	for _, w := range weights {
		if err := m.store.GetVariable(w.path).SetValue(w.value); err != nil {
			return fmt.Errorf("diffusion: weight %s: %w", w.path, err)
		}
	}
	return m.adopt(other)
}

// Clone returns a copy of m that changes of the one or the other, such as [Model.Assign] or a
// training, do not touch.
func (m *Model) Clone() (*Model, error) {
	weights, err := copyWeights(m.store, netScope)
	if err != nil {
		return nil, err
	}
	return m.withWeights(weights)
}

// adopt gives m all that other knows but the weights.
func (m *Model) adopt(other *Model) error {
	inputs := m.inputs
	m.gaussianPart, m.cfg = other.gaussianPart, other.cfg
	m.inputs = inputs
	return m.setInputs()
}

// checkGraphs returns an error unless the graphs of other are those of m but for the numbers
// that are their inputs.
func (m *Model) checkGraphs(other *Model) error {
	a, errA := json.Marshal(m.network.Config())
	b, errB := json.Marshal(other.network.Config())
	var what string
	switch {
	case !m.layout.Equal(other.layout):
		what = "layout"
	case errA != nil || errB != nil || m.network.Kind() != other.network.Kind() || string(a) != string(b):
		what = "network"
	case !reflect.DeepEqual(m.cfg.Symmetries, other.cfg.Symmetries):
		what = "symmetries"
	case (m.spectrum == nil) != (other.spectrum == nil) || m.shifts() != other.shifts() || (m.order > 0) != (other.order > 0):
		what = "kind of Gaussian part"
	case (m.site == nil) != (other.site == nil) || m.site != nil && (m.site.nodes != other.site.nodes || !slices.Equal(m.site.potential, other.site.potential)):
		what = "solution of a site"
	case !reflect.DeepEqual(m.space, other.space):
		what = "space"
	case !reflect.DeepEqual(m.solution, other.solution):
		what = "solution of its space"
	case len(m.cfg.Condition) != len(other.cfg.Condition):
		what = "number of conditions"
	case m.cfg.Normalization != other.cfg.Normalization || m.cfg.Unscaled != other.cfg.Unscaled:
		what = "normalisation"
	default:
		return nil
	}
	return fmt.Errorf("diffusion: expected a model with the graphs of the present one, got another %s", what)
}
