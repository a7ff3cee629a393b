package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/charges"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
)

// independence runs the chain of the proposals, and writes its links.
func (g *gaugeRun) independence() error {
	p := g.proposers[len(g.proposers)-1]
	r, err := mcmc.DMMC(rand.New(rand.NewPCG(g.seed(chainPart), 0)), p.logw)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(g.seed(linksPart), 0))
	out := lattice.NewEnsemble(g.action.Layout(), len(r.Index))
	out.Params = g.action.Params()
	links := make([]float64, out.Size())
	c := charges.New("dmmc", "DM-MC", 1)
	c.Acceptance, c.Seconds = r.Acceptance, p.seconds/float64(p.draws.Len())
	last := -1
	for _, i := range r.Index {
		if i != last {
			if links, err = g.lift.Links(rng, links, p.draws.Config(i)); err != nil {
				return err
			}
			last = i
		}
		out.Append(links)
		c.Observe(g.torus, 0, links)
	}
	if err := g.folder.Save("dmmc.npz", func(path string) error { return lattice.WriteEnsemble(path, out) }); err != nil {
		return err
	}
	g.chains = append(g.chains, c)
	if err := c.Analyse(g.table); err != nil {
		return err
	}
	g.chi2 = g.compareCharges(c)
	g.table.Add(c.Name, "charge_chi2", charges.Known(g.chi2.value))
	g.table.Add(c.Name, "charge_dof", charges.Known(float64(g.chi2.dof)))
	g.table.Add(c.Name, "charge_p", charges.Known(g.chi2.p))
	return nil
}

// classicalChains is the number of chains of a classical algorithm.
const classicalChains = 4

// classical runs hybrid Monte Carlo without and with hops of a uniform flux, from independent
// configurations, and independent draws.
func (g *gaugeRun) classical(ctx context.Context) error {
	exact := func() (mcmc.Kernel, error) { return u1.NewExact(g.action) }
	trajectory := func() (mcmc.Kernel, error) {
		return hmc.New(g.action, hmc.Config{Integrator: hmc.Omelyan, Jitter: 0.5})
	}
	hop := func() (mcmc.Kernel, error) {
		h, err := trajectory()
		if err != nil {
			return nil, err
		}
		k, err := u1.NewFluxHop(g.action)
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(h, k)
	}
	for _, c := range []struct {
		name, title string
		kernel      func() (mcmc.Kernel, error)
		steps       int
	}{
		{"hmc", "HMC", trajectory, g.o.trajectories},
		{"hmc_hop", "HMC and flux hops", hop, g.o.trajectories / 4},
		{"exact", "independent draws", exact, max(64, g.o.samples/classicalChains)},
	} {
		if err := g.walk(ctx, c.name, c.title, c.kernel, c.steps); err != nil {
			return err
		}
	}
	return nil
}

// walk runs the chains of one algorithm.
func (g *gaugeRun) walk(ctx context.Context, name, title string, kernel func() (mcmc.Kernel, error), steps int) error {
	sampler, err := u1.NewExact(g.action)
	if err != nil {
		return err
	}
	start := make([][]float64, classicalChains)
	for r := range start {
		start[r] = make([]float64, g.action.Layout().Size())
		if err := sampler.Draw(rand.New(rand.NewPCG(g.seed(hmcPart), uint64(r))), start[r]); err != nil {
			return err
		}
	}
	c := charges.New(name, title, classicalChains)
	_, err = g.display.Timed(ctx, title, func(set func(done, total int)) error {
		path := func(r int) string { return g.folder.Path(fmt.Sprintf("chains/%s-%d.state", name, r)) }
		_, err := c.Walk(ctx, g.torus, start, kernel, steps, g.seed(hmcPart)+1, set, path, 0, nil)
		return err
	})
	if err != nil {
		return err
	}
	g.chains = append(g.chains, c)
	return c.Analyse(g.table)
}

// chiSquare compares the charges of a chain with their exact distribution.
type chiSquare struct {
	value, p  float64
	dof       int
	charges   []float64 // 0, 1, …
	frequency []float64 // of ±Q together, over the number of signs
	err       []float64
}

// leastExpected is the expected number in a bin of the χ² test; rarer charges are one bin.
const leastExpected = 10

// compareCharges counts the charges of a chain, whose effective number is that of 2τ_int(Q²).
func (g *gaugeRun) compareCharges(c *charges.Chain) chiSquare {
	exact := g.exact.Charges()
	counts, total := map[int]float64{}, 0.0
	for _, r := range c.Charge {
		for _, q := range r {
			counts[int(q)]++
			total++
		}
	}
	effective := total / math.Max(1, 2*c.Q2.Tau.Value)
	var x chiSquare
	restExpected, restSeen := 1.0, 1.0
	bin := func(p, seen float64) {
		x.value += (seen - p) * (seen - p) / p * effective
		x.dof++
	}
	for q, p := range exact {
		for _, sign := range []int{1, -1}[:min(2, q+1)] {
			seen := counts[sign*q] / total
			if p*effective < leastExpected {
				continue
			}
			restExpected, restSeen = restExpected-p, restSeen-seen
			bin(p, seen)
		}
		if p*total >= 1 {
			both := 2.0
			if q == 0 {
				both = 1
			}
			seen := counts[q] / total
			if q > 0 {
				seen = (seen + counts[-q]/total) / 2
			}
			x.charges, x.frequency = append(x.charges, float64(q)), append(x.frequency, seen)
			x.err = append(x.err, math.Sqrt(p/both/effective))
		}
	}
	if restExpected*effective >= leastExpected {
		bin(restExpected, restSeen)
	}
	x.dof--
	x.p = mathext.GammaIncRegComp(float64(max(x.dof, 1))/2, x.value/2)
	return x
}
