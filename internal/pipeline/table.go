package pipeline

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/measure"
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

// print writes the table and what it means, after Walk.
func (r *Run) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\n")
	for _, c := range columns {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	fmt.Fprintln(t)
	for _, row := range rows {
		fmt.Fprint(t, row.title)
		for _, c := range columns {
			e, ok := r.table.Get(row.name, c.name)
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
	fmt.Fprintf(w, "\nworst deviation of the DM from the reference: %.1f combined errors\n", r.worstDeviation("dm"))
	_, err := fmt.Fprintf(w, "errors of log q of the flow: %.2g from the probes of the divergence (part of sd(log w)), %.1g from the step size\n",
		rms(r.drawn.Extra["logq_error"]), r.drawn.Params["step_error"])
	return err
}

func rms(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s / float64(len(x)))
}

// worstDeviation returns the largest deviation of the observables of an ensemble
// from the reference, in combined standard errors.
func (r *Run) worstDeviation(ensemble string) float64 {
	worst := 0.0
	for _, c := range columns[:5] {
		a, _ := r.table.Get(ensemble, c.name)
		b, _ := r.table.Get("reference", c.name)
		worst = math.Max(worst, math.Abs(a.Value-b.Value)/math.Hypot(a.Error, b.Error))
	}
	return worst
}
