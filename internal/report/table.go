package report

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// columns are the observables of the printed table.
var columns = []struct{ name, title string }{
	{measure.M, "⟨M⟩"}, {measure.AbsM, "⟨|M|⟩"}, {measure.Chi2, "χ₂"}, {measure.Binder, "U_L"}, {measure.ActionDensity, "⟨S⟩/V"},
	{measure.Acceptance, "acceptance"}, {measure.AcceptancePredicted, "predicted"}, {measure.ESS, "ESS/N"},
	{measure.SDLogW, "sd(log w)"}, {measure.TauAbsM, "τ_int(|M|)"}, {measure.R2, "R²"},
}

var rows = []struct{ name, title string }{
	{"reference", "reference"}, {"hmc", "HMC"}, {"gaussian", "Gaussian"}, {"dm", "DM (reverse SDE)"},
	{"dm_ode", "DM (flow)"}, {"dmmc", "DM-MC"},
}

// Print writes the table of a program and what it means. The errors of log q are those of
// the proposals of the flow.
func Print(w io.Writer, table *results.File, proposals *lattice.Ensemble) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\n")
	for _, c := range columns {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	fmt.Fprintln(t)
	for _, row := range rows {
		fmt.Fprint(t, row.title)
		for _, c := range columns {
			e, ok := table.Get(row.name, c.name)
			switch {
			case !ok:
				fmt.Fprint(t, "\t-")
			case e.Error == 0 || math.IsNaN(e.Error):
				fmt.Fprintf(t, "\t%.4g", e.Value)
			default:
				fmt.Fprintf(t, "\t%v", e)
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	// The largest deviation in combined standard errors.
	worst := 0.0
	for _, c := range columns[:5] {
		a, _ := table.Get("dm", c.name)
		b, _ := table.Get("reference", c.name)
		worst = math.Max(worst, math.Abs(a.Sigma(b)))
	}
	square := 0.0
	for _, e := range proposals.Extra["logq_error"] {
		square += e * e / float64(proposals.Len())
	}
	fmt.Fprintf(w, "\nworst deviation of the DM from the reference: %.1f combined errors\n", worst)
	_, err := fmt.Fprintf(w, "errors of log q of the flow: %.2g from the probes of the divergence (part of sd(log w)), %.1g from the step size\n",
		math.Sqrt(square), proposals.Params["step_error"])
	return err
}
