// Package charges analyses Markov chains of U(1) links in two dimensions, for the example
// programs: plaquette, topological charge and its autocorrelation.
package charges

import (
	"context"
	"math"
	"path/filepath"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Chain is a Markov chain of links, or several of them that started in equilibrium.
type Chain struct {
	// Name is that of the ensemble in results.json, Title that in tables and plots.
	Name, Title string
	// Charge and Cos are Q and the mean of cos θ of every configuration of every replica.
	Charge, Cos [][]float64
	// Acceptance is the mean acceptance, and Seconds the time of a step, zero if not known.
	Acceptance, Seconds float64

	// What Analyse finds: ⟨cos θ⟩, ⟨Q²⟩ with τ_int, infinite if there are too few changes of
	// Q, and their number.
	Plaquette stats.Estimate
	Q2        stats.GammaResult
	Changes   int
}

// leastChanges is the number of changes of Q below which its autocorrelation time is not known.
const leastChanges = 20

// New returns an empty chain of some replicas.
func New(name, title string, replicas int) *Chain {
	return &Chain{Name: name, Title: title, Charge: make([][]float64, replicas), Cos: make([][]float64, replicas)}
}

// Observe measures the next configuration of a replica.
func (c *Chain) Observe(torus *gauge.Torus, replica int, links []float64) {
	c.Charge[replica] = append(c.Charge[replica], float64(torus.Charge(links)))
	c.Cos[replica] = append(c.Cos[replica], torus.MeanPlaquette(links))
}

// Walk runs one kernel for every replica from the given links and measures every step, after
// 500 in which kernels adapt. It calls set with the number of steps done and their total. The chain of
// replica r is kept in the file path(r), also when it is finished; observe, if not nil, returns further
// numbers of a configuration, which Walk returns, more of them, replica by replica.
func (c *Chain) Walk(ctx context.Context, torus *gauge.Torus, start [][]float64, kernel func() (mcmc.Kernel, error), steps int, seed uint64,
	set func(done, total int), path func(replica int) string, more int, observe func(links []float64) ([]float64, error)) ([][][]float64, error) {
	further := make([][][]float64, len(start))
	seconds := 0.0
	for r, links := range start {
		k, err := kernel()
		if err != nil {
			return nil, err
		}
		chain, err := mcmc.NewChain(k, links, seed, uint64(r))
		if err != nil {
			return nil, err
		}
		const adaptation = 500
		one, err := stage.Walk(ctx, chain, stage.WalkConfig{
			Path: path(r), Name: filepath.Base(path(r)), Settle: adaptation, Steps: steps, Columns: 2 + more,
			Observe: func(chain *mcmc.Chain, columns [][]float64) error {
				links := chain.Field()
				columns[0], columns[1] = append(columns[0], float64(torus.Charge(links))), append(columns[1], torus.MeanPlaquette(links))
				if observe == nil {
					return nil
				}
				x, err := observe(links)
				for i, v := range x {
					columns[2+i] = append(columns[2+i], v)
				}
				return err
			},
			Progress: func(done int) { set(r*steps+done, len(start)*steps) },
		})
		if err != nil {
			return nil, err
		}
		c.Charge[r], c.Cos[r], further[r] = one.Columns[0], one.Columns[1], one.Columns[2:]
		c.Acceptance += one.Acceptance / float64(len(start))
		seconds += one.Seconds
	}
	c.Seconds = seconds / float64(len(start)*steps)
	return further, nil
}

// Analyse finds plaquette and charge with their errors and adds them to a table as acceptance,
// plaquette, q2, tau_q2 and charge_changes.
func (c *Chain) Analyse(table *results.File) error {
	squares := make([][]float64, len(c.Charge))
	sum, n := 0.0, 0.0
	for i, replica := range c.Charge {
		for j, q := range replica {
			squares[i] = append(squares[i], q*q)
			sum, n = sum+q*q, n+1
			if j > 0 && q != replica[j-1] {
				c.Changes++
			}
		}
	}
	plaquette, err := stats.GammaMethod(c.Cos, stats.GammaConfig{})
	if err = measure.Usable(err); err != nil {
		return err
	}
	c.Plaquette = plaquette.Mean
	c.Q2.Mean, c.Q2.Tau.Value, c.Q2.Tau.Error = Known(sum/n), math.Inf(1), math.NaN()
	if c.Changes >= leastChanges {
		if c.Q2, err = stats.GammaMethod(squares, stats.GammaConfig{}); measure.Usable(err) != nil {
			return err
		}
	}
	table.Add(c.Name, "acceptance", Known(c.Acceptance))
	table.Add(c.Name, "plaquette", c.Plaquette)
	table.Add(c.Name, "q2", c.Q2.Mean)
	table.Add(c.Name, "tau_q2", stats.Estimate{Value: c.Q2.Tau.Value, Error: c.Q2.Tau.Error})
	table.Add(c.Name, "charge_changes", Known(float64(c.Changes)))
	return nil
}

// Tau returns τ_int(Q²) as text.
func (c *Chain) Tau() string {
	if math.IsInf(c.Q2.Tau.Value, 1) {
		return "frozen"
	}
	return c.Q2.Tau.String()
}

// Cost returns the seconds of an independent Q², a step times 2τ_int, and whether they are
// known.
func (c *Chain) Cost() (float64, bool) {
	return c.Seconds * math.Max(1, 2*c.Q2.Tau.Value), c.Seconds > 0 && !math.IsInf(c.Q2.Tau.Value, 1)
}

// Known is a number without an error.
func Known(v float64) stats.Estimate { return stats.Estimate{Value: v, Error: math.NaN()} }
