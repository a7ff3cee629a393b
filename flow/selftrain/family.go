package selftrain

import (
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// family evaluates the actions of a path, and counts.
type family struct {
	mcmc.ThermodynamicPath
	// linear: S_t = S_a + (t-a)(S_b - S_a)/(b-a) for all parameters.
	linear         bool
	values, drifts atomic.Int64
}

// counted is an action of the family.
type counted struct {
	lattice.Action
	f *family
}

func (c counted) Value(phi []float64) float64 {
	c.f.values.Add(1)
	return c.Action.Value(phi)
}

func (c counted) Drift(dst, phi []float64) []float64 {
	c.f.drifts.Add(1)
	return c.Action.Drift(dst, phi)
}

// Params returns the couplings of the action.
func (c counted) Params() map[string]float64 { return lattice.Params(c.Action) }

// countedSite is one that tells the potential of a site.
type countedSite struct {
	counted
	site lattice.SiteAction
}

// SitePotential returns that of the action.
func (c countedSite) SitePotential() []float64 { return c.site.SitePotential() }

// at returns S_t, counted.
func (f *family) at(t float64) (lattice.Action, error) {
	a, err := f.Action(t)
	if err != nil {
		return nil, err
	}
	if err := lattice.CheckAction(a); err != nil {
		return nil, err
	}
	c := counted{a, f}
	if s, ok := a.(lattice.SiteAction); ok {
		return countedSite{c, s}, nil
	}
	return c, nil
}

// measureLinear finds out whether S_t is linear in t, on random fields.
func (f *family) measureLinear(seed uint64) error {
	const fields, tolerance = 4, 1e-10
	first, err := f.at(f.From)
	if err != nil {
		return err
	}
	middle, err := f.at((f.From + f.To) / 2)
	if err != nil {
		return err
	}
	last, err := f.at(f.To)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	phi := make([]float64, first.Layout().Size())
	f.linear = true
	for range fields {
		mcmc.HotStart(rng, phi)
		a, b, m := first.Value(phi), last.Value(phi), middle.Value(phi)
		f.linear = f.linear && math.Abs(m-(a+b)/2) <= tolerance*(math.Abs(a)+math.Abs(b))
	}
	return nil
}

// actions knows S_t of configurations: where the family is linear, at every t.
type actions struct {
	f      *family
	ens    *lattice.Ensemble
	t      float64
	s      []float64 // S_t
	other  float64   // another parameter
	sOther []float64 // and S there, nil if the family is not linear
}

// measure returns the actions of configurations at t.
func (f *family) measure(ens *lattice.Ensemble, t float64) (*actions, error) {
	a := &actions{f: f, ens: ens, t: t, other: f.To}
	if t == f.To {
		a.other = f.From
	}
	var err error
	if a.s, err = a.evaluate(t); err != nil {
		return nil, err
	}
	if f.linear {
		a.sOther, err = a.evaluate(a.other)
	}
	return a, err
}

func (a *actions) evaluate(t float64) ([]float64, error) {
	action, err := a.f.at(t)
	if err != nil {
		return nil, err
	}
	return a.ens.Measure(nil, action.Value), nil
}

// at returns S at another parameter.
func (a *actions) at(t float64) ([]float64, error) {
	switch {
	case t == a.t:
		return a.s, nil
	case a.sOther == nil:
		return a.evaluate(t)
	}
	u := (t - a.t) / (a.other - a.t)
	out := make([]float64, len(a.s))
	for i, s := range a.s {
		out[i] = s + u*(a.sOther[i]-s)
	}
	return out, nil
}
