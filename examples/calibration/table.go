package main

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/latdiff/latdiff/stats"
)

// score says how right the error of a quantity is.
type score struct {
	study, title, quantity string
	// rms is the root of the mean squared pull, mean the mean pull, unflagged the rms over
	// data sets that are not flagged.
	rms, mean, unflagged stats.Estimate
	// within are the shares of data sets within one and two errors.
	within [2]stats.Estimate
	// flagged is the share of data sets whose error the library says not to trust.
	flagged float64
}

// The band of rms pulls that count as right.
const lowest, highest = 0.9, 1.1

// score adds the scores of a study.
func (c *calibration) score(s study, o outcome) {
	for q, first := range o.Quotes[0] {
		var pulls, trusted []float64
		for _, quotes := range o.Quotes {
			e := quotes[q]
			p := e.Pull(e.Truth)
			if math.IsNaN(p) {
				continue
			}
			pulls = append(pulls, p)
			if !e.Flagged {
				trusted = append(trusted, p)
			}
		}
		r := score{
			study: s.name, title: s.title, quantity: first.Quantity, rms: rmsOf(pulls), mean: meanOf(pulls), unflagged: rmsOf(trusted),
			within:  [2]stats.Estimate{share(pulls, 1), share(pulls, 2)},
			flagged: 1 - float64(len(trusted))/float64(len(o.Quotes)),
		}
		c.scores = append(c.scores, r)
		for _, v := range []struct {
			name string
			stats.Estimate
		}{
			{"rms_pull", r.rms}, {"mean_pull", r.mean}, {"within_1", r.within[0]}, {"within_2", r.within[1]},
			{"flagged", stats.Estimate{Value: r.flagged, Error: math.NaN()}}, {"rms_pull_unflagged", r.unflagged},
		} {
			c.table.Add(s.name, r.quantity+"_"+v.name, v.Estimate)
		}
	}
	if k := meanOf(o.KHat); !math.IsNaN(k.Value) {
		c.table.Add(s.name, kHat, k)
	}
}

// kHat is the name of the mean of Pareto k̂.
const kHat = "k_hat"

// get returns the rms pull of a quantity.
func (c *calibration) get(study, quantity string) (stats.Estimate, bool) {
	return c.table.Get(study, quantity+"_rms_pull")
}

func meanOf(x []float64) stats.Estimate {
	e, err := stats.Mean(x)
	if err != nil {
		return stats.Estimate{Value: math.NaN(), Error: math.NaN()}
	}
	return e
}

// rmsOf returns the root of the mean square, with its error.
func rmsOf(x []float64) stats.Estimate {
	squares := make([]float64, len(x))
	for i, v := range x {
		squares[i] = v * v
	}
	e := meanOf(squares)
	rms := math.Sqrt(e.Value)
	return stats.Estimate{Value: rms, Error: e.Error / (2 * rms)}
}

// share returns the part of pulls within a number of errors.
func share(pulls []float64, errors float64) stats.Estimate {
	inside := make([]float64, len(pulls))
	for i, p := range pulls {
		if math.Abs(p) <= errors {
			inside[i] = 1
		}
	}
	return meanOf(inside)
}

// print writes the table.
func (c *calibration) print(out io.Writer) error {
	fmt.Fprintf(out, "pulls of %d data sets each; right errors have rms 1, 0.683 within 1σ and 0.954 within 2σ\n", c.o.sets)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	last := ""
	for _, s := range c.scores {
		if s.title != last {
			last = s.title
			fmt.Fprintf(w, "\n%s", s.title)
			if k, ok := c.table.Get(s.study, kHat); ok {
				fmt.Fprintf(w, ", k̂ = %.2f", k.Value)
			}
			fmt.Fprintln(w, "\trms pull\twithin 1σ\twithin 2σ\tmean pull\tflagged\trms of the others\t")
		}
		mark := ""
		if s.rms.Value < lowest || s.rms.Value > highest {
			mark = "*"
		}
		others := "-"
		if s.flagged > 0 && !math.IsNaN(s.unflagged.Value) {
			others = fmt.Sprintf("%.2f", s.unflagged.Value)
		}
		fmt.Fprintf(w, "%s\t%.3f(%.0f)%s\t%.3f\t%.3f\t%.2f\t%.0f %%\t%s\t\n", s.quantity, s.rms.Value, 1000*s.rms.Error, mark,
			s.within[0].Value, s.within[1].Value, s.mean.Value, 100*s.flagged, others)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n* outside %v to %v\n", lowest, highest)
	return err
}
