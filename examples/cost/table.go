package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/stats"
)

// print writes the tables.
func (c *cost) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "\nsampler\tlattice\t⟨|M|⟩\tτ_int(|M|)\ttime/step\tacceptance\tsd(log w)\tESS/N\tlargest share\tPareto k̂\ttime/independent\tlog Z\terror of log Z in 1 s\t\n")
	for _, a := range c.samplers {
		for _, s := range c.sites {
			o := c.outcomes[a.name+"_"+s.name]
			if o.Missing != "" {
				fmt.Fprintf(t, "%s\t%s\t%s\n", titles[a.name], s.name, o.Missing)
				continue
			}
			variant := o.Variant
			if !math.IsNaN(o.Beta) {
				variant = fmt.Sprintf("β = %.2g, %s", o.Beta, variant)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s%s\t%s\t%s%s\t%s\n", titles[a.name], s.name, cell(o.AbsM), cell(o.Tau), report.Duration(o.Seconds),
				number(o.Acceptance), cell(o.SD), cell(o.ESS), number(o.Share), number(o.ParetoK), bound(o, o.Cost.Value), report.Duration(o.Cost.Value), cell(o.LogZ), bound(o, o.rate()), number(o.rate()), variant)
		}
	}
	fmt.Fprint(t, "\ntime/independent = A L^p\tp\tA\tχ²/dof\tDM-MC is cheaper\n")
	for _, a := range c.samplers {
		p, ok := c.fits[a.name]
		if !ok {
			continue
		}
		fmt.Fprintf(t, "%s\t%v\t%s\t%s\t%s\n", titles[a.name], p.Exponent, report.Duration(math.Exp(p.LogAmplitude.Value)), chi2(p), c.verdict(a.name))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nwall time with %d cores at work, without training; ≥: a lower bound, not in the fit\n", runtime.GOMAXPROCS(0))
	return err
}

// verdict says where DM-MC is cheaper than another sampler.
func (c *cost) verdict(name string) string {
	if name == exact {
		return ""
	}
	p, ok := c.fits[exact]
	if !ok {
		return "-"
	}
	q := c.fits[name]
	x, ok := c.crossing(name)
	lo, hi := c.sites[0].extent(), c.sites[len(c.sites)-1].extent()
	flatter := p.Exponent.Value < q.Exponent.Value
	middle := math.Sqrt(lo * hi)
	within := "extrapolated"
	if ok && x.Value >= lo && x.Value <= hi {
		within = "measured"
	}
	switch {
	case !ok && p.At(middle).Value < q.At(middle).Value:
		return "always"
	case !ok:
		return "never"
	case flatter && x.Value < 2:
		return "always"
	case flatter:
		return fmt.Sprintf("beyond L %s (%s)", extent(x), within)
	case x.Value < 2:
		return "never"
	}
	return fmt.Sprintf("below L %s (%s)", extent(x), within)
}

// extent prints a size, one digit of it where no more than its order is known.
func extent(x stats.Estimate) string {
	if x.Error < 0.3*x.Value {
		return "= " + x.String()
	}
	unit := math.Pow(10, math.Floor(math.Log10(x.Value)))
	return fmt.Sprintf("≈ %.0f", math.Round(x.Value/unit)*unit)
}

func chi2(p stats.PowerLaw) string {
	if p.N < 3 {
		return "-"
	}
	return fmt.Sprintf("%.2g", p.Chi2/float64(p.N-2))
}

// bound is put before what is a lower bound.
func bound(o outcome, v float64) string {
	if o.Reliable || math.IsNaN(v) {
		return ""
	}
	return "≥ "
}

// cell returns a number with its error, if it has them.
func cell(e stats.Estimate) string {
	if e.Error > 0 {
		return e.String()
	}
	return number(e.Value)
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.3g", v)
}
