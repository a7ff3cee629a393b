package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/latdiff/latdiff/flow/selftrain"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// line describes a rung while the ladder is made.
func line(r selftrain.Rung) string {
	s := fmt.Sprintf("κ = %.5f  steps %4d  polish %d  reweighted %.3f  ESS %.3f  k̂ %.2f  log Z %v  C_0 %.4g  %.0f s",
		r.T, r.Steps, r.Polished, r.Reweighted, r.ESS.Value, r.ParetoK, r.LogZ, zeroMode(r), r.Seconds)
	if r.Fault != "" {
		s += "  failed: " + r.Fault
	}
	return s
}

// zeroMode returns the second moment ⟨φ_0²⟩ of the Gaussian part.
func zeroMode(r selftrain.Rung) float64 { return r.Spectrum[0] + r.Order*r.Order }

// print writes the tables.
func (s *selfTrain) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "φ⁴ on %v, κ = %v, λ = %v, from the action alone\n\n", s.action.Layout().Lattice, s.o.Kappa, s.o.Lambda)
	fmt.Fprintln(w, "κ\tmodel\tsteps\tpolish\tESS reweighted\tESS/N\tacceptance\tlargest share\tk̂\tlog Z\tC_0\t-⟨φ_0 K_0⟩\tESS_p\tevaluations S, K")
	for _, r := range s.rungs {
		model, theory := "Gaussian", "-"
		if r.Network {
			model = "network"
		}
		if r.Sides != nil {
			theory = fmt.Sprintf("%.3f", r.Sides.ESSTheory)
		}
		if r.Fault != "" {
			model += ", failed"
		}
		fmt.Fprintf(w, "%.5f\t%s\t%d\t%d\t%.3f\t%v\t%v\t%.2g\t%.2f\t%v\t%.4g\t%v\t%s\t%d, %d\n",
			r.T, model, r.Steps, r.Polished, r.Reweighted, r.ESS, r.Acceptance, r.MaxShare, r.ParetoK, r.LogZ, zeroMode(r), r.SchwingerDyson, theory, r.Values, r.Drifts)
	}
	fmt.Fprintln(w, "\n\t⟨|M|⟩\tχ₂\tU_L\t⟨S⟩/V\tacceptance\tESS/N\tsd(log w)\tτ_int(|M|)\tlog Z")
	fmt.Fprint(w, "DM-MC")
	for _, name := range []string{
		measure.AbsM, measure.Chi2, measure.Binder, measure.ActionDensity, measure.Acceptance, measure.ESS, measure.SDLogW, measure.TauAbsM, "log_z",
	} {
		e, _ := s.table.Get(chain, name)
		fmt.Fprintf(w, "\t%v", e)
	}
	fmt.Fprintln(w)
	if s.o.integral {
		fmt.Fprintf(w, "\nlog Z by thermodynamic integration: %v\n", s.logZ)
	}
	fmt.Fprintf(w, "\nthe ladder: %.0f s\n", s.seconds)
	for _, r := range s.rungs {
		if r.Fault != "" {
			fmt.Fprintf(w, "failed at κ = %.5f: %s\n", r.T, r.Fault)
		}
	}
	return w.Flush()
}
