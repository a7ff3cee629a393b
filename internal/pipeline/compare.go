package pipeline

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// Compare fills the table with the rows of the generative models and of the chains
// that they drive.
func (r *Run) Compare(gaussian, reverse, proposals *lattice.Ensemble) error {
	for _, e := range []struct {
		name string
		ens  *lattice.Ensemble
	}{{"gaussian", gaussian}, {"dm", reverse}, {"dm_ode", proposals}} {
		s := measure.FromEnsemble(r.action, e.ens)
		r.series[e.name] = s
		if err := measure.AddIndependent(r.table, e.name, r.lat.Volume(), s); err != nil {
			return err
		}
		if _, err := measure.AddLikelihood(r.table, e.name, e.ens.Extra["action"], e.ens.Extra["logq"]); err != nil {
			return err
		}
	}
	if _, err := r.chain("gaussian", gaussian); err != nil {
		return err
	}
	c, err := r.chain("dmmc", proposals)
	if err != nil {
		return err
	}
	s := r.series["dm_ode"].Pick(c.Index)
	r.series["DM-MC"] = s
	if err := measure.AddChain(r.table, "dmmc", r.lat.Volume(), s); err != nil {
		return err
	}
	r.table.Add("dmmc", measure.AcceptancePredicted, c.Weights.Acceptance)
	r.table.Add("dmmc", measure.ESS, c.Weights.ESS)
	r.table.Add("dmmc", measure.SDLogW, stats.Estimate{Value: c.Weights.SD})
	return r.addCurve("DM-MC", s)
}

// AddSigns adds the fraction of configurations with positive magnetisation, named
// positive_fraction, of HMC, the models and the chain to the table, after Walk.
func (r *Run) AddSigns() error {
	for _, e := range []struct{ ensemble, series string }{{"hmc", "HMC"}, {"dm", "dm"}, {"dm_ode", "dm_ode"}, {"dmmc", "DM-MC"}} {
		m := r.series[e.series].M
		positive := make([]float64, len(m))
		for i, v := range m {
			if v > 0 {
				positive[i] = 1
			}
		}
		g, err := stats.GammaMethod([][]float64{positive}, stats.GammaConfig{})
		if err := measure.Usable(err); err != nil {
			return err
		}
		r.table.Add(e.ensemble, "positive_fraction", g.Mean)
		fmt.Printf("%s: fraction with M > 0 %v\n", e.series, g.Mean)
	}
	return nil
}

// chain runs the independence sampler over the configurations, each proposed once,
// and adds its observed acceptance to the table.
func (r *Run) chain(name string, ens *lattice.Ensemble) (mcmc.DMMCResult, error) {
	pool, err := mcmc.NewPool(ens, ens.Extra["logq"], r.action)
	if err != nil {
		return mcmc.DMMCResult{}, err
	}
	c, err := pool.DMMC(rand.New(rand.NewPCG(r.seed(seedChain), 0)))
	if err != nil {
		return c, err
	}
	accepted := make([]float64, 0, len(c.Index))
	for t := 1; t < len(c.Index); t++ {
		a := 0.0
		if c.Index[t] != c.Index[t-1] {
			a = 1
		}
		accepted = append(accepted, a)
	}
	// A large weight keeps the chain for many steps: the decisions are correlated.
	g, err := stats.GammaMethod([][]float64{accepted}, stats.GammaConfig{})
	if errors.Is(err, stats.ErrNegativeVariance) {
		g.Mean, err = stats.Mean(accepted)
	}
	if err := measure.Usable(err); err != nil {
		return c, err
	}
	r.table.Add(name, measure.Acceptance, g.Mean)
	return c, nil
}
