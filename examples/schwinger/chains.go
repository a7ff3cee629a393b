package main

import (
	"context"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/charges"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

// fermions is a chain with the observables of the fermions: the chiral condensate and the pion
// correlator at half the extent of the time, where they are measured.
type fermions struct {
	*charges.Chain
	condensates, pions [][]float64
	condensate, pion   stats.Estimate
}

func newFermions(name, title string, replicas int) *fermions {
	return &fermions{Chain: charges.New(name, title, replicas), condensates: make([][]float64, replicas), pions: make([][]float64, replicas)}
}

// propagate measures condensate and pion of one configuration.
func (s *schwingerRun) propagate(links []float64) (condensate, pion float64, err error) {
	p, err := s.action.Dirac().Propagator(links)
	if err != nil {
		return 0, 0, err
	}
	c := p.Pion(nil)
	return p.Condensate(), c[len(c)/2], nil
}

// Analyse adds the observables of the fermions to those of the links.
func (c *fermions) Analyse(table *results.File) error {
	if err := c.Chain.Analyse(table); err != nil {
		return err
	}
	for _, o := range []struct {
		name   string
		values [][]float64
		to     *stats.Estimate
	}{{"condensate", c.condensates, &c.condensate}, {"pion", c.pions, &c.pion}} {
		*o.to = charges.Known(math.NaN())
		if len(o.values[0]) == 0 {
			continue
		}
		r, err := stats.GammaMethod(o.values, stats.GammaConfig{})
		if err = measure.Usable(err); err != nil {
			return err
		}
		*o.to = r.Mean
		table.Add(c.Name, o.name, r.Mean)
	}
	return nil
}

// propose draws proposals of the model, weighs them with the determinant, and runs the chain.
func (s *schwingerRun) propose(ctx context.Context, m *diffusion.Model) error {
	n := s.o.samples
	f, err := flow.New(s.backend, m, flow.Config{Batch: batch})
	if err != nil {
		return err
	}
	draws, seconds, err := s.drawn(ctx, m)
	if err != nil {
		return err
	}
	stepError, err := f.StepError(ctx, draws.Slice(0, min(64, n)), draws.Extra["logq"], s.seed(proposalPart))
	if err != nil {
		return err
	}
	s.table.Add("dmmc", "step_error", charges.Known(stepError))

	logw, links := make([]float64, n), lattice.NewEnsemble(s.action.Layout(), n)
	links.Data = links.Data[:cap(links.Data)]
	more, err := s.display.Timed(ctx, "determinants of the proposals", func(set func(done, total int)) error {
		return each(ctx, n, set, func(i int) error {
			_, fermion, err := s.marginal.Draw(s.generator(holonomyPart, i), links.Config(i), draws.Config(i))
			logw[i] = fermion - draws.Extra["action"][i] - draws.Extra["logq"][i]
			return err
		})
	})
	if err != nil {
		return err
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return err
	}
	s.add("dmmc", w)
	r, err := mcmc.DMMC(s.generator(chainPart, 0), logw)
	if err != nil {
		return err
	}
	return s.chain(ctx, r, links, (seconds+more)/float64(n), seconds > 0)
}

// batch is the number of proposals that go through the flow together.
const batch = 128

// drawn returns the proposals of a flow, which tells report of its steps, and the seconds that
// they took, 0 for those of the folder or of shares.
func (s *schwingerRun) drawn(ctx context.Context, m *diffusion.Model) (draws *lattice.Ensemble, seconds float64, err error) {
	saved, err := s.folder.Has(program.ProposalsFile)
	switch {
	case err != nil:
		return nil, 0, err
	case saved:
		draws, err = lattice.ReadEnsemble(s.folder.Path(program.ProposalsFile))
		return draws, 0, err
	case s.o.task.Part == program.Merge:
		draws, err = s.merge()
		return draws, 0, err
	}
	seconds, err = s.display.Timed(ctx, fmt.Sprintf("%d proposals", s.o.samples), func(set func(done, total int)) error {
		f, err := flow.New(s.backend, m, flow.Config{Batch: batch, Progress: set, Checkpoint: s.folder.State(program.ProposalsFile)})
		if err != nil {
			return err
		}
		drawn, err := f.Sample(ctx, s.o.samples, s.seed(proposalPart))
		if err != nil {
			return err
		}
		drawn.Annotate(s.lift, drawn.Ensemble)
		draws = drawn.Ensemble
		return s.folder.SaveEnsemble(program.ProposalsFile, draws)
	})
	return draws, seconds, err
}

// chain measures the chain of proposals and writes its links.
func (s *schwingerRun) chain(ctx context.Context, r mcmc.DMMCResult, links *lattice.Ensemble, seconds float64, timed bool) error {
	condensates, pions := make([]float64, links.Len()), make([]float64, links.Len())
	_, err := s.display.Timed(ctx, "propagators of the proposals", func(set func(done, total int)) error {
		return each(ctx, links.Len(), set, func(i int) (err error) {
			condensates[i], pions[i], err = s.propagate(links.Config(i))
			return err
		})
	})
	if err != nil {
		return err
	}
	c := newFermions("dmmc", "DM-MC", 1)
	if c.Acceptance = r.Acceptance; timed {
		c.Seconds = seconds
	}
	out := lattice.NewEnsemble(links.Layout, len(r.Index))
	out.Params = lattice.Params(s.action)
	for _, i := range r.Index {
		out.Append(links.Config(i))
		c.Observe(s.lift.Torus(), 0, links.Config(i))
		c.condensates[0], c.pions[0] = append(c.condensates[0], condensates[i]), append(c.pions[0], pions[i])
	}
	s.chains = append(s.chains, c)
	if err := c.Analyse(s.table); err != nil {
		return err
	}
	return s.folder.Save("dmmc.npz", func(path string) error { return lattice.WriteEnsemble(path, out) })
}

// classicalChains is the number of chains of hybrid Monte Carlo.
const classicalChains = 4

// classical runs hybrid Monte Carlo from configurations of the training data, without and with
// hops of a uniform flux.
func (s *schwingerRun) classical(ctx context.Context, d *data) error {
	trajectory := func() (mcmc.Kernel, error) {
		return hmc.New(s.action, hmc.Config{Integrator: hmc.Omelyan, Jitter: 0.5})
	}
	hop := func() (mcmc.Kernel, error) {
		h, err := trajectory()
		if err != nil {
			return nil, err
		}
		k, err := u1.NewFluxHop(s.action)
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(h, k)
	}
	var start [][]float64
	for r := range classicalChains {
		start = append(start, d.links.Config(d.chain[(r+1)*len(d.chain)/classicalChains-1]))
	}
	for _, k := range []struct {
		name, title string
		kernel      func() (mcmc.Kernel, error)
	}{{"hmc", "HMC", trajectory}, {"hmc_hop", "HMC and flux hops", hop}} {
		c := newFermions(k.name, k.title, classicalChains)
		_, err := s.display.Timed(ctx, k.title, func(set func(done, total int)) error {
			path := func(r int) string { return s.folder.Path(fmt.Sprintf("chains/%s-%d.state", k.name, r)) }
			further, err := c.Walk(ctx, s.lift.Torus(), start, k.kernel, s.o.trajectories, s.seed(hmcPart), set, path, 2, func(links []float64) ([]float64, error) {
				condensate, pion, err := s.propagate(links)
				return []float64{condensate, pion}, err
			})
			if err != nil {
				return err
			}
			for r, x := range further {
				c.condensates[r], c.pions[r] = x[0], x[1]
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.chains = append(s.chains, c)
		if err := c.Analyse(s.table); err != nil {
			return err
		}
	}
	return nil
}
