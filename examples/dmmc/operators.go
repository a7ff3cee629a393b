package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// printOperators says how much of the fluctuation of log w, which a perfect model does not
// have, is that of simple operators: where the physics is that the model misses.
func (d *dmmc) printOperators(w io.Writer) error {
	operators := measure.Operators(d.proposals.Layout)
	series := make([][]float64, len(operators))
	for i, o := range operators {
		series[i] = d.proposals.Measure(nil, o.Func)
	}
	r, err := stats.Regress(logWeights(d.proposals), series, stats.RegressConfig{})
	var short *stats.TooShortError
	if errors.As(err, &short) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nof the variance of log w of DM-MC all operators together explain %v (held out), by themselves\n", r.R2)
	t := table(w)
	for i, o := range operators {
		fmt.Fprintf(t, "%s\t%v\n", o.Name, r.Alone[i])
	}
	return t.Flush()
}
