package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes the tables.
func (g *gaugeRun) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "U(1) gauge theory, %v, β = %v: ⟨cos θ⟩ = %.6f, ⟨Q²⟩ = %.5f, log Z = %.5f\n\n",
		g.action.Layout().Lattice, g.o.beta, g.exact.Plaquette(), g.exact.Q2(), g.exact.LogZ())
	fmt.Fprintln(w, "chain\t⟨cos θ⟩\t⟨Q²⟩\tacceptance\tτ_int(Q²)\tchanges of Q")
	for _, c := range g.chains {
		fmt.Fprintf(w, "%s\t%v\t%v\t%.3f\t%s\t%d\n", c.Title, c.Plaquette, c.Q2.Mean, c.Acceptance, c.Tau(), c.Changes)
	}
	fmt.Fprintln(w, "\nproposals\tESS/N\tESS_p\tsd(log w)\tlargest share\tPareto k̂\tlog Z\tstep error")
	for _, p := range g.proposers {
		fmt.Fprintf(w, "%s\t%v\t%.4g\t%.3g\t%.2g\t%.2f\t%v\t%.1g\n", p.name, p.weights.ESS, p.theory, p.weights.SD, p.weights.MaxShare, p.weights.ParetoK, p.weights.LogZ, p.stepError)
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
		if seconds, ok := c.Cost(); ok {
			fmt.Fprintf(w, "%s\t%.3g\n", c.Title, 1e3*seconds)
		}
	}
	return w.Flush()
}
