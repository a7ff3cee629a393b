package main

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// A clock that has jumped beyond the time to measure leaves a time of a step.
func TestStepTime(t *testing.T) {
	o, err := parse(tiny(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDMMC(o)
	if err != nil {
		t.Fatal(err)
	}
	d.o.clock = 0
	ens := lattice.NewEnsemble(d.Action().Layout(), 1)
	ens.Append(make([]float64, d.Action().Layout().Size()))
	seconds, err := d.stepTime(t.Context(), ens, func(int) (mcmc.Kernel, error) { return mcmc.Recommended(d.Action()) })
	if err != nil || !(seconds > 0) || math.IsInf(seconds, 1) {
		t.Errorf("a step took %v s: %v", seconds, err)
	}
}
