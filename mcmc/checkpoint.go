package mcmc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

const generatorMagic = "latdiff generator 3\n"

// Save writes the state of the run to w: all chains, with their configurations and
// series. It takes memory for one chain. Restore reads it.
func (g *Generator) Save(w io.Writer) error {
	e := &stateWriter{w: w, sum: crc32.NewIEEE()}
	e.write([]byte(generatorMagic))
	e.bytes([]byte(g.fingerprint()))
	e.uints(uint64(g.thin), uint64(g.pilotSteps), uint64(g.done))
	e.floats(g.pilot.floats())
	e.floats(g.rounds)
	for _, c := range g.workers {
		state, err := c.chain.MarshalBinary()
		if err != nil {
			return err
		}
		e.bytes(state)
		unborn := uint64(0)
		if c.unborn {
			unborn = 1
		}
		e.uints(uint64(int64(c.begin)), uint64(c.from), uint64(c.until), unborn)
		for _, x := range c.series {
			e.floats(x)
		}
		e.floats(c.data)
		e.floats(c.action)
		for _, x := range c.pilot {
			e.floats(x)
		}
	}
	e.uints(uint64(e.sum.Sum32()))
	if e.err != nil {
		return fmt.Errorf("mcmc: saving the state of an ensemble: %w", e.err)
	}
	return nil
}

// Restore reads what Save wrote into a generator of the same configuration, with
// kernels built like those that were saved. Workers, Progress and PhaseProgress may differ. Run then
// continues bit by bit as the saved run would have. It returns an error if the state
// is damaged or of another configuration; unless the configuration was the reason,
// the generator must not be used afterwards.
func (g *Generator) Restore(r io.Reader) error {
	done, err := g.restore(r, g.fingerprint(), g.workers)
	if err == nil {
		g.done = done
	}
	return err
}

// restore reads a state with the given fingerprint into workers and returns the number of
// their configurations.
func (g *Generator) restore(r io.Reader, want string, workers []*worker) (done int, err error) {
	d := &stateReader{r: r, sum: crc32.NewIEEE()}
	magic := make([]byte, len(generatorMagic))
	d.read(magic)
	if d.err != nil || string(magic) != generatorMagic {
		return 0, fmt.Errorf("mcmc: expected the state of an ensemble, got data without its header")
	}
	have := string(d.bytes())
	if d.err != nil {
		return 0, d.fail()
	}
	if have != want {
		return 0, fmt.Errorf("mcmc: expected the state of the ensemble %s, got that of %s", want, have)
	}
	g.thin, g.pilotSteps, done = int(d.uint()), int(d.uint()), int(d.uint())
	g.pilot = pilotFromFloats(d.floats(nil, pilotFloats))
	g.rounds = d.floats(g.rounds[:0], maxSaved)
	for _, w := range workers {
		state := d.bytes()
		if d.err != nil {
			return 0, d.fail()
		}
		if err := w.chain.UnmarshalBinary(state); err != nil {
			return 0, fmt.Errorf("mcmc: chain %d: %w", w.number, err)
		}
		w.begin, w.from, w.until, w.unborn = int(int64(d.uint())), int(d.uint()), int(d.uint()), d.uint() != 0
		for j := range w.series {
			w.series[j] = d.floats(w.series[j][:0], math.MaxInt)
		}
		w.data = d.floats(w.data[:0], cap(w.data))
		w.action = d.floats(w.action[:0], w.want)
		for j := range w.pilot {
			w.pilot[j] = d.floats(w.pilot[j][:0], g.pilotSteps)
		}
		if d.err == nil {
			d.err = g.checkRestored(w)
		}
		if d.err != nil {
			return 0, d.fail()
		}
	}
	sum := d.sum.Sum32()
	if got := d.uint(); d.err == nil && got != uint64(sum) {
		d.err = fmt.Errorf("expected checksum %08x, got %08x", got, sum)
	}
	if d.err != nil {
		return 0, d.fail()
	}
	if n, _ := io.ReadFull(r, magic[:1]); n != 0 {
		return 0, fmt.Errorf("mcmc: expected no more bytes after the state of an ensemble")
	}
	return done, nil
}

// checkRestored returns an error for a worker whose numbers no run leaves: they say how long
// the chain goes on.
func (g *Generator) checkRestored(w *worker) error {
	v := g.cfg.Action.Layout().Size()
	steps := w.chain.steps
	ok := g.thin >= 0 && g.thin <= maxRestored && g.pilotSteps >= 1 && g.pilotSteps <= max(g.cfg.PilotSteps, pilotLimit) && g.done >= 0 && g.done <= g.cfg.N &&
		w.begin >= -1 && w.begin <= steps && w.from >= 0 && w.from <= w.until && w.until <= maxRestored && steps >= 0 && steps <= maxRestored &&
		len(w.data)%v == 0 && len(w.data)/v == len(w.action) &&
		(!w.unborn || g.cfg.Start == StartKernel && steps == 0) && (g.thin > 0 || len(w.data) == 0)
	for _, x := range w.series {
		ok = ok && (len(x) == 0 || w.begin >= 0 && len(x) == steps-w.begin)
	}
	if !ok {
		return fmt.Errorf("expected the numbers of a run that was saved, got those of none")
	}
	return lattice.CheckField(w.data, len(w.data))
}

// maxRestored bounds the numbers of steps of a saved state, far above those of any run.
const maxRestored = min(1<<40, math.MaxInt)

// fingerprint describes everything in the configuration that the result depends on
// and that can be compared.
func (g *Generator) fingerprint() string { return g.cfg.fingerprint() }

func (c EnsembleConfig) fingerprint() string {
	s := fmt.Sprintf("(N %d, chains %d, seed %d, start %d at %v, thermalisation %d, thin %d, decorrelation %v, pilot %d, unchecked %t, action %s [%s]",
		c.N, c.Chains, c.Seed, c.Start, c.ColdValue, c.Thermalisation, c.Thin, c.Decorrelation, c.PilotSteps, c.Unchecked, lattice.Describe(c.Action), lattice.Fingerprint(c.Action))
	s += ", observables"
	for _, o := range c.Observables {
		s += fmt.Sprintf(" %q", o.Name)
	}
	if c.Shares > 1 {
		s += fmt.Sprintf(", share %d of %d", c.Share, c.Shares)
	}
	return s + ")"
}

// maxSaved bounds the pilot runs of a saved state, which are fewer.
const maxSaved = 64

// pilotFloats is the length of the pilot as a list of numbers.
const pilotFloats = 11

func (p *Pilot) floats() []float64 {
	if p == nil {
		return nil
	}
	reliable := 0.0
	if p.Reliable {
		reliable = 1
	}
	return []float64{
		float64(p.Steps), reliable, p.AbsM.Value, p.AbsM.Error, float64(p.AbsM.Window),
		p.Action.Value, p.Action.Error, float64(p.Action.Window),
		p.Components.Value, p.Components.Error, float64(p.Components.Window),
	}
}

func pilotFromFloats(x []float64) *Pilot {
	if len(x) != pilotFloats {
		return nil
	}
	p := &Pilot{Steps: int(x[0]), Reliable: x[1] != 0}
	p.AbsM.Value, p.AbsM.Error, p.AbsM.Window = x[2], x[3], int(x[4])
	p.Action.Value, p.Action.Error, p.Action.Window = x[5], x[6], int(x[7])
	p.Components.Value, p.Components.Error, p.Components.Window = x[8], x[9], int(x[10])
	return p
}

// stateWriter writes the encoding of codec.go as a stream with a checksum. It keeps
// the first error.
type stateWriter struct {
	w   io.Writer
	sum hash.Hash32
	buf []byte
	err error
}

func (e *stateWriter) write(b []byte) {
	if e.err == nil {
		e.sum.Write(b)
		_, e.err = e.w.Write(b)
	}
}

func (e *stateWriter) uints(v ...uint64) {
	e.buf = e.buf[:0]
	for _, u := range v {
		e.buf = putUint(e.buf, u)
	}
	e.write(e.buf)
}

func (e *stateWriter) bytes(b []byte) {
	e.uints(uint64(len(b)))
	e.write(b)
}

// streamed is the number of numbers that are encoded or decoded at a time.
const streamed = 1 << 12

func (e *stateWriter) floats(x []float64) {
	e.uints(uint64(len(x)))
	for len(x) > 0 {
		n := min(len(x), streamed)
		e.buf = e.buf[:0]
		for _, v := range x[:n] {
			e.buf = putFloat(e.buf, v)
		}
		e.write(e.buf)
		x = x[n:]
	}
}

// stateReader reads what stateWriter wrote. After an error, which it keeps, it
// returns zeros. Memory grows with what is read, not with what a damaged length says.
type stateReader struct {
	r   io.Reader
	sum hash.Hash32
	buf [8 * streamed]byte
	err error
}

func (d *stateReader) fail() error {
	return fmt.Errorf("mcmc: restoring the state of an ensemble: %w", d.err)
}

func (d *stateReader) read(b []byte) {
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
		d.sum.Write(b)
	}
}

func (d *stateReader) uint() uint64 {
	d.read(d.buf[:8])
	if d.err != nil {
		return 0
	}
	return binary.LittleEndian.Uint64(d.buf[:])
}

func (d *stateReader) bytes() []byte {
	n := d.uint()
	if n > math.MaxInt64 {
		d.err = fmt.Errorf("expected a length, got %d", n)
	}
	if d.err != nil {
		return nil
	}
	var b bytes.Buffer
	if _, d.err = io.CopyN(io.MultiWriter(&b, d.sum), d.r, int64(n)); d.err != nil {
		return nil
	}
	return b.Bytes()
}

// floats appends to dst up to limit numbers.
func (d *stateReader) floats(dst []float64, limit int) []float64 {
	n := d.uint()
	if d.err == nil && n > uint64(limit) {
		d.err = fmt.Errorf("expected at most %d numbers, got %d", limit, n)
	}
	for n > 0 && d.err == nil {
		k := int(min(n, streamed))
		d.read(d.buf[:8*k])
		if d.err != nil {
			break
		}
		for i := range k {
			dst = append(dst, math.Float64frombits(binary.LittleEndian.Uint64(d.buf[8*i:])))
		}
		n -= uint64(k)
	}
	return dst
}
