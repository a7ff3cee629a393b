package measure

import (
	"errors"

	"github.com/latdiff/latdiff/stats"
)

// Names of the observables.
const (
	M                   = "m"                    // ⟨M⟩ (4.5)
	AbsM                = "abs_m"                // ⟨|M|⟩, |M| = |mean φ|
	Chi2                = "chi2"                 // V(⟨M²⟩ - ⟨M⟩²) (4.6)
	Chi2Connected       = "chi2_connected"       // V(⟨M²⟩ - ⟨|M|⟩²)
	VM2                 = "v_m2"                 // V⟨M²⟩
	Binder              = "binder"               // 1 - ⟨M⁴⟩/(3⟨M²⟩²) (4.7), 0 for a Gaussian of one component
	ActionDensity       = "action_density"       // ⟨S⟩/V
	Phi2                = "phi2"                 // ⟨φ²⟩
	Phi4                = "phi4"                 // ⟨φ⁴⟩
	TauAbsM             = "tau_int_abs_m"        // τ_int of |M| (4.14), in steps of the chain
	Acceptance          = "acceptance"           // observed
	AcceptancePredicted = "acceptance_predicted" // from the log-weights
	LongestRejection    = "longest_rejection"    // rejections in a row
	ESS                 = "ess"                  // of the log-weights, over N
	SDLogW              = "sd_log_w"             // standard deviation of log w
	R2                  = "r2"                   // (4.9) after removing the offset
	PearsonR2           = "pearson_r2"           // squared correlation
	PositiveFraction    = "positive_fraction"    // of configurations with M > 0
	Bias                = "bias_"                // put before a name: its shift, see [Response]
)

// Value is the estimate of one observable.
type Value struct {
	Name string
	stats.Estimate
}

// Values are estimates of observables of one ensemble.
type Values []Value

// Get returns the estimate of the observable called name, and whether there is one.
func (v Values) Get(name string) (stats.Estimate, bool) {
	for _, e := range v {
		if e.Name == name {
			return e.Estimate, true
		}
	}
	return stats.Estimate{}, false
}

// Usable drops the error of an estimate from a series that is short for its
// autocorrelation: the estimate is there and its own error tells how good it is.
func Usable(err error) error {
	if short := (*stats.TooShortError)(nil); errors.As(err, &short) {
		return nil
	}
	return err
}
