package measure

import (
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Series holds the primary observables of one Markov chain, or of one set of independent
// configurations, one entry per configuration.
type Series struct {
	// Volume is the number V of sites.
	Volume int
	// M is the magnetisation (1/V)Σφ (4.5), of several components the length of that
	// vector. Action is S/V. Phi2 and Phi4 are the means over sites and components of φ²
	// and φ⁴.
	M, Action, Phi2, Phi4 []float64
}

// Observables measures a Series during a run; the order is that of [FromRun].
func Observables(action lattice.Action) []mcmc.Observable {
	layout := action.Layout()
	m := lattice.Magnetization
	if layout.Components > 1 {
		m = layout.AbsMagnetization
	}
	v := float64(layout.Volume())
	return []mcmc.Observable{
		{Name: M, Func: m},
		{Name: ActionDensity, Func: func(phi []float64) float64 { return action.Value(phi) / v }},
		{Name: Phi2, Func: lattice.Phi2},
		{Name: Phi4, Func: lattice.Phi4Moment},
	}
}

// FromRun returns the series of every chain of a run whose first observables are
// [Observables].
func FromRun(r *mcmc.EnsembleResult) []Series {
	out := make([]Series, len(r.Series[0]))
	for c := range out {
		out[c] = Series{r.Ensemble.Volume(), r.Series[0][c], r.Series[1][c], r.Series[2][c], r.Series[3][c]}
	}
	return out
}

// FromEnsemble measures configurations.
func FromEnsemble(action lattice.Action, ens *lattice.Ensemble) Series {
	o := Observables(action)
	return Series{
		ens.Volume(), ens.Measure(nil, o[0].Func), ens.Measure(nil, o[1].Func),
		ens.Measure(nil, o[2].Func), ens.Measure(nil, o[3].Func),
	}
}

// Len returns the number of configurations.
func (s Series) Len() int { return len(s.M) }

// each returns the series with f applied to every observable.
func (s Series) each(f func(x []float64) []float64) Series {
	return Series{s.Volume, f(s.M), f(s.Action), f(s.Phi2), f(s.Phi4)}
}

// Pick returns the series of a chain that sits on entry index[t] of s at time t, for
// example that of a chain over proposals, see [mcmc.DMMCResult].
func (s Series) Pick(index []int) Series {
	return s.each(func(x []float64) []float64 {
		out := make([]float64, len(index))
		for t, i := range index {
			out[t] = x[i]
		}
		return out
	})
}

// Slice returns the entries from lo up to hi, which share memory with s.
func (s Series) Slice(lo, hi int) Series {
	return s.each(func(x []float64) []float64 { return x[lo:hi] })
}

// AbsMagnetization returns |M|.
func (s Series) AbsMagnetization() []float64 {
	out := make([]float64, len(s.M))
	for i, m := range s.M {
		out[i] = math.Abs(m)
	}
	return out
}

// derived are the observables of a Series as functions of the means of M, |M|, M²,
// M⁴, S/V, φ² and φ⁴.
var derived = []struct {
	name string
	f    func(volume float64, m []float64) float64
}{
	{M, func(_ float64, m []float64) float64 { return m[0] }},
	{AbsM, func(_ float64, m []float64) float64 { return m[1] }},
	{Chi2, func(v float64, m []float64) float64 { return v * (m[2] - m[0]*m[0]) }},
	{Chi2Connected, func(v float64, m []float64) float64 { return v * (m[2] - m[1]*m[1]) }},
	{Binder, func(_ float64, m []float64) float64 { return 1 - m[3]/(3*m[2]*m[2]) }},
	{ActionDensity, func(_ float64, m []float64) float64 { return m[4] }},
	{Phi2, func(_ float64, m []float64) float64 { return m[5] }},
	{Phi4, func(_ float64, m []float64) float64 { return m[6] }},
	{VM2, func(v float64, m []float64) float64 { return v * m[2] }},
}

// columns returns the series whose means derived takes.
func (s Series) columns() [][]float64 {
	n := len(s.M)
	abs, two, four := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, m := range s.M {
		abs[i], two[i], four[i] = math.Abs(m), m*m, m*m*m*m
	}
	return [][]float64{s.M, abs, two, four, s.Action, s.Phi2, s.Phi4}
}

// estimate returns all derived observables by the given method.
func estimate(volume int, method func(f func(means []float64) float64) (Value, error)) (Values, error) {
	var out Values
	for _, d := range derived {
		e, err := method(func(m []float64) float64 { return d.f(float64(volume), m) })
		if err != nil {
			return nil, named(d.name, err)
		}
		e.Name = d.name
		out = append(out, e)
	}
	return out, nil
}
