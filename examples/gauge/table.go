package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
)

// print writes the tables.
func (g *gaugeRun) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "U(1) gauge theory, %v, β = %v: ⟨cos θ⟩ = %.6f, ⟨Q²⟩ = %.5f, log Z = %.5f\n\n",
		g.action.Layout().Lattice, g.o.beta, g.exact.Plaquette(), g.exact.Q2(), g.exact.LogZ())
	fmt.Fprintln(w, "chain\t⟨cos θ⟩\t⟨Q²⟩\tacceptance\tτ_int(Q²)\tchanges of Q")
	for _, c := range g.chains {
		tau := c.q2.Tau.String()
		if math.IsInf(c.q2.Tau.Value, 1) {
			tau = "frozen"
		}
		fmt.Fprintf(w, "%s\t%v\t%v\t%.3f\t%s\t%d\n", c.title, c.plaquette, c.q2.Mean, c.acceptance, tau, c.changes)
	}
	fmt.Fprintln(w, "\nproposals\tESS/N\tESS_p\tsd(log w)\tlargest share\tlog Z\tstep error")
	for _, p := range g.proposers {
		fmt.Fprintf(w, "%s\t%v\t%.4g\t%.3g\t%.2g\t%v\t%.1g\n", p.name, p.weights.ESS, p.theory, p.weights.SD, p.weights.MaxShare, p.weights.LogZ, p.stepError)
	}
	fmt.Fprint(w, "\none plaquette at")
	for _, u := range tailAngles {
		fmt.Fprintf(w, "\t%.4g", u)
	}
	fmt.Fprintln(w)
	for _, p := range g.proposers {
		fmt.Fprintf(w, "change of log w: %s", p.name)
		for _, d := range p.tail {
			fmt.Fprintf(w, "\t%.3f", d)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\ncharges of DM-MC against the exact P(Q): χ² = %.2f for %d degrees of freedom, p = %.3g\n", g.chi2.value, g.chi2.dof, g.chi2.p)
	fmt.Fprintln(w, "\nmilliseconds an independent Q² (a step times 2τ)")
	for _, c := range g.chains {
		if c.seconds > 0 && !math.IsInf(c.q2.Tau.Value, 1) {
			fmt.Fprintf(w, "%s\t%.3g\n", c.title, 1e3*c.seconds*math.Max(1, 2*c.q2.Tau.Value))
		}
	}
	return w.Flush()
}
