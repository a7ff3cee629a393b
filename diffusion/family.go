package diffusion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/interp"

	"github.com/latdiff/latdiff/lattice"
)

// Family is one network for a range of values of a coupling. The network has the coupling as its
// condition, scaled to the range from -1 to 1, and the known part of the model of a coupling, such
// as C_k, D_k and the noise levels, is interpolated between ensembles that were measured.
// [Family.At] gives the model for an action of the range, an ordinary one.
type Family struct {
	model    *Model // with the weights, and the known part of the first member
	coupling string
	members  []member // by rising coupling
}

// member is a coupling that was measured.
type member struct {
	coupling float64
	cfg      ModelConfig
}

// Ensembles is an action with configurations of it.
type Ensembles struct {
	Action   lattice.Action
	Ensemble *lattice.Ensemble
}

// FamilyConfig configures [FitFamily].
type FamilyConfig struct {
	// Coupling is the name of the coupling that differs, see [lattice.Params]; the others are the
	// same for all actions.
	Coupling string
	// Network is the network, which must have a place for a condition, as those of the packages
	// hollow and unet do.
	Network Architecture
	// Start, if not nil, is a family whose network and weights the training begins with, of any
	// lattice of the same dimension and the same range of couplings; Network is then not used.
	Start *Family
	// Train says how to train, as in [FitConfig]; its Steps are shared by all couplings.
	Train TrainConfig
	// Seed determines the initial weights and the training.
	Seed uint64
}

// FitFamily trains one network with ensembles of an action at two or more couplings: every
// coupling is measured, see [Measure], and has a batch in turn. If one of them is ordered, the
// Gaussian part of all is a mixture of two, whose centres come together where the theory is
// not ordered. It returns an error as [Fit] does, and for actions that differ in more than the coupling.
func FitFamily(ctx context.Context, backend compute.Backend, data []Ensembles, cfg FamilyConfig) (*Family, error) {
	f, all, err := measureFamily(data, cfg)
	if err != nil {
		return nil, err
	}
	first := f.members[0].cfg
	var m *Model
	if cfg.Start != nil {
		if a, b := f.bounds(), cfg.Start.bounds(); a != b || f.coupling != cfg.Start.coupling {
			return nil, fmt.Errorf("diffusion: expected a family of %s from %v to %v to start from, got one of %s from %v to %v", f.coupling, a[0], a[1], cfg.Start.coupling, b[0], b[1])
		}
		m, err = cfg.Start.model.OnLattice(first)
	} else {
		m, err = NewModel(backend, cfg.Network, first)
	}
	if err != nil {
		return nil, err
	}
	train := cfg.Train
	train.Targets, train.Action = all[0].Targets, all[0].Action
	if train.Seed == 0 {
		train.Seed = cfg.Seed
	}
	t, err := NewTrainer(backend, m, all[0].Ensemble, train)
	if err != nil {
		return nil, err
	}
	for _, d := range all[1:] {
		if err := t.AddData(d); err != nil {
			return nil, err
		}
	}
	if err := t.resume(); err != nil {
		return nil, err
	}
	if err := t.Run(ctx); err != nil {
		return nil, err
	}
	f.model, err = t.Model()
	return f, err
}

// measureFamily returns a family without a network, and the data of its members.
func measureFamily(data []Ensembles, cfg FamilyConfig) (*Family, []Data, error) {
	f := &Family{coupling: cfg.Coupling}
	if len(data) < 2 {
		return nil, nil, fmt.Errorf("diffusion: expected ensembles at two or more couplings, got %d", len(data))
	}
	data = slices.Clone(data)
	for i, d := range data {
		if err := lattice.CheckAction(d.Action); err != nil {
			return nil, nil, fmt.Errorf("diffusion: %w", err)
		}
		if _, ok := lattice.Params(d.Action)[f.coupling]; !ok {
			return nil, nil, fmt.Errorf("diffusion: expected actions with the coupling %q, got %s", f.coupling, lattice.Describe(d.Action))
		}
		if a, b := without(data[0].Action, f.coupling), without(d.Action, f.coupling); !maps.Equal(a, b) {
			return nil, nil, fmt.Errorf("diffusion: expected actions that differ in %s alone, got %v at %d", f.coupling, lattice.Params(d.Action), i)
		}
	}
	value := func(d Ensembles) float64 { return lattice.Params(d.Action)[f.coupling] }
	sort.SliceStable(data, func(i, j int) bool { return value(data[i]) < value(data[j]) })

	measured := make([]*Measurement, len(data))
	ordered, site := false, true
	for i, d := range data {
		var err error
		if measured[i], err = Measure(d.Action, d.Ensemble); err != nil {
			return nil, nil, fmt.Errorf("diffusion: %s = %v: %w", f.coupling, value(d), err)
		}
		ordered, site = ordered || measured[i].Order > 0, site && measured[i].Site != nil
		if i > 0 && value(d) == value(data[i-1]) {
			return nil, nil, fmt.Errorf("diffusion: expected one ensemble for each %s, got two at %v", f.coupling, value(d))
		}
		f.members = append(f.members, member{coupling: value(d)})
	}
	all := make([]Data, len(data))
	for i, d := range data {
		if ordered && measured[i].Order == 0 {
			var err error
			if measured[i], err = measure(d.Action, d.Ensemble, math.Inf(-1)); err != nil {
				return nil, nil, fmt.Errorf("diffusion: %s = %v: %w", f.coupling, value(d), err)
			}
		}
		m := measured[i]
		if !site || ordered {
			m.Site = nil
		}
		m.Condition, m.Seed = f.condition(value(d)), cfg.Seed
		f.members[i].cfg = m.ModelConfig
		all[i] = Data{Ensemble: d.Ensemble, Model: m.ModelConfig, Targets: m.Targets, Action: d.Action}
	}
	return f, all, nil
}

// without returns the parameters of an action without one.
func without(action lattice.Action, name string) map[string]float64 {
	p := maps.Clone(lattice.Params(action))
	delete(p, name)
	return p
}

// bounds returns the ends of the range.
func (f *Family) bounds() [2]float64 {
	return [2]float64{f.members[0].coupling, f.members[len(f.members)-1].coupling}
}

// condition returns what a network is told of a coupling.
func (f *Family) condition(coupling float64) []float64 {
	b := f.bounds()
	return []float64{2*(coupling-b[0])/(b[1]-b[0]) - 1}
}

// Couplings returns the couplings that were measured, rising. Models are for all from the first
// to the last.
func (f *Family) Couplings() []float64 {
	c := make([]float64, len(f.members))
	for i, m := range f.members {
		c[i] = m.coupling
	}
	return c
}

// Layout returns the layout of the fields.
func (f *Family) Layout() lattice.Layout { return f.model.Layout() }

// Network returns the network.
func (f *Family) Network() Architecture { return f.model.Network() }

// At returns the model for an action, of a copy of the weights. It returns an error for an action
// on another lattice, with a coupling out of the range, or with other couplings besides.
func (f *Family) At(action lattice.Action) (*Model, error) {
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	if err := f.model.CheckLayout(action.Layout()); err != nil {
		return nil, err
	}
	value, ok := lattice.Params(action)[f.coupling]
	b := f.bounds()
	if !ok || !(value >= b[0] && value <= b[1]) {
		return nil, fmt.Errorf("diffusion: expected an action with %s from %v to %v, got %s", f.coupling, b[0], b[1], lattice.Describe(action))
	}
	rest := maps.Clone(f.members[0].cfg.Theory.Params)
	delete(rest, f.coupling)
	if !maps.Equal(rest, without(action, f.coupling)) {
		return nil, fmt.Errorf("diffusion: expected an action with %v besides %s, got %s", rest, f.coupling, lattice.Describe(action))
	}
	cfg, err := f.interpolate(value)
	if err != nil {
		return nil, err
	}
	cfg.Theory = Identify(action)
	return f.model.OnLattice(cfg)
}

// interpolate returns the known part at a coupling: cubic splines through the logarithms of
// spectra and noise levels, and through means and orders.
func (f *Family) interpolate(coupling float64) (ModelConfig, error) {
	cfg := f.members[0].cfg
	x := f.Couplings()
	var err error
	curve := func(y func(c *ModelConfig) float64) float64 {
		values := make([]float64, len(f.members))
		for i := range f.members {
			values[i] = y(&f.members[i].cfg)
		}
		v, e := spline(x, values, coupling)
		err = errors.Join(err, e)
		return v
	}
	positive := func(y func(c *ModelConfig) float64) float64 {
		return math.Exp(curve(func(c *ModelConfig) float64 { return math.Log(y(c)) }))
	}
	cfg.Spectrum, cfg.Residual = slices.Clone(cfg.Spectrum), slices.Clone(cfg.Residual)
	for k := range cfg.Spectrum {
		cfg.Spectrum[k] = positive(func(c *ModelConfig) float64 { return c.Spectrum[k] })
		cfg.Residual[k] = positive(func(c *ModelConfig) float64 { return c.Residual[k] })
	}
	cfg.SigmaMin = positive(func(c *ModelConfig) float64 { return c.SigmaMin })
	cfg.SigmaMax = positive(func(c *ModelConfig) float64 { return c.SigmaMax })
	cfg.Mean = slices.Clone(cfg.Mean)
	for i := range cfg.Mean {
		cfg.Mean[i] = curve(func(c *ModelConfig) float64 { return c.Mean[i] })
	}
	if cfg.Order > 0 {
		cfg.Order = positive(func(c *ModelConfig) float64 { return c.Order })
	}
	cfg.Condition = f.condition(coupling)
	return cfg, err
}

// spline returns the value at a point of the curve through points: a cubic spline whose third
// derivative is continuous at the points next to the ends, for three points one with straight
// ends, and a line for two.
func spline(x, y []float64, at float64) (float64, error) {
	var c interp.FittablePredictor = &interp.NotAKnotCubic{}
	switch {
	case len(x) == 2:
		c = &interp.PiecewiseLinear{}
	case len(x) == 3:
		c = &interp.NaturalCubic{}
	}
	if err := c.Fit(x, y); err != nil {
		return 0, fmt.Errorf("diffusion: interpolating between couplings: %w", err)
	}
	return c.Predict(at), nil
}
