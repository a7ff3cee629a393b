package main

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/toymodel"
)

// negligible is S - min S at the ends of the interval.
const negligible = 40

// density is e^{-S}/Z of a toy potential between the points ±reach, beyond which it is
// negligible.
type density struct {
	*toymodel.Density
	reach float64
	phi2  float64 // ⟨φ²⟩
}

func newDensity(action *lattice.Toy) (*density, error) {
	d, err := toymodel.New(action)
	if err != nil {
		return nil, err
	}
	return &density{Density: d, reach: d.Range(negligible), phi2: d.Moment(2)}, nil
}

// at returns the density at x.
func (d *density) at(x float64) float64 { return math.Exp(-d.Action().Value([]float64{x}) - d.LogZ()) }
