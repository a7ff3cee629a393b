// Package measure turns configurations and Markov chains into the observables that
// the example programs report, all with errors that account for autocorrelation.
package measure

import (
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// Names of the observables in results.json.
const (
	M                   = "m"                    // ⟨M⟩ (4.5)
	AbsM                = "abs_m"                // ⟨|M|⟩, |M| = |mean φ|
	Chi2                = "chi2"                 // V(⟨M²⟩ - ⟨M⟩²) (4.6)
	Chi2Connected       = "chi2_connected"       // V(⟨M²⟩ - ⟨|M|⟩²)
	VM2                 = "v_m2"                 // V⟨M²⟩
	Binder              = "binder"               // 1 - ⟨M⁴⟩/(3⟨M²⟩²) (4.7)
	ActionDensity       = "action_density"       // ⟨S⟩/V
	Phi2                = "phi2"                 // ⟨φ²⟩
	Phi4                = "phi4"                 // ⟨φ⁴⟩
	TauAbsM             = "tau_int_abs_m"        // τ_int of |M| (4.14), in steps of the chain
	Acceptance          = "acceptance"           // observed
	AcceptancePredicted = "acceptance_predicted" // from the log-weights
	ESS                 = "ess"                  // of the log-weights, over N
	SDLogW              = "sd_log_w"             // standard deviation of log w
	R2                  = "r2"                   // (4.9) after removing the offset
	PearsonR2           = "pearson_r2"           // squared correlation
)

// Series holds the primary observables of one Markov chain, or of one set of
// independent configurations, one entry per configuration.
type Series struct {
	M, Action, Phi2, Phi4 []float64 // M, S/V, φ², φ⁴
}

// Observables measures a Series during a run; the order is that of [FromRun].
func Observables(action *lattice.Phi4) []mcmc.Observable {
	v := float64(action.Layout().Volume())
	return []mcmc.Observable{
		{Name: M, Func: lattice.Magnetization},
		{Name: ActionDensity, Func: func(phi []float64) float64 { return action.Value(phi) / v }},
		{Name: Phi2, Func: lattice.Phi2},
		{Name: Phi4, Func: lattice.Phi4Moment},
	}
}

// FromRun returns the series of every chain of a run that measured Observables after
// every step.
func FromRun(r *mcmc.EnsembleResult) []Series {
	out := make([]Series, len(r.Series[0]))
	for c := range out {
		out[c] = Series{r.Series[0][c], r.Series[1][c], r.Series[2][c], r.Series[3][c]}
	}
	return out
}

// FromEnsemble measures configurations.
func FromEnsemble(action *lattice.Phi4, ens *lattice.Ensemble) Series {
	o := Observables(action)
	return Series{
		ens.Measure(nil, o[0].Func), ens.Measure(nil, o[1].Func),
		ens.Measure(nil, o[2].Func), ens.Measure(nil, o[3].Func),
	}
}

// Pick returns the series of a chain that sits on entry index[t] of s at time t.
func (s Series) Pick(index []int) Series {
	pick := func(x []float64) []float64 {
		out := make([]float64, len(index))
		for t, i := range index {
			out[t] = x[i]
		}
		return out
	}
	return Series{pick(s.M), pick(s.Action), pick(s.Phi2), pick(s.Phi4)}
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

func (s Series) columns() [][]float64 {
	n := len(s.M)
	abs, two, four := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, m := range s.M {
		abs[i], two[i], four[i] = math.Abs(m), m*m, m*m*m*m
	}
	return [][]float64{s.M, abs, two, four, s.Action, s.Phi2, s.Phi4}
}

// AddChain adds the observables of the replicas of a Markov chain to the file, with
// errors and τ_int of |M| from the Γ-method.
func AddChain(file *results.File, ensemble string, volume int, replicas ...Series) error {
	if err := add(file, ensemble, volume, replicas); err != nil {
		return err
	}
	abs := make([][]float64, len(replicas))
	for i, r := range replicas {
		abs[i] = r.AbsMagnetization()
	}
	g, err := stats.GammaMethod(abs, stats.GammaConfig{})
	if errors.Is(err, stats.ErrNegativeVariance) {
		g.Tau.Estimate = stats.Estimate{Value: math.NaN(), Error: math.NaN()}
	} else if err := Usable(err); err != nil {
		return fmt.Errorf("%s: τ_int of |M|: %w", ensemble, err)
	}
	file.Add(ensemble, TauAbsM, g.Tau.Estimate)
	return nil
}

// Usable drops the error of an estimate from a series that is short for its
// autocorrelation: the estimate is there and its own error tells how good it is.
func Usable(err error) error {
	if short := (*stats.TooShortError)(nil); errors.As(err, &short) {
		return nil
	}
	return err
}

// AddIndependent adds the observables of independent configurations to the file.
func AddIndependent(file *results.File, ensemble string, volume int, s Series) error {
	blocks := min(100, len(s.M))
	columns := s.columns()
	for _, d := range derived {
		e, err := stats.Jackknife(columns, blocks, func(m []float64) float64 { return d.f(float64(volume), m) })
		if err != nil {
			return fmt.Errorf("%s: %s: %w", ensemble, d.name, err)
		}
		file.Add(ensemble, d.name, e)
	}
	return nil
}

func add(file *results.File, ensemble string, volume int, replicas []Series) error {
	columns := make([][][]float64, len(replicas))
	for i, r := range replicas {
		columns[i] = r.columns()
	}
	for _, d := range derived {
		f := func(m []float64) float64 { return d.f(float64(volume), m) }
		g, err := stats.GammaFunc(columns, stats.GammaConfig{}, f)
		if errors.Is(err, stats.ErrNegativeVariance) {
			// A short chain without autocorrelation can fluctuate to a negative τ_int.
			g.Mean, err = stats.Jackknife(concatenate(columns), min(20, len(columns[0][0])), f)
		}
		if err := Usable(err); err != nil {
			return fmt.Errorf("%s: %s: %w", ensemble, d.name, err)
		}
		file.Add(ensemble, d.name, g.Mean)
	}
	return nil
}

// concatenate joins the replicas of every column.
func concatenate(replicas [][][]float64) [][]float64 {
	out := make([][]float64, len(replicas[0]))
	for _, r := range replicas {
		for k, x := range r {
			out[k] = append(out[k], x...)
		}
	}
	return out
}

// AddLikelihood adds what the actions S and log q of configurations drawn from q say
// about q: sd(log w), ESS, predicted acceptance, and both R². It returns log w.
func AddLikelihood(file *results.File, ensemble string, action, logq []float64) ([]float64, error) {
	logw, effective := make([]float64, len(logq)), make([]float64, len(logq))
	for i := range logw {
		logw[i], effective[i] = -action[i]-logq[i], -logq[i]
	}
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return nil, fmt.Errorf("%s: log-weights: %w", ensemble, err)
	}
	r2, err := stats.R2Coefficient(action, effective)
	if err != nil {
		return nil, fmt.Errorf("%s: R²: %w", ensemble, err)
	}
	pearson, err := stats.PearsonR2(action, effective)
	if err != nil {
		return nil, fmt.Errorf("%s: R²: %w", ensemble, err)
	}
	// The error of a standard deviation of n values is that of Gaussian ones.
	file.Add(ensemble, SDLogW, stats.Estimate{Value: w.SD, Error: w.SD / math.Sqrt(2*float64(len(logw)-1))})
	file.Add(ensemble, ESS, w.ESS)
	file.Add(ensemble, AcceptancePredicted, w.Acceptance)
	file.Add(ensemble, R2, stats.Estimate{Value: r2, Error: math.NaN()})
	file.Add(ensemble, PearsonR2, stats.Estimate{Value: pearson, Error: math.NaN()})
	return logw, nil
}
