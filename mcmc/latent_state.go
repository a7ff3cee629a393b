package mcmc

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

// fingerprint says which run it is.
func (l *latent) fingerprint() (string, error) {
	flow, err := describeFlow(l.flow)
	return fmt.Sprintf("(chains %d, steps %d after %d, β %v, acceptance %v, seed %d, action %s [%s], flow %s)",
		l.Chains, l.Steps, l.Thermalisation, l.Beta, l.Acceptance, l.Seed, lattice.Describe(l.action), lattice.Fingerprint(l.action), flow), err
}

// describeFlow says which flow it is, as far as it tells.
func describeFlow(flow Transporter) (string, error) {
	if f, ok := flow.(interface{ Fingerprint() (string, error) }); ok {
		return f.Fingerprint()
	}
	return fmt.Sprintf("on %v", flow.Layout()), nil
}

func (l *latent) write(e *stateWriter) error {
	pcg, err := l.pcg.MarshalBinary()
	if err != nil {
		return err
	}
	e.uints(uint64(l.done))
	e.bytes(pcg)
	for _, x := range [][]float64{{l.accepted, l.beta}, l.z, l.fields, l.logw} {
		e.floats(x)
	}
	l.out.write(e, l.done-l.Thermalisation)
	return nil
}

// read reads what write wrote.
func (l *latent) read(d *stateReader) error {
	n := l.Chains * l.action.Layout().Size()
	done, pcg, head := d.uint(), d.bytes(), d.floats(nil, 2)
	l.z, l.fields, l.logw = d.floats(nil, n), d.floats(nil, n), d.floats(nil, l.Chains)
	if d.err != nil {
		return d.err
	}
	if done > uint64(l.Thermalisation+l.Steps) || len(head) != 2 || !(head[0] >= 0 && head[0] <= 1+1e-9) || !(head[1] > 0 && head[1] <= 1) {
		return errNoState
	}
	l.done, l.accepted, l.beta = int(done), head[0], head[1]
	l.pcg = new(rand.PCG)
	l.rng = rand.New(l.pcg)
	err := errors.Join(l.pcg.UnmarshalBinary(pcg), lattice.CheckField(l.z, n), lattice.CheckField(l.fields, n), lattice.CheckField(l.logw, l.Chains))
	if err != nil {
		return err
	}
	return l.out.read(d, l.done-l.Thermalisation)
}

// kept holds the configurations of chains of equal length, one chain after the other.
type kept struct {
	*lattice.Ensemble
	chains, steps int
}

func newKept(layout lattice.Layout, chains, steps int) *kept {
	ens := lattice.NewEnsemble(layout, chains*steps)
	ens.Data = ens.Data[:chains*steps*layout.Size()]
	return &kept{ens, chains, steps}
}

// set keeps the configuration of a chain after a step.
func (k *kept) set(chain, step int, phi []float64) { copy(k.Config(chain*k.steps+step), phi) }

// of returns the first n configurations of a chain.
func (k *kept) of(chain, n int) []float64 {
	first := chain * k.steps * k.Size()
	return k.Data[first : first+n*k.Size()]
}

// write writes the first n configurations of every chain, none for a negative n.
func (k *kept) write(e *stateWriter, n int) {
	for c := range k.chains {
		e.floats(k.of(c, max(0, n)))
	}
}

// read reads what write wrote.
func (k *kept) read(d *stateReader, n int) error {
	for c := range k.chains {
		x := k.of(c, max(0, n))
		y := d.floats(nil, len(x))
		if d.err != nil {
			return d.err
		}
		if err := lattice.CheckField(y, len(x)); err != nil {
			return err
		}
		copy(x, y)
	}
	return nil
}
