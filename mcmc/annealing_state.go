package mcmc

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/lattice"
)

const annealingMagic = "latdiff annealing 1\n"

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

// save writes the state to the checkpoint, if there is one.
func (a *annealing) save() error {
	if a.Checkpoint == "" {
		return nil
	}
	start, err := a.at(a.path.From)
	if err != nil {
		return err
	}
	err = a.timer.Save(func() error {
		return atomicfile.Write(a.Checkpoint, func(w io.Writer) error { return a.write(w, a.fingerprint(start)) })
	})
	if err != nil {
		return fmt.Errorf("mcmc: annealing: checkpoint: %w", err)
	}
	return nil
}

func (a *annealing) write(w io.Writer, fingerprint string) error {
	e := &stateWriter{w: w, sum: crc32.NewIEEE()}
	e.write([]byte(annealingMagic))
	e.bytes([]byte(fingerprint))
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
	e.uints(uint64(e.sum.Sum32()))
	return e.err
}

// restore reads the checkpoint, if there is one, and tells whether it has.
func (a *annealing) restore(start lattice.Action) (bool, error) {
	if a.Checkpoint == "" {
		return false, nil
	}
	f, err := os.Open(a.Checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		defer f.Close()
		err = a.read(bufio.NewReaderSize(f, 1<<18), a.fingerprint(start))
	}
	if err != nil {
		return false, fmt.Errorf("mcmc: annealing: checkpoint %s: %w", a.Checkpoint, err)
	}
	return true, nil
}

// read reads what write wrote. After an error the run must not go on.
func (a *annealing) read(r io.Reader, fingerprint string) error {
	d := &stateReader{r: r, sum: crc32.NewIEEE()}
	magic := make([]byte, len(annealingMagic))
	d.read(magic)
	if d.err != nil || string(magic) != annealingMagic {
		return errors.New("expected the state of an annealing, got data without its header")
	}
	if have := string(d.bytes()); d.err == nil && have != fingerprint {
		return fmt.Errorf("expected the state of the annealing %s, got that of %s", fingerprint, have)
	}
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
	sum := d.sum.Sum32()
	if got := d.uint(); d.err == nil && got != uint64(sum) {
		d.err = fmt.Errorf("expected checksum %08x, got %08x", got, sum)
	}
	if d.err != nil {
		return d.err
	}
	if len(head) != 3 || len(rungs) == 0 || len(rungs)%rungSize != 0 || len(data) != size || len(logw) != a.N || len(moved) != a.N || len(accepted) != a.N ||
		len(action) != a.N && len(action) != 0 {
		return errors.New("expected the numbers of a run that was saved, got others")
	}
	if n, _ := io.ReadFull(r, magic[:1]); n != 0 {
		return errors.New("expected no more bytes after the state")
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
