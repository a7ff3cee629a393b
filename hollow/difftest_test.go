package hollow_test

import (
	"fmt"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// symmetric returns the symmetries of a theory of one component without a flaw.
func symmetric() lattice.Symmetries {
	return lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true}
}

// The network passes the tests of every network for theories of all kinds, with exact
// divergences for lattices that the kernels reach around, and it has the symmetries of the
// theory, and no others.
func TestNetwork(t *testing.T) {
	scalar, uneven, anisotropic := symmetric(), symmetric(), symmetric()
	uneven.Sign = false
	anisotropic.Exchange = false
	vector, permuted, pair := symmetric(), symmetric(), symmetric()
	vector.Rotation, vector.Permutation = true, true
	permuted.Permutation = true
	// Weights of their own: components are alike for the data alone.
	separate := symmetric()
	shifted := uneven
	for _, c := range []struct {
		name       string
		dims       []int
		components int
		order      float64
		symmetries *lattice.Symmetries
		keeps      *lattice.Symmetries
		other      []int
		local      bool
		parts      hollow.Config
	}{
		{"one dimension", []int{6}, 1, 0, &scalar, nil, []int{9}, true, hollow.Config{}},
		{"square", []int{4, 4}, 1, 0, &scalar, nil, []int{6, 6}, false, hollow.Config{}},
		{"unknown", []int{4, 4}, 1, 0, nil, &scalar, []int{6, 5}, false, hollow.Config{}},
		{"rectangle", []int{4, 6}, 1, 0, &scalar, nil, nil, false, hollow.Config{}},
		{"three dimensions", []int{3, 1, 2}, 1, 0, &scalar, nil, nil, false, hollow.Config{}},
		{"ordered", []int{4, 4}, 1, 3, &scalar, nil, nil, false, hollow.Config{}},
		{"ordered line", []int{6}, 1, 3, &scalar, nil, nil, true, hollow.Config{}},
		{"not even", []int{4, 4}, 1, 0, &uneven, nil, []int{6, 6}, false, hollow.Config{}},
		{"anisotropic", []int{5, 5}, 1, 0, &anisotropic, nil, []int{4, 6}, false, hollow.Config{}},
		{"anisotropic, three directions", []int{3, 3, 3}, 1, 0, &anisotropic, nil, nil, false, hollow.Config{}},
		{"O(2)", []int{4, 4}, 2, 0, &vector, nil, []int{6, 4}, false, hollow.Config{}},
		{"O(3)", []int{3, 4}, 3, 0, &vector, nil, nil, true, hollow.Config{}},
		{"two fields", []int{4, 4}, 2, 0, &pair, nil, []int{5, 5}, false, hollow.Config{}},
		{"two fields, alike", []int{4, 4}, 2, 0, &permuted, &separate, nil, false, hollow.Config{}},
		{"two fields, not even", []int{4, 3}, 2, 0, &shifted, nil, nil, true, hollow.Config{}},
		{"edges", []int{4, 4}, 1, 0, &scalar, nil, []int{6, 6}, false, hollow.Config{Edges: 3}},
		{"edges, three directions", []int{3, 1, 2}, 1, 0, &anisotropic, nil, nil, true, hollow.Config{Edges: 2}},
		{"edges, O(2)", []int{4, 3}, 2, 0, &vector, nil, nil, false, hollow.Config{Edges: 2}},
		{"edges, two fields, not even", []int{4, 2}, 2, 0, &shifted, nil, nil, false, hollow.Config{Edges: 2}},
		{"gradients", []int{4, 6}, 1, 0, &scalar, nil, []int{6, 6}, false, hollow.Config{Gradients: 3}},
		{"gradients, three directions", []int{3, 1, 2}, 1, 0, &anisotropic, nil, nil, true, hollow.Config{Gradients: 2}},
		{"gradients, ordered", []int{4, 4}, 1, 3, &scalar, nil, nil, false, hollow.Config{Gradients: 2}},
		{"gradients, not even", []int{4, 3}, 1, 0, &uneven, nil, nil, false, hollow.Config{Gradients: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := small
			cfg.Local, cfg.Edges, cfg.Gradients = c.local, c.parts.Edges, c.parts.Gradients
			check := difftest.Config{
				Layout:     lattice.Layout{Lattice: must(lattice.New(c.dims...)), Components: c.components},
				Symmetries: c.symmetries, Keeps: c.keeps, Order: c.order, Gain: 0.4,
			}
			if c.other != nil {
				check.Other = must(lattice.New(c.other...))
			}
			difftest.TestNetwork(t, backendtest.Open(), must(hollow.New(cfg)), check)
		})
	}
}

// A network refuses what the symmetries of an action do not allow, and says so.
func TestAdapt(t *testing.T) {
	scalar, uneven, anisotropic, vector := symmetric(), symmetric(), symmetric(), symmetric()
	uneven.Sign, anisotropic.Exchange = false, false
	vector.Rotation, vector.Permutation = true, true
	line := symmetric()
	line.Translation = false
	for _, c := range []struct {
		cfg        hollow.Config
		dims       []int
		components int
		symmetries *lattice.Symmetries
		want       string // the error, or the choices
	}{
		{hollow.Config{}, []int{4, 4}, 1, nil, "odd separate [0 0]"},
		{hollow.Config{}, []int{4, 6, 4}, 1, &scalar, "odd separate [0 1 0]"},
		{hollow.Config{}, []int{4, 4, 4}, 1, &anisotropic, "odd separate [0 1 2]"},
		{hollow.Config{}, []int{4, 4}, 1, &uneven, "none separate [0 0]"},
		{hollow.Config{}, []int{4, 4}, 3, &vector, "odd vector [0 0]"},
		{hollow.Config{}, []int{4, 4}, 3, &scalar, "odd separate [0 0]"},
		{hollow.Config{}, []int{4, 4}, 3, nil, "odd separate [0 0]"},
		{hollow.Config{Components: hollow.Vector}, []int{4, 4}, 3, nil, "odd vector [0 0]"},
		{hollow.Config{Components: hollow.Separate}, []int{4, 4}, 3, &vector, "odd separate [0 0]"},
		{hollow.Config{Components: hollow.Vector}, []int{4, 4}, 1, &uneven, "none separate [0 0]"},
		{hollow.Config{Parity: diffusion.NoParity}, []int{4, 4}, 2, &vector, "none separate [0 0]"},
		{hollow.Config{Directions: []int{0, 1, 1}}, []int{4, 4, 4}, 1, &anisotropic, "odd separate [0 1 1]"},
		{hollow.Config{}, []int{1, 1}, 1, nil, "hollow: expected a lattice of more than one site, got 1x1"},
		{hollow.Config{}, []int{4, 4}, 1, &line, "hollow: expected an action that is invariant under translations and reflections, got one that is not"},
		{hollow.Config{Parity: diffusion.Odd}, []int{4, 4}, 1, &uneven, `hollow: expected an action with the symmetry φ → -φ for a network that is odd in the field, got one without: leave its Parity open, or set it to "none"`},
		{hollow.Config{Components: hollow.Vector}, []int{4, 4}, 2, &scalar, `hollow: expected an action that is invariant under rotations of the components for a network that is, got one that is not: leave Components open, or set it to "separate"`},
		{hollow.Config{Components: hollow.Vector, Parity: diffusion.NoParity}, []int{4, 4}, 2, nil, `hollow: expected an odd network for a vector, got the parity "none": -1 is one of its rotations`},
		{hollow.Config{Directions: []int{0, 0}}, []int{4, 4}, 1, &anisotropic, "hollow: expected directions of different classes for an action that is not invariant under their exchange, got [0 0]"},
		{hollow.Config{Directions: []int{0, 0}}, []int{4, 4, 4}, 1, nil, "hollow: expected a class for each direction of 4x4x4, got [0 0]"},
	} {
		theory := diffusion.Theory{Layout: lattice.Layout{Lattice: must(lattice.New(c.dims...)), Components: c.components}, Symmetries: c.symmetries}
		adapted, err := must(hollow.New(c.cfg)).Adapt(theory)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			cfg := adapted.Config().(hollow.Config)
			got = fmt.Sprint(cfg.Parity, " ", cfg.Components, " ", cfg.Directions)
		}
		if got != c.want {
			t.Errorf("%+v on %v: got %q, want %q", c.cfg, theory.Layout, got, c.want)
		}
	}
}
