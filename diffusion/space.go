package diffusion

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/latdiff/latdiff/diffusion/nn"
	"github.com/latdiff/latdiff/lattice"
)

// Space is the space of the fields of a theory as far as noise knows it. Fields are real numbers
// in coordinates in which noise adds, φ = φ₀ + σz with z in the directions in which it moves a
// field, and p_σ is a density in them: all numbers of a field, as in [Euclidean] space, or those
// that something conserved leaves, as for [LiftedAngles]. Different numbers may be one
// configuration, as angles modulo 2π.
//
// A model has a space ([ModelConfig]), and training, reverse process and flow ask it for what
// depends on it. A further one is a type with these methods, of which it may take those that it
// does not change from an embedded [Euclidean], and a call of [RegisterSpace]. It is a struct
// that encoding/json can marshal.
type Space interface {
	// Kind names the space, in files and messages.
	Kind() string
	// Check returns an error for the configuration of a model whose fields cannot be of the space.
	Check(cfg ModelConfig) error
	// CheckFields returns an error for an ensemble with a field that is not in the space.
	CheckFields(ens *lattice.Ensemble) error
	// Wrap replaces fields, one after the other, by those that samplers and flows return for the
	// same configurations.
	Wrap(layout lattice.Layout, fields []float64)
	// Fixed returns the modes that noise leaves alone, rising: places in the Hartley transform of
	// a field, component first.
	Fixed(layout lattice.Layout) []int
	// Tangent builds what a change x of fields, [batch, components, extents…], is in the
	// directions in which noise moves them: x without the fixed modes.
	Tangent(x *graph.Node) *graph.Node
	// Prior returns the distribution of the known part of the data of m, a model of this space,
	// with noise of level sigma.
	Prior(m ScoreModel, sigma float64) Prior
	// Measure sets Mean, Spectrum, Order and Site of m, as far as fields of this space have them,
	// for [Measure], which has set Layout, Symmetries, Theory and Space before and finds the rest.
	Measure(m *Measurement, action lattice.Action, ens *lattice.Ensemble) error
	// Average returns what a model takes of a measured power spectrum, in its layout: the average
	// over modes that are alike in this space.
	Average(spectrum []float64) []float64
}

// SolvedSpace is a [Space] that knows more of the score than that of a Gaussian.
type SolvedSpace interface {
	Space
	// Solve returns what is known for the configuration of a model with all defaults filled in,
	// nil if that is nothing. Models whose solutions are not equal ([reflect.DeepEqual]) have
	// different graphs, see [Model.Assign].
	Solve(cfg ModelConfig) (Solution, error)
}

// Solution is a score that is known.
type Solution interface {
	// Remainder builds what it adds to that of the Gaussian, -φ_k/(C_k + σ²) in the modes that
	// move, with its divergence there. phi are fields without their mean, noisy is C_k + σ² in their
	// shape, and sigma as for [ScoreModel].
	Remainder(phi, noisy, sigma *graph.Node) Remainder
}

// SpaceModel is a [ScoreModel] that tells the space of its fields.
type SpaceModel interface {
	ScoreModel
	Space() Space
}

// SpaceOf returns the space of the fields of m, [Euclidean] if it does not tell.
func SpaceOf(m ScoreModel) Space {
	if s, ok := m.(SpaceModel); ok {
		return s.Space()
	}
	return Euclidean{}
}

// registeredSpace is what [RegisterSpace] is told.
type registeredSpace struct {
	decode func(config json.RawMessage) (Space, error)
	of     func(action lattice.Action) (Space, bool)
}

var spaces = map[string]registeredSpace{}

// RegisterSpace makes a space known to [LoadModel] and [Measure]: of says whether the fields of
// an action are of this space, and of which one with its parameters; nil: of none, and a
// [ModelConfig] has to name it. Packages call it from init. It panics if the kind is taken.
func RegisterSpace[S Space](of func(action lattice.Action) (S, bool)) {
	var zero S
	kind := zero.Kind()
	if _, ok := spaces[kind]; ok {
		panic("diffusion: space registered twice: " + kind)
	}
	r := registeredSpace{
		decode: func(config json.RawMessage) (Space, error) {
			var s S
			err := json.Unmarshal(config, &s)
			return s, err
		},
		of: func(lattice.Action) (Space, bool) { return nil, false },
	}
	if of != nil {
		r.of = func(action lattice.Action) (Space, bool) { return of(action) }
	}
	spaces[kind] = r
}

// spaceOfAction returns the space of the fields of an action.
func spaceOfAction(action lattice.Action) (Space, error) {
	var found Space
	for _, kind := range slices.Sorted(maps.Keys(spaces)) {
		s, ok := spaces[kind].of(action)
		if ok && found != nil {
			return nil, fmt.Errorf("diffusion: expected an action of fields of one space, got %s, which %q and %q claim", lattice.Describe(action), found.Kind(), kind)
		}
		if ok {
			found = s
		}
	}
	if found == nil {
		return Euclidean{}, nil
	}
	return found, nil
}

// moved returns where a step from x to y ends: with the fixed modes of x.
func moved(m ScoreModel, x, y *graph.Node) *graph.Node {
	s := SpaceOf(m)
	if len(s.Fixed(m.Layout())) == 0 {
		return y
	}
	return graph.Add(x, s.Tangent(graph.Sub(y, x)))
}

// SumModes sums numbers per mode, [batch, components, extents…], over those that noise moves in a
// space: [batch].
func SumModes(s Space, layout lattice.Layout, x *graph.Node) *graph.Node {
	fixed := s.Fixed(layout)
	if len(fixed) == 0 {
		return nn.SumSites(x)
	}
	batch, from := x.Shape().Dimensions[0], 0
	flat := graph.Reshape(x, batch, layout.Size())
	var runs []*graph.Node
	for _, k := range append(slices.Clone(fixed), layout.Size()) {
		if k > from {
			runs = append(runs, graph.SliceAxis(flat, 1, graph.AxisRange(from, k)))
		}
		from = k + 1
	}
	modes := graph.Concatenate(runs, 1)
	// The first term of the sum times their number, and the sum of the differences from it, which
	// vanish for a white spectrum: in single precision a sum of V equal numbers is off by more
	// than log q may be.
	n := modes.Shape().Dimensions[1]
	first := graph.SliceAxis(modes, 1, graph.AxisRange(0, 1))
	rest := graph.ReduceSum(graph.Sub(modes, graph.BroadcastToDims(first, batch, n)), 1)
	return graph.Add(rest, graph.MulScalar(graph.Reshape(first, batch), float64(n)))
}
