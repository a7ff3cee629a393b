package report

import (
	"errors"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/mcmc"
)

// Warn prints what makes the theory of a run hard for a model.
func Warn(warning string) { fmt.Fprintln(os.Stderr, "note:", warning) }

// Baseline returns the error of the run of a baseline of n configurations. That finished
// chains do not agree is none: it is what the others are compared with, and only noted.
func Baseline(run *mcmc.EnsembleResult, n int, err error) error {
	var apart *mcmc.NotEquilibratedError
	if !errors.As(err, &apart) || run.Ensemble.Len() < n {
		return err
	}
	Warn("the baseline is not in equilibrium, its row is biased: " + err.Error())
	return nil
}
