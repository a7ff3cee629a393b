package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/latdiff/latdiff/mcmc/measure"
)

// print writes the tables and what they mean.
func (t *toy) print(w io.Writer) error {
	for _, p := range t.potentials {
		for _, f := range []func(io.Writer, *potential){t.printDrift, t.printModels, t.printSamples} {
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			f(table, p)
			if err := table.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// number returns a number of the table, which must be there.
func (t *toy) number(ensemble, observable string) float64 {
	e, _ := t.table.Get(ensemble, observable)
	return e.Value
}

func (t *toy) printDrift(w io.Writer, p *potential) {
	fmt.Fprintf(w, "\n%s\nThe drift with noise, rms over p_σ, and the error of the models.\nτ\tσ\tdrift", p.title)
	for _, c := range p.models {
		fmt.Fprintf(w, "\t%s", c.name)
	}
	fmt.Fprintln(w)
	for _, tau := range shown {
		name := fmt.Sprintf("drift_rms_tau_%v", tau)
		fmt.Fprintf(w, "%.2f\t%.3f\t%.4f", tau, levelAt(tau), t.number("exact_"+p.name, name))
		for _, c := range p.models {
			fmt.Fprintf(w, "\t%.4f", t.number(c.name+"_"+p.name, name))
		}
		fmt.Fprintln(w)
	}
}

func (t *toy) printModels(w io.Writer, p *potential) {
	fmt.Fprintln(w, "\nσ × error of the drift, rms over log σ, the bound on the divergence that it makes, and the density of the flow.")
	fmt.Fprintln(w, "\tσ × error\tKL bound\trms(log q − log p)\tmedian\tsd(log w)\tESS/N\tacceptance")
	for _, c := range p.models {
		m, f := c.name+"_"+p.name, c.name+"_"+odeFlow+"_"+p.name
		ess, _ := t.table.Get(f, measure.ESS)
		accept, _ := t.table.Get(f, measure.AcceptancePredicted)
		fmt.Fprintf(w, "%s\t%.4f\t%.2g\t%.3g\t%.2g\t%.3g\t%v\t%v\n", c.name, t.number(m, "drift_rms"), t.number(m, "kl_bound"),
			t.number(f, "logq_rms"), t.number(f, "logq_median"), t.number(f, measure.SDLogW), ess, accept)
	}
}

func (t *toy) printSamples(w io.Writer, p *potential) {
	samplers := []struct{ name, title string }{{euler, "Euler–Maruyama"}, {ancestral, "ancestral"}, {odeFlow, "flow"}}
	fmt.Fprintf(w, "\n%d samples: ⟨φ²⟩, exactly %.5g, and the p-value of the Kolmogorov–Smirnov test.\n", t.o.Samples, t.number("exact_"+p.name, measure.Phi2))
	for _, s := range samplers {
		fmt.Fprintf(w, "\t%s", s.title)
	}
	fmt.Fprintln(w)
	cell := func(ensemble string) {
		phi2, _ := t.table.Get(ensemble, measure.Phi2)
		fmt.Fprintf(w, "\t%v, p = %.2g", phi2, t.number(ensemble, "ks_p"))
	}
	fmt.Fprint(w, "data")
	cell("data_" + p.name)
	fmt.Fprintln(w)
	for _, c := range p.models {
		fmt.Fprint(w, c.name)
		for _, s := range samplers {
			cell(c.name + "_" + s.name + "_" + p.name)
		}
		fmt.Fprintln(w)
	}
}
