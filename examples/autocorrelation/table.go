package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Names of the observables that only this program has, without that of what they
// belong to.
const (
	tauInt       = "tau_int_"
	tauExp       = "tau_exp_"
	shortTau     = "short_tau_int_"
	shortMean    = "short_mean"
	shortSpread  = "short_spread"
	shortFrozen  = "short_frozen"
	windowName   = "window"
	reliableName = "reliable"
	paperName    = "published"
	maxWeight    = "max_weight"
)

// order is that of the rows of the table and of results.json.
var order = []string{frozen, global, local, hybrid, long, cluster, published, diffusive, gaussian}

// titles say what a step is.
var titles = map[string]struct{ name, step string }{
	frozen:    {"Metropolis, global", "φ → φ + N(0,1) at all sites"},
	global:    {"Metropolis, global, tuned", "the same, width for 23 %"},
	local:     {"Metropolis, local", "a sweep, two hits a site"},
	hybrid:    {"HMC", "length 1, 100 leapfrog steps"},
	long:      {"HMC, long", "length 10 ± 50 %, 20 Omelyan"},
	cluster:   {"cluster", "1 Metropolis, 3 overrelax., 2 Wolff"},
	published: {"DM-MC as published", "a draw from a pool of the SDE"},
	diffusive: {"DM-MC", "a proposal of the flow"},
	gaussian:  {"Gaussian-MC", "the same without a network"},
}

// paper are the numbers of section 4.4, for 32×32, κ = 0.27, λ = 0.022.
var paper = map[string]float64{frozen: 79.984, hybrid: 41.354, published: 2.360}

// atPaper tells whether the run has the paper's parameters.
func (a *autocorrelation) atPaper() bool {
	lat := a.action.Layout().Lattice
	return lat.Dim() == 2 && lat.Extent(0) == 32 && lat.Extent(1) == 32 && a.action.Kappa() == 0.27 && a.action.Lambda() == 0.022
}

func (a *autocorrelation) addTo(file *results.File) {
	value := func(v float64) stats.Estimate { return stats.Estimate{Value: v, Error: math.NaN()} }
	for _, name := range order {
		o := a.outcomes[name]
		reliable := 0.0
		if o.Series[0].Reliable && a.bound(name) == "" {
			reliable = 1
		}
		c := o.Series[0]
		file.Add(name, measure.AbsM, c.Mean)
		file.Add(name, measure.TauAbsM, c.Tau)
		file.Add(name, tauInt+observables[1].Name, o.Series[1].Tau)
		file.Add(name, tauExp+measure.AbsM, c.TauExp)
		file.Add(name, windowName, value(float64(c.Window)))
		file.Add(name, reliableName, value(reliable))
		file.Add(name, measure.Acceptance, o.Acceptance)
		file.Add(name, shortTau+measure.AbsM, c.Short)
		file.Add(name, shortMean, c.ShortMean)
		file.Add(name, shortSpread, value(c.ShortSpread))
		file.Add(name, shortFrozen, value(c.Frozen))
		if v, ok := paper[name]; ok && a.atPaper() {
			file.Add(name, paperName, value(v))
		}
	}
}

// print writes the table and what it means.
func (a *autocorrelation) print(w io.Writer) error {
	fmt.Fprintf(w, "\nτ_int of |M| = |(1/V)Σφ| in steps of each algorithm. As the paper computes it: %d configurations, (4.14) up to\n"+
		"t_max = %d; one such chain, and mean ± standard deviation of many. Properly: long chains, automatic window.\n\n", a.o.Short, a.o.TMax)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "algorithm\tone step\tacceptance\tpaper\tone chain\tmany\tproper\tsteps\tτ_exp\tof (1/V)Σ|φ|\t⟨|M|⟩\tms/independent\n")
	for _, name := range order {
		o := a.outcomes[name]
		c := o.Series[0]
		fmt.Fprintf(t, "%s\t%s\t%.3g\t", titles[name].name, titles[name].step, o.Acceptance.Value)
		if v, ok := paper[name]; ok && a.atPaper() {
			fmt.Fprintf(t, "%.1f\t", v)
		} else {
			fmt.Fprint(t, "-\t")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", one(c), many(c), a.bound(name)+proper(c), o.Steps, format(c.TauExp),
			a.bound(name)+proper(o.Series[1]), mean(c), a.bound(name)+price(o))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return a.remarks(w)
}

// tooHeavy is a weight beyond which proposals miss a part of the distribution that τ_int
// of their chain should know of.
const tooHeavy = 100

// bound is put before what is a lower bound because the proposals miss fields.
func (a *autocorrelation) bound(name string) string {
	if name == diffusive && a.heaviest > tooHeavy {
		return "≥ "
	}
	return ""
}

// format prints a number with its error, if it has one.
func format(e stats.Estimate) string {
	switch {
	case math.IsNaN(e.Value):
		return "-"
	case e.Error == 0 || math.IsNaN(e.Error):
		return fmt.Sprintf("%.3g", e.Value)
	}
	return e.String()
}

func one(c correlation) string {
	if math.IsNaN(c.Short.Value) {
		return "stands still"
	}
	return fmt.Sprintf("%.3g", c.Short.Value)
}

func many(c correlation) string {
	if math.IsNaN(c.ShortMean.Value) {
		return "-"
	}
	return fmt.Sprintf("%.3g ± %.2g", c.ShortMean.Value, c.ShortSpread)
}

func proper(c correlation) string {
	switch {
	case c.Frozen == 1:
		return "stands still"
	case !c.Reliable:
		// The window could not close: there is more to come.
		unit := math.Pow(10, math.Floor(math.Log10(c.Tau.Value)))
		return fmt.Sprintf("> %g", math.Floor(c.Tau.Value/unit)*unit)
	}
	return format(c.Tau)
}

// mean leaves out means that say nothing.
func mean(c correlation) string {
	if !c.Reliable {
		return "-"
	}
	return format(c.Mean)
}

// price is the time of one independent |M|.
func price(o outcome) string {
	p := 2 * o.Series[0].Tau.Value * 1e3 * o.Seconds / float64(o.Steps)
	if math.IsNaN(p) || !o.Series[0].Reliable {
		return "-"
	}
	return fmt.Sprintf("%.2g", p)
}

func (a *autocorrelation) remarks(w io.Writer) error {
	fmt.Fprintf(w, "\nThe sum cannot exceed t_max + ½ = %g, and subtracting the mean of a chain that is shorter than its\n"+
		"fluctuations makes it smaller still: any chain that is much too slow shows a number like this.\n", float64(a.o.TMax)+0.5)
	if c := a.outcomes[frozen].Series[0]; c.Frozen == 1 {
		fmt.Fprint(w, "Metropolis with the global shift of width 1 accepts nothing; its C(0) = 0, and (4.14) has no meaning.\n")
	}
	h, d := a.outcomes[hybrid].Series[0], a.outcomes[diffusive].Series[0]
	if h.Reliable {
		fmt.Fprintf(w, "HMC with unit trajectories: %v, not %.3g.\n", h.Tau, h.Short.Value)
	}
	if h.Reliable && d.Reliable {
		atMost := ""
		if a.bound(diffusive) != "" {
			atMost = "at most "
		}
		fmt.Fprintf(w, "Per step it is %s%.3g times slower than DM-MC; per time the last column tells, which leaves out the training", atMost, h.Tau.Value/d.Tau.Value)
		if l := a.outcomes[long].Series[0]; l.Reliable {
			fmt.Fprintf(w, ". Trajectories of length 10 alone gain a factor %.3g", h.Tau.Value/l.Tau.Value)
		}
		fmt.Fprint(w, ".\n")
	}
	if a.heaviest > tooHeavy {
		fmt.Fprintf(w, "Among the draws of the reverse process one has %.2g times the mean weight of the proposals of the flow: a chain that\n"+
			"comes there stays for about as many steps. In DM-MC as published it does; the τ_int of DM-MC from proposals of the\n"+
			"flow alone has not seen such fields yet, and is too small.\n", a.heaviest)
	}
	_, err := fmt.Fprintln(w, "ms/independent is 2 τ_int × time per step on all cores of this machine; it depends on what else they do.")
	return err
}
