package mcmc

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// fingerprint describes the run, with the action at its start.
func (a *annealing) fingerprint(action lattice.Action) string {
	h := sha256.New()
	if a.Start != nil {
		for _, x := range [][]float64{a.Start.Data, a.LogQ} {
			for _, v := range x {
				h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
			}
		}
	}
	return fmt.Sprintf("(N %d, populations %d, thermalisation %d, ladder %v, keep %v, steps %d, resample %v, seed %d, path from %v at log Z %v to %v, action %s [%s], start %x)",
		a.N, a.Populations, a.Thermalisation, a.Ladder, a.Keep, a.Steps, a.Resample, a.Seed, a.path.From, a.path.LogZ, a.path.To,
		lattice.Describe(action), lattice.Fingerprint(action), h.Sum(nil))
}

// write writes the state.
func (a *annealing) write(e *stateWriter) error {
	moving := 0.0
	if a.moving {
		moving = 1
	}
	e.floats([]float64{a.t, a.length, moving})
	e.floats(rungFloats(append(a.rungs[:len(a.rungs):len(a.rungs)], a.rung)))
	moved := make([]float64, a.N)
	for i, ok := range a.moved {
		if ok {
			moved[i] = 1
		}
	}
	for _, x := range [][]float64{a.ens.Data, a.logw, a.action, moved, a.accepted} {
		e.floats(x)
	}
	for _, p := range a.pcgs {
		b, err := p.MarshalBinary()
		if err != nil {
			return err
		}
		e.bytes(b)
	}
	return nil
}

// read reads what write wrote. After an error the run must not go on.
func (a *annealing) read(d *stateReader) error {
	head := d.floats(nil, 3)
	rungs := d.floats(nil, math.MaxInt)
	size := len(a.ens.Data)
	data, logw, action := d.floats(nil, size), d.floats(nil, a.N), d.floats(nil, a.N)
	moved, accepted := d.floats(nil, a.N), d.floats(nil, a.N)
	for i := range a.pcgs {
		state := d.bytes()
		var p rand.PCG
		if d.err == nil {
			d.err = p.UnmarshalBinary(state)
		}
		*a.pcgs[i] = p
	}
	if d.err != nil {
		return d.err
	}
	if len(head) != 3 || len(rungs) == 0 || len(rungs)%rungSize != 0 || len(data) != size || len(logw) != a.N || len(moved) != a.N || len(accepted) != a.N ||
		len(action) != a.N && len(action) != 0 {
		return errNoState
	}
	if way := (head[0] - a.path.From) / (a.path.To - a.path.From); !(way >= 0 && way <= 1) && head[0] != a.path.From || !(head[1] > 0) {
		return fmt.Errorf("expected a place on the path from %v to %v, got %v with steps of %v", a.path.From, a.path.To, head[0], head[1])
	}
	for _, x := range [][]float64{data, logw, action, accepted} {
		if err := lattice.CheckField(x, len(x)); err != nil {
			return err
		}
	}
	if len(action) == 0 && head[2] == 0 {
		return errors.New("expected the actions of configurations that are in place, got none")
	}
	a.t, a.length, a.moving = head[0], head[1], head[2] != 0
	all := rungsFrom(rungs)
	a.rungs, a.rung = all[:len(all)-1], all[len(all)-1]
	if len(a.rungs) == 0 {
		a.rungs = nil
	}
	if !a.onLadder() {
		return fmt.Errorf("expected a rung of the ladder %v, got %v after %d", a.Ladder, a.t, len(a.rungs))
	}
	copy(a.ens.Data, data)
	a.logw, a.accepted = logw, accepted
	if len(action) > 0 {
		a.action = action
	}
	for i, x := range moved {
		a.moved[i] = x != 0
	}
	return nil
}

// onLadder tells whether the place on the path is that of the last rung, where the ladder is
// given.
func (a *annealing) onLadder() bool {
	made := len(a.rungs)
	if a.moving && a.rung != (Rung{}) {
		made++
	}
	switch {
	case a.Ladder == nil:
		return true
	case made == 0:
		return a.t == a.path.From
	}
	return made <= len(a.Ladder) && a.t == a.Ladder[made-1]
}

// rungSize is the number of numbers of a rung.
const rungSize = 6

func rungFloats(rungs []Rung) (x []float64) {
	for _, r := range rungs {
		x = append(x, r.T, r.ESS, r.Acceptance, float64(r.Resampled), r.LogZ.Value, r.LogZ.Error)
	}
	return x
}

func rungsFrom(x []float64) []Rung {
	rungs := make([]Rung, len(x)/rungSize)
	for i := range rungs {
		y := x[i*rungSize:]
		rungs[i] = Rung{T: y[0], ESS: y[1], Acceptance: y[2], Resampled: int(y[3])}
		rungs[i].LogZ.Value, rungs[i].LogZ.Error = y[4], y[5]
	}
	return rungs
}
