package main

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

// data are independent draws of the pure theory and the chain of the Schwinger model that
// they make.
type data struct {
	links *lattice.Ensemble
	chain []int // the draw of every step
}

// draw makes the chain of draws of the pure theory, with the ratio of both weights.
func (s *schwingerRun) draw(ctx context.Context) (*data, error) {
	sampler, err := u1.NewExact(s.proposal)
	if err != nil {
		return nil, err
	}
	n := s.o.configurations
	d := &data{links: lattice.NewEnsemble(s.action.Layout(), n)}
	d.links.Data = d.links.Data[:cap(d.links.Data)]
	logw := make([]float64, n)
	exact, err := gauge.NewExact(s.proposal.Weight(), d.links.Extent(0), d.links.Extent(1))
	if err != nil {
		return nil, err
	}
	for i, links := range d.links.All() {
		if err := sampler.Draw(s.generator(dataPart, i), links); err != nil {
			return nil, err
		}
	}
	_, err = s.display.Timed(ctx, "determinants of the pure theory", func(set func(done, total int)) error {
		return each(ctx, n, set, func(i int) error {
			links := d.links.Config(i)
			logw[i] = s.proposal.Value(links) - s.action.Value(links) + exact.LogZ()
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return nil, err
	}
	s.add("reweighted", w)
	r, err := mcmc.DMMC(s.generator(acceptPart, 0), logw)
	if err != nil {
		return nil, err
	}
	d.chain = r.Index
	c := newFermions("pure_mc", fmt.Sprintf("draws at β = %.4g", s.o.proposalBeta), 1)
	c.Acceptance = r.Acceptance
	for _, i := range d.chain {
		c.Observe(s.lift.Torus(), 0, d.links.Config(i))
	}
	s.chains = append(s.chains, c)
	return d, c.Analyse(s.table)
}

// each calls f for 0 … n-1 on all cores, until one returns an error or ctx ends.
func each(ctx context.Context, n int, set func(done, total int), f func(i int) error) error {
	var wg sync.WaitGroup
	var next, done atomic.Int64
	var mu sync.Mutex
	var failed error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
		next.Store(int64(n))
	}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				err := ctx.Err()
				if err == nil {
					err = f(i)
				}
				if err != nil {
					fail(err)
					return
				}
				set(int(done.Add(1)), n)
			}
		})
	}
	wg.Wait()
	return failed
}

// measure returns lifted plaquettes of the chain and what a model has to know of them: what
// pure gauge theory says, with the force of the fermions in the targets, and without the
// exchange of space and time, which differ in their boundary conditions.
func (s *schwingerRun) measure(ctx context.Context, d *data) (*lattice.Ensemble, *diffusion.Measurement, error) {
	distinct := slices.Compact(slices.Clone(d.chain))
	forces := make([][]float64, d.links.Len())
	_, err := s.display.Timed(ctx, "forces of the fermions", func(set func(done, total int)) error {
		return each(ctx, len(distinct), set, func(i int) error {
			gradient := s.action.Dirac().Gradient(nil, d.links.Config(distinct[i]))
			forces[distinct[i]] = s.lift.Torus().PlaquetteGradient(nil, gradient, lattice.NewFourier(d.links.Lattice))
			return nil
		})
	})
	if err != nil {
		return nil, nil, err
	}
	ens := lattice.NewEnsemble(s.lift.Layout(), len(d.chain))
	rng := s.generator(liftPart, 0)
	for _, i := range d.chain {
		ens.Append(s.lift.Draw(rng, nil, d.links.Config(i)))
	}
	m, err := diffusion.Measure(s.lift, ens)
	if err != nil {
		return nil, nil, err
	}
	// Y = θ + C·K, with K = … + 2 ∂log|det D|/∂θ.
	for t, i := range d.chain {
		y := m.Targets[t*ens.Size() : (t+1)*ens.Size()]
		for x, f := range forces[i] {
			y[x] += 2 * m.Spectrum[1] * f
		}
	}
	power := (&lattice.Ensemble{Layout: ens.Layout, Data: m.Targets}).PowerSpectrum().Mean(nil)
	mean := 0.0
	for _, p := range power[1:] {
		mean += p / float64(len(power)-1)
	}
	m.Residual = slices.Repeat([]float64{mean}, len(power))
	m.Symmetries.Exchange = false
	m.Theory = s.theory()
	return ens, m, nil
}

// theory identifies the action of the model.
func (s *schwingerRun) theory() diffusion.Identity { return diffusion.Identify(s.action) }

// checkTheory returns an error unless the model is for the couplings of the run.
func (s *schwingerRun) checkTheory(m *diffusion.Model) error {
	if have, want := m.Config().Theory.Params, s.theory().Params; !maps.Equal(have, want) {
		return fmt.Errorf("expected a model for %v, got one for %v", want, have)
	}
	return nil
}
