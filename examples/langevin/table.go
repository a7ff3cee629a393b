package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// print writes the tables and what they mean.
func (l *langevin) print(w io.Writer) error {
	for _, f := range []func(io.Writer){l.printToys, l.printFree, l.printPhi4} {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		f(t)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func (l *langevin) printToys(w io.Writer) {
	fmt.Fprint(w, "\nThe toy model: spectrum of the Fokker–Planck Hamiltonian, the slowest rate as measured, the largest\n",
		"deviation of the processes from the Fokker–Planck equation in errors, and e^{-S} at the end. Rates are per\n",
		"unit of τ in dφ = K dτ + √2 dW, half of that per unit of t = 2τ in dφ = K/2 dt + dW.\n")
	fmt.Fprint(w, "\tE_0")
	for n := range levels {
		fmt.Fprintf(w, "\tE_%d", n+1)
	}
	fmt.Fprintln(w, "\tdecay of ⟨φ⟩\t1/τ_exp\tpull ⟨φ⟩_τ\tpull ⟨φ²⟩_τ\tp (KS)\t⟨φ²⟩\texact")
	for _, t := range l.toys {
		fmt.Fprintf(w, "%s\t%.0e", t.title, math.Abs(t.spectrum.Values[0]))
		for n := range levels {
			fmt.Fprintf(w, "\t%.5g", t.spectrum.Values[n+1])
		}
		get := func(observable string) stats.Estimate {
			e, _ := l.table.Get("langevin_"+t.name, observable)
			return e
		}
		tau := get("tau_exp")
		rate := stats.Estimate{Value: 1 / tau.Value, Error: tau.Error / (tau.Value * tau.Value)}
		fmt.Fprintf(w, "\t%v\t%v\t%.1f\t%.1f\t%.2g\t%v\t%.5g\n", get("decay_rate"), rate,
			get("pull_"+measure.M).Value, get("pull_"+measure.Phi2).Value, get("ks_p").Value, get(measure.Phi2), t.exact.phi2)
	}
}

func (l *langevin) printFree(w io.Writer) {
	t := l.theories[1]
	fmt.Fprintf(w, "\nThe free field on %v, κ = %v: Langevin (closed form)\nΔτ", t.action.Layout().Lattice, t.action.Kappa())
	for _, o := range observables {
		fmt.Fprintf(w, "\t%s", o.title)
	}
	fmt.Fprintln(w)
	for i, dtau := range l.dtau {
		fmt.Fprint(w, dtau)
		for j, v := range t.exact(dtau) {
			fmt.Fprintf(w, "\t%v (%.5f)", t.values[j][i], v)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "→ 0")
	for j, v := range t.exact(0) {
		fmt.Fprintf(w, "\t%v (%.5f)", t.fits[j].at(0), v)
	}
	fmt.Fprintln(w)
}

func (l *langevin) printPhi4(w io.Writer) {
	t := l.theories[0]
	fmt.Fprintf(w, "\nφ⁴ on %v, κ = %v, λ = %v\nΔτ", t.action.Layout().Lattice, t.action.Kappa(), t.action.Lambda())
	for _, o := range observables {
		fmt.Fprintf(w, "\t%s", o.title)
	}
	fmt.Fprintln(w)
	for i, dtau := range l.dtau {
		fmt.Fprint(w, dtau)
		for j := range observables {
			fmt.Fprintf(w, "\t%v", t.values[j][i])
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "→ 0")
	for j := range observables {
		fmt.Fprintf(w, "\t%v", t.fits[j].at(0))
	}
	for _, e := range []struct{ name, title string }{{"reference", "cluster, Metropolis"}, {"mala", "MALA"}} {
		fmt.Fprintf(w, "\n%s", e.title)
		for _, o := range observables {
			v, _ := l.table.Get(e.name, o.name)
			fmt.Fprintf(w, "\t%v", v)
		}
	}
	fmt.Fprint(w, "\ndeviation of → 0 in errors")
	for j, o := range observables {
		v, _ := l.table.Get("reference", o.name)
		fmt.Fprintf(w, "\t%.1f", t.fits[j].at(0).Sigma(v))
	}
	fmt.Fprintln(w)
}
