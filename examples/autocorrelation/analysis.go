package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// observables are |M| as the paper computes it, and as (4.12) prints it.
var observables = []mcmc.Observable{
	{Name: measure.AbsM, Func: lattice.AbsMagnetization},
	{Name: "mean_abs_phi", Func: lattice.MeanAbsField},
}

// outcome is what one algorithm gives.
type outcome struct {
	// Steps is the number of steps of all chains together, Seconds their time, NaN if
	// that is not known.
	Steps      int
	Seconds    float64
	Acceptance stats.Estimate
	// Series are the results for |M| and (1/V)Σ|φ|.
	Series [2]correlation
}

// correlation is the autocorrelation of one observable.
type correlation struct {
	Mean, Tau, TauExp stats.Estimate
	Window            int
	// Reliable tells that the chains are long enough; otherwise Tau is a lower bound.
	Reliable      bool
	Rho, RhoError []float64

	// Short is the paper's estimate from the first piece, NaN if the chain does not move
	// there; ShortRho is its autocorrelation function.
	Short    stats.Estimate
	ShortRho []float64
	// Mean and standard deviation of the estimates from all pieces, and the fraction of
	// pieces that do not move.
	ShortMean   stats.Estimate
	ShortSpread float64
	Frozen      float64
}

var unknown = stats.Estimate{Value: math.NaN(), Error: math.NaN()}

// analyse computes τ_int from the chains with an automatic window, and from each piece
// of the given length with the sum (4.14) up to tmax.
func analyse(chains [][]float64, short, tmax int) (correlation, error) {
	c := correlation{TauExp: unknown}
	g, err := stats.GammaMethod(chains, stats.GammaConfig{})
	c.Reliable = err == nil
	if err = usable(err); err != nil {
		return c, err
	}
	c.Mean, c.Tau, c.Window, c.Rho, c.RhoError = g.Mean, g.Tau.Estimate, g.Tau.Window, g.Rho, g.RhoError
	if c.Reliable {
		if fit, err := stats.FitTauExp(chains, stats.TauExpConfig{}); err == nil {
			c.TauExp = fit.Tau
		}
	}
	var estimates []float64
	pieces := 0
	for _, x := range chains {
		for lo := 0; lo+short <= len(x); lo += short {
			g, err := stats.GammaMethod([][]float64{x[lo : lo+short]}, stats.GammaConfig{Window: stats.WindowFixed, W: tmax, Plain: true})
			if err = usable(err); err != nil {
				return c, err
			}
			e := g.Tau.Estimate
			if constant(g) {
				e = unknown
			} else {
				estimates = append(estimates, e.Value)
			}
			if pieces == 0 {
				c.Short, c.ShortRho = e, g.Rho
			}
			pieces++
		}
	}
	if pieces == 0 {
		return c, fmt.Errorf("expected chains of at least %d steps", short)
	}
	c.Frozen = 1 - float64(len(estimates))/float64(pieces)
	if c.Frozen == 1 {
		// Not to move at all is no sign of independence.
		c.Reliable, c.Tau = false, unknown
	}
	c.ShortMean, c.ShortSpread = unknown, math.NaN()
	if len(estimates) > 1 {
		if c.ShortMean, err = stats.Mean(estimates); err != nil {
			return c, err
		}
		c.ShortSpread = c.ShortMean.Error * math.Sqrt(float64(len(estimates)))
	}
	return c, nil
}

// usable drops the errors of estimates that are there nevertheless: from a series that
// is short for its autocorrelation, or whose τ_int fluctuates below zero.
func usable(err error) error {
	if errors.Is(err, stats.ErrNegativeVariance) {
		return nil
	}
	return measure.Usable(err)
}

// constant tells a series that does not vary.
func constant(g stats.GammaResult) bool { return len(g.Rho) == 1 && g.Mean.Error == 0 }
