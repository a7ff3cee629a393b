package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// published is table 1 of the paper.
var published = map[string]map[string]stats.Estimate{
	"training": {
		measure.M: {Value: 0.0012, Error: 0.0007}, measure.Chi2: {Value: 2.5160, Error: 0.0457}, measure.Binder: {Value: 0.1042, Error: 0.0367},
	},
	"testing": {
		measure.M: {Value: 0.0018, Error: 0.0015}, measure.Chi2: {Value: 2.4463, Error: 0.1099}, measure.Binder: {Value: -0.0198, Error: 0.1035},
	},
	"dm": {
		measure.M: {Value: 0.0017, Error: 0.0015}, measure.Chi2: {Value: 2.4227, Error: 0.1035}, measure.Binder: {Value: 0.0484, Error: 0.0959},
	},
}

var (
	table1Rows = []struct{ name, title string }{
		{"training", "training"}, {"testing", "testing (HMC)"}, {"dm", "generated (reverse SDE)"},
		{"dm_ode", "generated (flow)"}, {"gaussian", "Gaussian, no network"},
	}
	table1Columns = []struct{ name, title string }{
		{measure.M, "⟨M⟩"}, {measure.Chi2, "χ₂"}, {measure.Binder, "U_L"}, {measure.AbsM, "⟨|M|⟩"}, {measure.ActionDensity, "⟨S⟩/V"},
	}
	modelColumns = []struct{ name, title string }{
		{measure.R2, "R²"}, {measure.PearsonR2, "squared correlation"}, {measure.SDLogW, "sd(log w)"}, {measure.ESS, "ESS/N"},
		{measure.Acceptance, "acceptance"}, {measure.AcceptancePredicted, "predicted"},
	}
	modelRows = []struct{ name, title string }{
		{"gaussian", "Gaussian, no network"}, {"dm", "DM, reverse SDE"}, {"dm_ode", "DM, flow"}, {"dmmc", "DM-MC"},
	}
)

// print writes table 1, in each cell the value, its deviation from the truth in combined
// errors, and the number of the paper; then the numbers of figure 7.
func (s *symmetric) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\ntable 1")
	for _, c := range table1Columns {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	fmt.Fprint(t, "\ntruth (cluster, Metropolis)")
	for _, c := range table1Columns {
		e, _ := s.Results().Get("reference", c.name)
		fmt.Fprintf(t, "\t%v", e)
	}
	worst := 0.0
	for _, row := range table1Rows {
		fmt.Fprintf(t, "\n%s", row.title)
		for _, c := range table1Columns {
			e, sigma := s.deviation(row.name, c.name)
			fmt.Fprintf(t, "\t%v %+.1fσ", e, sigma)
			if row.name != "gaussian" {
				worst = math.Max(worst, math.Abs(sigma))
			}
		}
		if paper := published[row.name]; paper != nil && s.published() {
			fmt.Fprint(t, "\n  the paper's")
			for _, c := range table1Columns {
				if e, ok := paper[c.name]; ok {
					truth, _ := s.Results().Get("reference", c.name)
					fmt.Fprintf(t, "\t%v %+.1fσ", e, e.Sigma(truth))
				} else {
					fmt.Fprint(t, "\t-")
				}
			}
		}
	}
	fmt.Fprint(t, "\n\nfigure 7")
	for _, c := range modelColumns {
		fmt.Fprintf(t, "\t%s", c.title)
	}
	for _, row := range modelRows {
		fmt.Fprintf(t, "\n%s", row.title)
		for _, c := range modelColumns {
			e, ok := s.Results().Get(row.name, c.name)
			switch {
			case !ok:
				fmt.Fprint(t, "\t-")
			case math.IsNaN(e.Error) || e.Error == 0:
				fmt.Fprintf(t, "\t%.5f", e.Value)
			default:
				fmt.Fprintf(t, "\t%v", e)
			}
		}
	}
	if s.published() {
		fmt.Fprint(t, "\nthe paper's\t0.96000\t-\t-\t-\t-\t-")
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	step := s.out.Proposals.Params["step_error"]
	p, _ := s.Results().Get("dm", "ks_p")
	_, err := fmt.Fprintf(w, "\nσ: deviations from the truth in combined errors; the worst, without the Gaussian: %.1f\n"+
		"Kolmogorov–Smirnov test of M, generated against testing: p = %.2g\n"+
		"error of log q of the flow from the step size: %.1g\n", worst, p.Value, step)
	return err
}
