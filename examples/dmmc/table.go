package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/refvalues"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// columns are the observables of the first table.
var columns = []struct{ name, title string }{
	{measure.M, "⟨M⟩"}, {measure.PositiveFraction, "P(M>0)"}, {measure.AbsM, "⟨|M|⟩"}, {measure.VM2, "V⟨M²⟩"}, {measure.Chi2Connected, "V(⟨M²⟩-⟨|M|⟩²)"},
	{measure.Binder, "U_L"}, {measure.Phi2, "⟨φ²⟩"}, {measure.Phi4, "⟨φ⁴⟩"}, {measure.ActionDensity, "⟨S⟩/V"},
}

// diagnostics are the columns of the table of weights.
var diagnostics = []struct{ name, title string }{
	{measure.Acceptance, "acceptance"}, {stepSize, "β"}, {measure.AcceptancePredicted, "predicted"}, {measure.ESS, "ESS/N"}, {essBootstrap, "(bootstrap)"},
	{largestShare, "largest share"}, {paretoK, "Pareto k̂"}, {measure.LongestRejection, "longest rejection"}, {measure.SDLogW, "sd(log w)"},
	{measure.R2, "R² (4.9)"}, {measure.PearsonR2, "R² (Pearson)"}, {stepError, "step error"},
}

// print writes the tables.
func (d *dmmc) print(w io.Writer) error {
	for _, p := range []func(io.Writer) error{d.printObservables, d.printWeights, d.printForward, d.printOperators, d.printCosts, d.printLogZ} {
		if err := p(w); err != nil {
			return err
		}
	}
	return nil
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// cell returns a number with its error, if it has them.
func cell(e stats.Estimate, ok bool) string {
	switch {
	case !ok || math.IsNaN(e.Value):
		return "-"
	case e.Error == 0 || math.IsNaN(e.Error):
		return fmt.Sprintf("%.4g", e.Value)
	}
	return e.String()
}

// printObservables writes the observables and their deviations from the values of the
// independent program, or where there are none from the cluster updates.
func (d *dmmc) printObservables(w io.Writer) error {
	known, ok := refvalues.Find(d.Action())
	reference := func(observable string) (stats.Estimate, bool) {
		if !ok {
			return d.Results().Get(cluster, observable)
		}
		switch observable {
		case measure.M:
			return stats.Estimate{}, true
		case measure.PositiveFraction:
			return stats.Estimate{Value: 0.5}, true
		}
		e, found := known.Values[observable]
		return e, found
	}
	t := table(w)
	fmt.Fprint(t, "\nobservables")
	for _, c := range columns {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	fmt.Fprintln(t, "\tworst deviation")
	if ok {
		fmt.Fprint(t, "reference values")
		for _, c := range columns {
			fmt.Fprintf(t, "\t%s", cell(reference(c.name)))
		}
		fmt.Fprintln(t)
	}
	for _, name := range append(d.names(), reweighted) {
		fmt.Fprint(t, titles[name])
		worst := 0.0
		for _, c := range columns {
			e, found := d.Results().Get(name, c.name)
			fmt.Fprintf(t, "\t%s", cell(e, found))
			r, known := reference(c.name)
			if math.IsNaN(r.Error) {
				// Known to the digits that are given.
				r.Error = 0
			}
			if s := e.Sigma(r); found && known && math.Abs(s) > math.Abs(worst) {
				worst = s
			}
		}
		if !ok && name == cluster {
			fmt.Fprintln(t, "\t-")
			continue
		}
		fmt.Fprintf(t, "\t%+.1fσ\n", worst)
	}
	return t.Flush()
}

func (d *dmmc) printWeights(w io.Writer) error {
	t := table(w)
	fmt.Fprint(t, "\nproposals")
	for _, c := range diagnostics {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	fmt.Fprintln(t)
	for _, name := range []string{gaussianMC, exact, published, mixed, latentSpace, composite} {
		if d.chains[name] == nil {
			continue
		}
		fmt.Fprint(t, titles[name])
		for _, c := range diagnostics {
			fmt.Fprintf(t, "\t%s", cell(d.Results().Get(name, c.name)))
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	probes := 0.0
	for _, e := range d.proposals.Extra["logq_error"] {
		probes = math.Max(probes, e)
	}
	if probes > 0 {
		_, err := fmt.Fprintf(w, "log q has errors of up to %.2g from the probes of the divergence: the chains are approximate\n", probes)
		return err
	}
	return nil
}

func (d *dmmc) printCosts(w io.Writer) error {
	names := d.names()
	if d.chains[unitHMC] != nil {
		names = append(names, paperHMC)
	}
	best := math.Inf(1)
	tau := map[string]stats.Estimate{}
	for _, name := range names {
		chain := name
		if name == paperHMC {
			chain = unitHMC
		}
		tau[name], _ = d.Results().Get(chain, measure.TauAbsM)
		cost := d.times.Seconds[name] * 2 * tau[name].Value
		if !(cost > 0) {
			// The window of a short chain without autocorrelation can give a negative τ.
			delete(d.times.Independent, name)
			continue
		}
		d.times.Independent[name] = cost
		best = math.Min(best, cost)
	}
	if err := d.times.write(); err != nil {
		return err
	}
	t := table(w)
	fmt.Fprint(t, "\ncost\tτ_int(|M|), steps\ttime per step\ttime × 2τ_int\tto the cheapest\n")
	for _, name := range names {
		fmt.Fprintf(t, "%s\t%s\t%s", titles[name], cell(tau[name], true), report.Duration(d.times.Seconds[name]))
		if cost, ok := d.times.Independent[name]; ok {
			fmt.Fprintf(t, "\t%s\t%.3g", report.Duration(cost), cost/best)
		} else {
			fmt.Fprint(t, "\t-\t-")
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if known, ok := refvalues.Find(d.Action()); ok {
		fmt.Fprintf(w, "τ_int(|M|) of the independent HMC with unit trajectories: %s\n", cell(known.TauAbsM, true))
	}
	_, err := fmt.Fprintf(w, "wall time per step with all %d cores at work, without thermalisation and training; that of Gaussian MC has the fit of the spectrum in it\n", d.times.Cores)
	return err
}

func (d *dmmc) printLogZ(w io.Writer) error {
	bridge, _ := d.Results().Get(freeEnergy, logZBridge)
	q, _ := d.Results().Get(freeEnergy, logZProposals)
	p, _ := d.Results().Get(freeEnergy, logZEquilib)
	t := table(w)
	fmt.Fprint(t, "\nlog Z\t\tdifference\n")
	fmt.Fprintf(t, "proposals, log⟨w⟩\t%v\t\n", q)
	fmt.Fprintf(t, "equilibrated, -log⟨1/w⟩\t%v\t%+.1fσ to the proposals\n", p, p.Sigma(q))
	fmt.Fprintf(t, "both (Bennett)\t%v\t\n", bridge)
	e, thermo := d.Results().Get(freeEnergy, logZThermo)
	if thermo {
		fmt.Fprintf(t, "thermodynamic integration\t%v\t%+.3f, %+.1fσ to Bennett\n", e, e.Value-bridge.Value, e.Sigma(bridge))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	step, _ := d.Results().Get(freeEnergy, stepError)
	if _, err := fmt.Fprintf(w, "systematic errors: about %.1g from the steps of the flow", step.Value); err != nil {
		return err
	}
	if thermo {
		quadrature, _ := d.Results().Get(freeEnergy, quadratureOfIt)
		fmt.Fprintf(w, ", below %.1g from the quadrature over κ", quadrature.Value)
	}
	_, err := fmt.Fprintln(w)
	return err
}
