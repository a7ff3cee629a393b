package stats

import (
	"errors"
	"fmt"
	"math"
)

// Errors that callers may test for with [errors.Is].
var (
	// ErrNotFinite reports NaN or infinity in a series, or from an estimator.
	ErrNotFinite = errors.New("stats: expected finite values")
	// ErrEmpty reports a series, or a set of replicas, without entries.
	ErrEmpty = errors.New("stats: expected at least one value")
	// ErrConstant reports a series without fluctuations where a ratio to its
	// variance was asked for.
	ErrConstant = errors.New("stats: expected a series that varies")
	// ErrZeroWeight reports log-weights that are all -Inf.
	ErrZeroWeight = errors.New("stats: expected at least one weight above zero")
	// ErrNegativeVariance reports that the autocorrelations of a series, summed up
	// to the window, give a variance of the mean that is not positive, as happens
	// for short series with strong anticorrelation.
	ErrNegativeVariance = errors.New("stats: expected a positive variance of the mean")
	// ErrNoDecay reports an autocorrelation function that does not fall over the range
	// of an exponential fit.
	ErrNoDecay = errors.New("stats: expected an autocorrelation function that decays")
)

// TooShortError reports a series that is too short for the requested estimate.
// The function that returns it returns its results as well, with the same
// reservation.
type TooShortError struct {
	// What names the quantity.
	What string
	// N is the number of samples there are.
	N int
	// Need is the number of samples that would have sufficed, as far as this
	// series can tell.
	Need int
	// Estimate is the value that the short series gives; its error is a lower
	// bound, or NaN if there is none.
	Estimate Estimate
}

// Error returns what was expected, what came, and the estimate if there is one.
func (e *TooShortError) Error() string {
	s := fmt.Sprintf("stats: expected at least %d samples for %s, got %d", e.Need, e.What, e.N)
	if !math.IsNaN(e.Estimate.Value) {
		s += fmt.Sprintf(" (the estimate is %v)", e.Estimate)
	}
	return s
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func nan() float64 { return math.NaN() }

// checkSeries returns an error unless x has entries and all are finite.
func checkSeries(x []float64) error {
	if len(x) == 0 {
		return ErrEmpty
	}
	for i, v := range x {
		// v - v is 0 for finite v and NaN otherwise.
		if v-v != 0 {
			return fmt.Errorf("%w, got %v at index %d", ErrNotFinite, v, i)
		}
	}
	return nil
}

// checkColumns returns the common length of the columns, or an error.
func checkColumns(cols [][]float64) (int, error) {
	if len(cols) == 0 {
		return 0, ErrEmpty
	}
	for k, c := range cols {
		if err := checkSeries(c); err != nil {
			return 0, fmt.Errorf("%w (column %d)", err, k)
		}
		if len(c) != len(cols[0]) {
			return 0, fmt.Errorf("stats: expected columns of length %d, got %d in column %d", len(cols[0]), len(c), k)
		}
	}
	return len(cols[0]), nil
}

// checkPair returns an error unless x and y are finite series of one length.
func checkPair(x, y []float64) error {
	if len(x) != len(y) {
		return fmt.Errorf("stats: expected two series of one length, got %d and %d", len(x), len(y))
	}
	if err := checkSeries(x); err != nil {
		return err
	}
	return checkSeries(y)
}
