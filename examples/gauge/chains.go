package main

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mathext"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

// chain is a Markov chain of links, or several that started in equilibrium.
type chain struct {
	name, title string
	charge, cos [][]float64
	acceptance  float64
	seconds     float64 // a step
	plaquette   stats.Estimate
	q2          stats.GammaResult
	changes     int // of Q
}

// leastChanges is the number of changes of Q below which its autocorrelation time is not known.
const leastChanges = 20

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
	c := chain{name: "dmmc", title: "DM-MC", charge: make([][]float64, 1), cos: make([][]float64, 1), acceptance: r.Acceptance}
	c.seconds = p.seconds / float64(p.draws.Len())
	last := -1
	for _, i := range r.Index {
		if i != last {
			if links, err = g.lift.Links(rng, links, p.draws.Config(i)); err != nil {
				return err
			}
			last = i
		}
		out.Append(links)
		g.observe(&c, 0, links)
	}
	if err := g.folder.Save("dmmc.npz", func(path string) error { return lattice.WriteEnsemble(path, out) }); err != nil {
		return err
	}
	if err := g.add(c); err != nil {
		return err
	}
	c = g.chains[len(g.chains)-1]
	g.chi2 = g.compareCharges(c)
	g.table.Add(c.name, "charge_chi2", known(g.chi2.value))
	g.table.Add(c.name, "charge_dof", known(float64(g.chi2.dof)))
	g.table.Add(c.name, "charge_p", known(g.chi2.p))
	return nil
}

// observe measures one configuration of a replica.
func (g *gaugeRun) observe(c *chain, replica int, links []float64) {
	c.charge[replica] = append(c.charge[replica], float64(g.torus.Charge(links)))
	c.cos[replica] = append(c.cos[replica], g.torus.MeanPlaquette(links))
}

// add analyses a chain and puts its numbers into the table.
func (g *gaugeRun) add(c chain) error {
	squares := make([][]float64, len(c.charge))
	for i, replica := range c.charge {
		for j, q := range replica {
			squares[i] = append(squares[i], q*q)
			if j > 0 && q != replica[j-1] {
				c.changes++
			}
		}
	}
	plaquette, err := stats.GammaMethod(c.cos, stats.GammaConfig{})
	if err = measure.Usable(err); err != nil {
		return err
	}
	c.plaquette = plaquette.Mean
	c.q2.Mean, c.q2.Tau.Value, c.q2.Tau.Error = known(average(squares)), math.Inf(1), math.NaN()
	if c.changes >= leastChanges {
		if c.q2, err = stats.GammaMethod(squares, stats.GammaConfig{}); measure.Usable(err) != nil {
			return err
		}
	}
	g.chains = append(g.chains, c)
	g.table.Add(c.name, "acceptance", known(c.acceptance))
	g.table.Add(c.name, "plaquette", c.plaquette)
	g.table.Add(c.name, "q2", c.q2.Mean)
	g.table.Add(c.name, "tau_q2", stats.Estimate{Value: c.q2.Tau.Value, Error: c.q2.Tau.Error})
	g.table.Add(c.name, "charge_changes", known(float64(c.changes)))
	return nil
}

func average(replicas [][]float64) float64 {
	sum, n := 0.0, 0.0
	for _, r := range replicas {
		for _, v := range r {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
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
	start, err := u1.NewExact(g.action)
	if err != nil {
		return err
	}
	c := chain{name: name, title: title, charge: make([][]float64, classicalChains), cos: make([][]float64, classicalChains)}
	accepted := 0.0
	seconds, err := g.timed(ctx, title, func(set func(done, total int)) error {
		for r := range classicalChains {
			links := make([]float64, g.action.Layout().Size())
			if err := start.Draw(rand.New(rand.NewPCG(g.seed(hmcPart), uint64(r))), links); err != nil {
				return err
			}
			k, err := kernel()
			if err != nil {
				return err
			}
			walk, err := mcmc.NewChain(k, links, g.seed(hmcPart)+1, uint64(r))
			if err != nil {
				return err
			}
			// The step size adapts.
			if err := walk.Thermalise(ctx, 500); err != nil {
				return err
			}
			for i := range steps {
				if err := walk.Run(ctx, 1); err != nil {
					return err
				}
				g.observe(&c, r, walk.Field())
				set(r*steps+i+1, classicalChains*steps)
			}
			accepted += walk.Stats().Acceptance() / classicalChains
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.acceptance, c.seconds = accepted, seconds/float64(classicalChains*steps)
	return g.add(c)
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
func (g *gaugeRun) compareCharges(c chain) chiSquare {
	exact := g.exact.Charges()
	counts, total := map[int]float64{}, 0.0
	for _, r := range c.charge {
		for _, q := range r {
			counts[int(q)]++
			total++
		}
	}
	effective := total / math.Max(1, 2*c.q2.Tau.Value)
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
