package report_test

import (
	"errors"
	"testing"

	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// A finished baseline that is not in equilibrium is a result; what is unfinished, or fails
// otherwise, is not.
func TestBaseline(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	run := &mcmc.EnsembleResult{Ensemble: lattice.NewEnsemble(lattice.Scalar(lat), 8)}
	for range 8 {
		run.Ensemble.Append(make([]float64, 16))
	}
	apart, other := &mcmc.NotEquilibratedError{Chain: -1}, errors.New("other")
	for _, c := range []struct {
		n         int
		err, want error
	}{{8, apart, nil}, {9, apart, apart}, {8, other, other}, {8, nil, nil}} {
		if got := report.Baseline(run, c.n, c.err); got != c.want {
			t.Errorf("Baseline(8 of %d, %v) = %v, want %v", c.n, c.err, got, c.want)
		}
	}
}
