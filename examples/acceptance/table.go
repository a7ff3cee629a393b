package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/mcmc/measure"
)

var columns = []struct{ name, title string }{
	{measure.Acceptance, "acceptance"}, {measure.AcceptancePredicted, "predicted"}, {measure.ESS, "ESS/N"},
	{measure.SDLogW, "sd(log w)"}, {measure.R2, "R²"}, {measure.LongestRejection, "longest rejection"},
}

// print writes one table for each figure.
func (a *acceptance) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	section := func(title, paper string, points []*point, label func(p *point) string) {
		a.header(t, title, paper, "s/epoch")
		for _, p := range points {
			a.row(t, label(p)+"\tDM-MC", "dm_"+p.name())
			if c, ok := a.cost(p); ok {
				fmt.Fprintf(t, "%.3g", c.SecondsPerEpoch)
			} else {
				fmt.Fprint(t, "-")
			}
			fmt.Fprintln(t)
			a.row(t, "\tGaussian", "gaussian_"+p.name())
			fmt.Fprintln(t)
		}
	}
	section(fmt.Sprintf("figure 13, %v", a.kappas[0].lat), "0.4 to 0.6 on 32x32", a.kappas,
		func(p *point) string { return fmt.Sprintf("κ = %v", p.kappa) })
	section(fmt.Sprintf("figure 14, κ = %v", a.o.Kappa), "about 0.6 for large L", a.extents,
		func(p *point) string { return fmt.Sprintf("L = %d", p.lat.Extent(0)) })
	if a.long != nil {
		a.header(t, "figure 15, "+a.long.Title(), "rises within 200 epochs", "")
		a.row(t, "no training\tGaussian", "gaussian_steps")
		fmt.Fprintln(t)
		for _, n := range a.kept {
			a.row(t, fmt.Sprintf("%d steps, %.2g epochs\tDM-MC", n, float64(n)/float64(a.epoch())), fmt.Sprintf("dm_steps_%d", n))
			fmt.Fprintln(t)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	worst := 0.0
	for _, r := range a.table.Results {
		if r.Observable == stepError && r.Value != nil {
			worst = math.Max(worst, *r.Value)
		}
	}
	if _, err := fmt.Fprintf(w, "\nlargest error of log q from the step size: %.1g\n", worst); err != nil {
		return err
	}
	if e, ok := a.exponent(); ok {
		_, err := fmt.Fprintf(w, "training cost grows as L^%.2f here (the paper's, on a GPU: 5.80, 6.19, 6.54, 6.97, 8.63 s for L = 16, 24, 32, 48, 64)\n", e)
		return err
	}
	return nil
}

func (a *acceptance) header(w io.Writer, title, paper, last string) {
	fmt.Fprintf(w, "\n%s", title)
	if a.published() {
		fmt.Fprintf(w, " (paper: %s)", paper)
	}
	fmt.Fprint(w, "\n\t\t")
	for _, c := range columns {
		fmt.Fprintf(w, "%s\t", c.title)
	}
	fmt.Fprintln(w, last)
}

func (a *acceptance) row(w io.Writer, label, ensemble string) {
	fmt.Fprintf(w, "%s\t", label)
	for _, c := range columns {
		e, ok := a.table.Get(ensemble, c.name)
		switch {
		case !ok:
			fmt.Fprint(w, "-\t")
		case c.name == measure.R2:
			fmt.Fprintf(w, "%.5f\t", e.Value)
		case e.Error == 0 || math.IsNaN(e.Error):
			fmt.Fprintf(w, "%.4g\t", e.Value)
		default:
			fmt.Fprintf(w, "%v\t", e)
		}
	}
}
