package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/refvalues"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Names of observables that only this program has.
const (
	tauExp     = "tau_exp_abs_m"
	relaxTime  = "relaxation_time"
	neededName = "steps_to_1_percent"
	settled    = "settled"
	reliable   = "reliable"
)

// reference is the equilibrium by the cluster algorithm.
const reference = "reference"

// truth returns V⟨M²⟩ in equilibrium by the cluster algorithm.
func (t *thermalisation) truth() stats.Estimate { return t.equilibria[len(algorithms)-1].VM2 }

// independent returns V⟨M²⟩ by an independent program, where it has been measured.
func (t *thermalisation) independent() (stats.Estimate, bool) {
	r, ok := refvalues.Find(t.action)
	return r.Values[measure.VM2], ok
}

// bias is the relative deviation from the equilibrium.
func (t *thermalisation) bias(e stats.Estimate) stats.Estimate {
	q := t.truth()
	r := e.Value / q.Value
	return stats.Estimate{Value: r - 1, Error: math.Hypot(e.Error, r*q.Error) / q.Value}
}

// analyse fills the table of results.
func (t *thermalisation) analyse() error {
	volume := float64(t.action.Layout().Volume())
	last := t.equilibria[len(algorithms)-1]
	t.table.Add(reference, measure.VM2, last.VM2)
	t.table.Add(reference, measure.AbsM, last.AbsM)
	for i, a := range algorithms {
		r, err := relax(t.approaches[i][0], t.truth(), volume)
		if err != nil {
			return err
		}
		t.relaxation = append(t.relaxation, r)
		e := t.equilibria[i]
		flag := 0.0
		if e.Reliable {
			flag = 1
		}
		t.table.Add(a.name, measure.VM2, e.VM2)
		t.table.Add(a.name, measure.AbsM, e.AbsM)
		t.table.Add(a.name, measure.TauAbsM, e.Tau)
		t.table.Add(a.name, reliable, stats.Estimate{Value: flag, Error: math.NaN()})
		t.table.Add(a.name, tauExp, e.TauExp)
		t.table.Add(a.name, relaxTime, r.Tau)
		t.table.Add(a.name, neededName, r.Needed)
		t.table.Add(a.name, settled, stats.Estimate{Value: float64(r.Settled), Error: math.NaN()})
		for s, start := range starts {
			for _, n := range protocol {
				suffix := "_" + strconv.Itoa(n)
				for _, o := range []struct {
					name string
					f    func(float64) float64
				}{
					{measure.VM2, func(m float64) float64 { return volume * m * m }},
					{measure.AbsM, math.Abs},
					{measure.M, func(m float64) float64 { return m }},
				} {
					v, err := t.approaches[i][s].mean(n, o.f)
					if err != nil {
						return err
					}
					t.table.Add(a.name+"_"+start.name, o.name+suffix, v)
					if o.name == measure.VM2 {
						t.table.Add(a.name+"_"+start.name, measure.Bias+o.name+suffix, t.bias(v))
					}
				}
			}
		}
	}
	return nil
}

func (t *thermalisation) get(ensemble, observable string) stats.Estimate {
	e, _ := t.table.Get(ensemble, observable)
	return e
}

func (t *thermalisation) print(w io.Writer) error {
	fmt.Fprintf(w, "\nV⟨M²⟩ in equilibrium: %v by cluster updates", t.truth())
	if e, ok := t.independent(); ok {
		fmt.Fprintf(w, ", %v by an independent program", e)
	}
	fmt.Fprintf(w, ".\nThe protocol of the paper, over %d chains: 100 trajectories of burn-in and one configuration\n\n", t.o.Chains)
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tab, "trajectory\tstart\tV⟨M²⟩\tbias\tin σ\t⟨|M|⟩\t⟨M⟩\n")
	for k, n := range protocol {
		for _, s := range starts {
			e := t.get(unit+"_"+s.name, measure.VM2+"_"+strconv.Itoa(n))
			fmt.Fprintf(tab, "%d%s\t%s\t%v\t%s\t%.1f\t%v\t%v\n", n, []string{" (end of burn-in)", " (published code)", " (section 4.1)"}[k], s.name, e,
				percent(t.bias(e)), e.Sigma(t.truth()), t.get(unit+"_"+s.name, measure.AbsM+"_"+strconv.Itoa(n)),
				t.get(unit+"_"+s.name, measure.M+"_"+strconv.Itoa(n)))
		}
	}
	fmt.Fprint(tab, "\nalgorithm\tone step\tτ_int(|M|)\tτ_exp(|M|)\trelaxation\tsteps to 1 %\tbias at 164, hot\tcold\t⟨M⟩ at 164, cold\n")
	for i, a := range algorithms {
		n := "_" + strconv.Itoa(protocol[len(protocol)-1])
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%v\n", a.title, a.step, t.tau(i), format(t.equilibria[i].TauExp), format(t.relaxation[i].Tau), t.needed(i),
			percent(t.get(a.name+"_hot", measure.Bias+measure.VM2+n)), percent(t.get(a.name+"_cold", measure.Bias+measure.VM2+n)),
			t.get(a.name+"_cold", measure.M+n))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	return t.remarks(w)
}

func (t *thermalisation) remarks(w io.Writer) error {
	if tau := t.equilibria[0].TauExp; tau.Value > 0 {
		fmt.Fprintf(w, "\nThe paper's chains end after %.2g relaxation times: e^{-%.2g} = %.2g of the slowest deviation is left.\n",
			float64(protocol[2])/tau.Value, float64(protocol[2])/tau.Value, math.Exp(-float64(protocol[2])/tau.Value))
	}
	_, err := fmt.Fprintln(w, "relaxation: of V⟨M²⟩ from the hot start, which must be τ_exp; steps to 1 %: until the bias from the hot start is below\n"+
		"1 % (with ≤: no deviation from there on beyond 1 % and two errors). Flips set ⟨M⟩ right and leave V⟨M²⟩ as it is.")
	return err
}

func (t *thermalisation) tau(i int) string {
	e := t.equilibria[i]
	if !e.Reliable {
		return fmt.Sprintf("> %.2g", e.Tau.Value)
	}
	return format(e.Tau)
}

func (t *thermalisation) needed(i int) string {
	switch r := t.relaxation[i]; {
	case r.Needed.Value > 0:
		return format(r.Needed)
	case r.Settled > 0:
		return fmt.Sprintf("≤ %d", r.Settled)
	}
	return "-"
}

// format prints a number with its error, if it is known.
func format(e stats.Estimate) string {
	if math.IsNaN(e.Value) {
		return "-"
	}
	return e.String()
}

func percent(e stats.Estimate) string {
	return fmt.Sprintf("%v %%", stats.Estimate{Value: 100 * e.Value, Error: 100 * e.Error})
}
