package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// Observables of the forward check, which is that of configurations of the theory.
const (
	essTheory  = "ess_theory" // ESS/N as the theory sees it
	sdTheory   = "sd_log_w_theory"
	shift      = "shift_log_w" // ⟨log w⟩_p - ⟨log w⟩_q
	largestGap = "largest_log_w"
)

// A probe of the tail moves equilibrated configurations where q hardly ever draws, by strengths
// in units of the standard deviation of what it moves.
type tailProbe struct {
	name, title string
	strengths   []float64
	move        func(unit float64) func(phi []float64, u float64)
	of          func(phi []float64) float64 // what it moves
}

var tailProbes = []tailProbe{{
	name: "tail_site", title: "one site at φ = u √⟨φ²⟩", strengths: []float64{0, 1, 2, 3, 4, 5},
	of: func(phi []float64) float64 { return phi[0] },
	move: func(unit float64) func(phi []float64, u float64) {
		return func(phi []float64, u float64) { phi[0] = u * unit }
	},
}, {
	name: "tail_magnetization", title: "M = u √⟨M²⟩", strengths: []float64{0, 0.5, 1, 1.25, 1.5, 2},
	of: lattice.Magnetization,
	move: func(unit float64) func(phi []float64, u float64) {
		return func(phi []float64, u float64) {
			shift := u*unit - lattice.Magnetization(phi)
			for x := range phi {
				phi[x] += shift
			}
		}
	},
}}

// tailFields is the number of configurations over which the probes average.
const tailFields = 8

// forward judges the proposals by equilibrated configurations, whose log q is known: a sample of the
// proposals says nothing about regions where they never are.
func (d *dmmc) forward(ctx context.Context, m diffusion.ScoreModel, ens, chosen *lattice.Ensemble) error {
	learned, err := flow.New(d.Backend(), m, d.o.Flow())
	if err != nil {
		return err
	}
	baseline, err := d.GaussianFlow(ens)
	if err != nil {
		return err
	}
	density, err := baseline.LogProb(ctx, chosen, d.FlowSeed())
	if err != nil {
		return err
	}
	gaussianWeights, err := density.LogWeights(d.Action(), chosen)
	if err != nil {
		return err
	}
	for _, q := range []struct {
		name   string
		f      *flow.ProbabilityFlow
		drawn  *lattice.Ensemble
		theory []float64
	}{{gaussianMC, baseline, d.gaussian, gaussianWeights}, {exact, learned, d.proposals, logWeights(chosen)}} {
		sides, err := stats.CompareLogWeights(logWeights(q.drawn), q.theory)
		if err != nil {
			return fmt.Errorf("%s: %w", titles[q.name], err)
		}
		known := func(v float64) stats.Estimate { return stats.Estimate{Value: v, Error: math.NaN()} }
		file := d.Results()
		file.Add(q.name, sdTheory, sides.SDTheory)
		file.Add(q.name, shift, sides.Shift)
		file.Add(q.name, essTheory, known(sides.ESSTheory))
		file.Add(q.name, largestGap, known(sides.Largest))
		for _, p := range tailProbes {
			unit := 0.0
			for _, phi := range ens.All() {
				unit += p.of(phi) * p.of(phi) / float64(ens.Len())
			}
			some := chosen.Slice(0, min(tailFields, chosen.Len()))
			changes, err := q.f.TailProbe(ctx, d.Action(), some, p.strengths, p.move(math.Sqrt(unit)), d.FlowSeed())
			if err != nil {
				return fmt.Errorf("%s: %w", titles[q.name], err)
			}
			for i, u := range p.strengths {
				file.Add(q.name, fmt.Sprintf("%s_%g", p.name, u), known(changes[i]))
			}
		}
	}
	return nil
}

// printForward writes the forward check and the probes of the tail.
func (d *dmmc) printForward(w io.Writer) error {
	names := []string{gaussianMC, exact}
	t := table(w)
	fmt.Fprintln(t, "\nequilibrated configurations\tsd(log w)\t⟨log w⟩ above that of draws\tESS as the theory sees it\tlargest log w above that of draws")
	for _, name := range names {
		fmt.Fprint(t, titles[name])
		for _, o := range []string{sdTheory, shift, essTheory, largestGap} {
			fmt.Fprintf(t, "\t%s", cell(d.Results().Get(name, o)))
		}
		fmt.Fprintln(t)
	}
	for _, p := range tailProbes {
		fmt.Fprintf(t, "\nchange of log w: %s, u =", p.title)
		for _, u := range p.strengths {
			fmt.Fprintf(t, "\t%g", u)
		}
		fmt.Fprintln(t)
		for _, name := range names {
			fmt.Fprint(t, titles[name])
			for _, u := range p.strengths {
				e, ok := d.Results().Get(name, fmt.Sprintf("%s_%g", p.name, u))
				fmt.Fprintf(t, "\t%s", cell(e, ok))
			}
			fmt.Fprintln(t)
		}
	}
	return t.Flush()
}
