package main

import (
	"math"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Observables in results.json that measure does not name.
const (
	secondsPerStep = "seconds_per_step"
	largestShare   = "largest_weight_share"
	paretoK        = "pareto_k"
	independent    = "seconds_per_independent_configuration"
	logZ           = "log_z"
	logZRate       = "log_z_error_root_second"
	reliable       = "reliable"
	stepSize       = "beta"
	exponent       = "exponent"
	logAmplitude   = "log_amplitude"
	crossingExtent = "crossing_extent"
)

// timing is the relative error of a time that is always there.
const timing = 0.05

// fit fits cost = A L^p to the reliable points of every sampler.
func (c *cost) fit() {
	for _, a := range c.samplers {
		var x []float64
		var y []stats.Estimate
		for _, s := range c.sites {
			o := c.outcomes[a.name+"_"+s.name]
			if !o.Reliable || !(o.Cost.Value > 0) {
				continue
			}
			e := o.Cost
			e.Error = math.Hypot(e.Error, timing*e.Value)
			if math.IsNaN(e.Error) {
				continue
			}
			x, y = append(x, s.extent()), append(y, e)
		}
		if p, err := stats.FitPowerLaw(x, y); err == nil {
			c.fits[a.name] = p
		}
	}
}

// crossing returns where the fits to DM-MC and to another sampler are equal, if their powers differ
// by more than two standard errors. Those of powers that agree cross anywhere.
func (c *cost) crossing(name string) (x stats.Estimate, ok bool) {
	p, have := c.fits[exact]
	q, other := c.fits[name]
	if !have || !other || name == exact {
		return unknown, false
	}
	if e, f := p.Exponent, q.Exponent; math.Abs(e.Value-f.Value) < 2*math.Hypot(e.Error, f.Error) {
		return unknown, false
	}
	return p.Crossing(q)
}

// rate returns the error of log Z that a second gives.
func (o outcome) rate() float64 { return o.LogZ.Error * math.Sqrt(o.LogZSeconds) }

// add adds everything to the table.
func (c *cost) add() {
	value := func(v float64) stats.Estimate { return stats.Estimate{Value: v, Error: math.NaN()} }
	for _, a := range c.samplers {
		for _, s := range c.sites {
			name := a.name + "_" + s.name
			o := c.outcomes[name]
			if o.Missing != "" {
				continue
			}
			for _, v := range []struct {
				name string
				e    stats.Estimate
			}{
				{measure.AbsM, o.AbsM}, {measure.TauAbsM, o.Tau}, {measure.Acceptance, value(o.Acceptance)}, {stepSize, value(o.Beta)},
				{measure.SDLogW, o.SD}, {measure.ESS, o.ESS}, {largestShare, value(o.Share)}, {paretoK, value(o.ParetoK)}, {secondsPerStep, value(o.Seconds)}, {independent, o.Cost},
				{logZ, o.LogZ}, {logZRate, value(o.rate())},
			} {
				if !math.IsNaN(v.e.Value) {
					c.table.Add(name, v.name, v.e)
				}
			}
			if !math.IsNaN(o.Cost.Value) {
				trust := 0.0
				if o.Reliable {
					trust = 1
				}
				c.table.Add(name, reliable, value(trust))
			}
		}
		if p, ok := c.fits[a.name]; ok {
			c.table.Add(a.name, exponent, p.Exponent)
			c.table.Add(a.name, logAmplitude, p.LogAmplitude)
		}
		if x, ok := c.crossing(a.name); ok {
			c.table.Add(exact+"_"+a.name, crossingExtent, x)
		}
	}
}
