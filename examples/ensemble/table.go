package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// rows are the observables of the printed table.
var rows = []struct{ name, title string }{
	{measure.M, "⟨M⟩"}, {measure.AbsM, "⟨|M|⟩"}, {measure.Chi2, "χ₂"}, {measure.Chi2Connected, "V(⟨M²⟩ - ⟨|M|⟩²)"}, {measure.Binder, "U_L"},
	{measure.ActionDensity, "⟨S⟩/V"}, {measure.Phi2, "⟨φ²⟩"}, {measure.Phi4, "⟨φ⁴⟩"},
	{measure.TauAbsM, "τ_int(|M|), steps"}, {measure.Acceptance, "acceptance"}, {expDeltaH, "⟨exp(-ΔH)⟩"},
}

var checked = []struct{ name, title string }{{measure.AbsM, "|M|"}, {squareM, "M²"}, {measure.ActionDensity, "S/V"}}

// significant is the difference of hot and cold starts, in standard errors, beyond
// which chance is no explanation.
const significant = 4

// print writes the table, from the results alone.
func (e *ensemble) print(w io.Writer) error {
	fmt.Fprintf(w, "φ⁴ on %v, κ = %v, λ = %v: %d configurations by %s in %s\n", e.lat, e.o.Kappa, e.o.Lambda, e.o.N, e.o.Algorithm, e.o.Out)
	if n, ok := e.get(trajectory); ok {
		fmt.Fprintf(w, "a step is a trajectory of %.3g integrator steps\n", n.Value)
	}
	if n, ok := e.get(thin); ok {
		fmt.Fprintf(w, "a configuration of a chain every %g steps\n", n.Value)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, biased := e.get(measure.Bias + measure.Phi2)
	fmt.Fprint(t, "\nobservable\tvalue")
	if biased {
		fmt.Fprint(t, "\tbias in it, O(Δτ)")
	}
	fmt.Fprintln(t)
	for _, r := range rows {
		v, ok := e.get(r.name)
		if !ok {
			continue
		}
		fmt.Fprintf(t, "%s\t%s", r.title, format(v))
		if b, ok := e.get(measure.Bias + r.name); ok {
			fmt.Fprintf(t, "\t%s", format(b))
		}
		fmt.Fprintln(t)
	}
	worst := e.printStarts(t)
	if err := t.Flush(); err != nil {
		return err
	}
	return e.printVerdict(w, worst)
}

// printStarts writes the comparison of hot and cold starts, and returns the largest
// deviation, NaN if there is none to see.
func (e *ensemble) printStarts(w io.Writer) (worst float64) {
	worst = math.NaN()
	for i, c := range checked {
		h, ok := e.get(hot + c.name)
		if !ok {
			break
		}
		if i == 0 {
			worst = 0
			fmt.Fprint(w, "\nstart\thot\tcold\tdifference/σ\tR̂\n")
		}
		k, _ := e.get(cold + c.name)
		z, _ := e.get(zScore + c.name)
		if math.IsNaN(z.Value) {
			// Not finite in the file: neither start has an error.
			z.Value = h.Sigma(k)
		}
		r, _ := e.get(rHat + c.name)
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f\t%s\n", c.title, format(h), format(k), z.Value, format(r))
		worst = math.Max(worst, math.Abs(z.Value))
	}
	return worst
}

func (e *ensemble) printVerdict(w io.Writer, worst float64) error {
	verdict := "hot and cold starts agree"
	switch {
	case worst > significant:
		verdict = "warning: hot and cold starts disagree, the ensemble is not thermalised"
	case math.IsNaN(worst):
		verdict = "thermalisation is not checked, which takes two hot and two cold chains"
	}
	if n, _ := e.get(stuck); n.Value > 0 {
		verdict += fmt.Sprintf("\nwarning: %g chains accept less than 1 %% of their proposals", n.Value)
	}
	if e.o.Algorithm == "paper" {
		verdict += "\nwarning: in the paper's protocol every configuration ends a short chain; near the critical point\n" +
			"autocorrelation times are longer than that (arXiv:2309.17082, section 4.1; see mcmc.PaperProtocol)"
	}
	if v, ok := e.get(pilotReliable); ok && v.Value == 0 {
		verdict += "\nwarning: the autocorrelation time is not known well enough, choose -thin by hand or more -chains"
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}

func (e *ensemble) get(observable string) (stats.Estimate, bool) {
	return e.file.Get(e.o.Algorithm, observable)
}

// format prints a number with its error, if it has one.
func format(e stats.Estimate) string {
	switch {
	case math.IsNaN(e.Value):
		return "-"
	case e.Error == 0 || math.IsNaN(e.Error):
		return fmt.Sprintf("%.4g", e.Value)
	}
	return e.String()
}
