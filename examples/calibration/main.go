// Calibration measures how right the errors are that the library quotes: for each of them it
// analyses many independent data sets whose truth is known, and prints the rms of the pull
// (value - truth)/error and the share of data sets within one and two errors, which should be
// 1, 0.683 and 0.954.
//
//	go run ./examples/calibration -out out-calibration
//
// The data sets are
//
//   - autoregressive series x_i = a x_{i-1} + noise of several τ_int, 4000 entries each, and one
//     that is the sum of a fast and a weak slow mode: mean and τ_int by the Γ-method, its error
//     of the error, its versions for 16 replicas and for gaps, jackknife, bootstrap
//   - Metropolis chains of the free field on 4×4 and of φ⁴ theory on a ring of 8 sites, whose
//     transfer matrix is exact: ⟨|M|⟩, χ₂, the Binder cumulant, ⟨φ²⟩ and ⟨S⟩/V by the Γ-method,
//     jackknife and bootstrap; log Z of the latter by weights from either side, the bridge,
//     sequential Monte Carlo, and thermodynamic integration
//   - independent Gaussian magnetisations, 100 to 4000 of them: the Binder cumulant
//   - 1000 Gaussian log-weights of standard deviation 0.1 to 3: effective sample size,
//     acceptance predicted and observed, reweighted means, log Z from either side and by the
//     bridge
//
// An error that the library itself reports as not to be trusted, by a series that is too
// short, by samples without overlap, or by Pareto k̂ above its threshold, is called flagged;
// the table has the share of those, and the rms pull of the others.
//
// In results.json every kind of data is an ensemble, with the observables QUANTITY_rms_pull,
// _mean_pull, _within_1, _within_2, _flagged and _rms_pull_unflagged, and k_hat, the mean of
// Pareto k̂, of weights. calibration.png shows the rms pulls of log-weights against their
// standard deviation, and those of series against N/τ_int. The run takes half a minute on two
// cores; interrupted with Ctrl-C it keeps what is finished, and the same command continues.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("calibration", func(ctx context.Context) error { return run(ctx, os.Stdout, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	out  string
	seed uint64
	sets int
	// entries is the length of a series, weights the number of log-weights.
	entries, weights int
}

func parse(args []string) (options, error) {
	var o options
	fs := program.NewFlagSet("calibration", "Calibration compares the errors that the library quotes with the scatter of many data sets of known truth.")
	fs.StringVar(&o.out, "out", "out-calibration", "output `folder`; a run that was interrupted continues there")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of all random numbers")
	fs.IntVar(&o.sets, "n", 400, "independent data sets of each kind")
	fs.IntVar(&o.entries, "entries", 4000, "entries of every series")
	fs.IntVar(&o.weights, "weights", 1000, "log-weights of every set")
	if err := program.Parse(fs, args); err != nil {
		return o, err
	}
	switch {
	case o.sets < 2:
		return o, fmt.Errorf("expected -n of at least 2, got %d", o.sets)
	case o.entries < leastEntries:
		return o, fmt.Errorf("expected -entries of at least %d, got %d", leastEntries, o.entries)
	case o.weights < leastWeights:
		return o, fmt.Errorf("expected -weights of at least %d, got %d", leastWeights, o.weights)
	}
	if err := program.CheckSize("n", o.sets, o.entries); err != nil {
		return o, err
	}
	return o, program.CheckSize("weights", o.sets, o.weights)
}

// leastEntries and leastWeights leave something to analyse in every part.
const leastEntries, leastWeights = 256, 64

func run(ctx context.Context, out io.Writer, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	c, err := newCalibration(o)
	if err != nil {
		return err
	}
	return c.run(ctx, out)
}
