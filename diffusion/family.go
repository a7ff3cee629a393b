package diffusion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/interp"

	"github.com/latdiff/latdiff/lattice"
)

// Family is one network for a range of values of a coupling, or of two. The network has the couplings as its
// condition, each scaled to the range from -1 to 1, and the known part of the model of a coupling, such
// as C_k, D_k and the noise levels, is interpolated between ensembles that were measured.
// [Family.At] gives the model for an action of the range, an ordinary one.
type Family struct {
	model     *Model   // with the weights, and the known part of the first member
	couplings []string // one or two
	// members are all pairs of values of two couplings: by the first one, rising, and at each value
	// of it by the second.
	members []member
}

// member is what was measured at values of the couplings.
type member struct {
	at  []float64
	cfg ModelConfig
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
	// Second, if not empty, is the name of another coupling that differs. There is then an ensemble for
	// every pair of values of the two, of two or more values each.
	Second string
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
// not ordered. It returns an error as [Fit] does, for actions that differ in more than the couplings, and
// for pairs of values of two couplings that are missing.
func FitFamily(ctx context.Context, backend compute.Backend, data []Ensembles, cfg FamilyConfig) (*Family, error) {
	f, all, err := measureFamily(data, cfg)
	if err != nil {
		return nil, err
	}
	first := f.members[0].cfg
	var m *Model
	if cfg.Start != nil {
		if a, b := f.String(), cfg.Start.String(); a != b {
			return nil, fmt.Errorf("diffusion: expected a family of %s to start from, got one of %s", a, b)
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
	f := &Family{couplings: []string{cfg.Coupling}}
	if cfg.Second != "" {
		f.couplings = append(f.couplings, cfg.Second)
	}
	if len(data) < 2 {
		return nil, nil, fmt.Errorf("diffusion: expected ensembles at two or more couplings, got %d", len(data))
	}
	data = slices.Clone(data)
	for i, d := range data {
		if err := lattice.CheckAction(d.Action); err != nil {
			return nil, nil, fmt.Errorf("diffusion: %w", err)
		}
		for _, name := range f.couplings {
			if _, ok := lattice.Params(d.Action)[name]; !ok {
				return nil, nil, fmt.Errorf("diffusion: expected actions with the coupling %q, got %s", name, lattice.Describe(d.Action))
			}
		}
		if a, b := without(data[0].Action, f.couplings), without(d.Action, f.couplings); !maps.Equal(a, b) {
			return nil, nil, fmt.Errorf("diffusion: expected actions that differ in %s alone, got %v at %d", strings.Join(f.couplings, " and "), lattice.Params(d.Action), i)
		}
	}
	slices.SortStableFunc(data, func(a, b Ensembles) int { return slices.Compare(f.values(a.Action), f.values(b.Action)) })
	for i, d := range data {
		f.members = append(f.members, member{at: f.values(d.Action)})
		if i > 0 && slices.Equal(f.members[i].at, f.members[i-1].at) {
			return nil, nil, fmt.Errorf("diffusion: expected one ensemble for each %s, got two at %v", strings.Join(f.couplings, " and "), f.members[i].at)
		}
	}
	if err := f.checkGrid(); err != nil {
		return nil, nil, fmt.Errorf("diffusion: %w", err)
	}
	measured := make([]*Measurement, len(data))
	ordered, site := false, true
	for i, d := range data {
		var err error
		if measured[i], err = Measure(d.Action, d.Ensemble); err != nil {
			return nil, nil, fmt.Errorf("diffusion: %s = %v: %w", strings.Join(f.couplings, ", "), f.members[i].at, err)
		}
		// The graphs of all hold the same potential of a site, or none.
		ordered, site = ordered || measured[i].Order > 0, site && measured[i].Site != nil && slices.Equal(measured[i].Site, measured[0].Site)
	}
	all := make([]Data, len(data))
	for i, d := range data {
		if ordered && measured[i].Order == 0 {
			var err error
			if measured[i], err = measure(d.Action, d.Ensemble, math.Inf(-1)); err != nil {
				return nil, nil, fmt.Errorf("diffusion: %s = %v: %w", strings.Join(f.couplings, ", "), f.members[i].at, err)
			}
		}
		m := measured[i]
		if !site || ordered {
			m.Site = nil
		}
		m.Condition, m.Seed = f.condition(f.members[i].at), cfg.Seed
		f.members[i].cfg = m.ModelConfig
		all[i] = Data{Ensemble: d.Ensemble, Model: m.ModelConfig, Targets: m.Targets, Action: d.Action}
	}
	return f, all, nil
}

// values returns the couplings of an action.
func (f *Family) values(action lattice.Action) []float64 {
	p := lattice.Params(action)
	v := make([]float64, len(f.couplings))
	for i, name := range f.couplings {
		v[i] = p[name]
	}
	return v
}

// without returns the parameters of an action without some.
func without(action lattice.Action, names []string) map[string]float64 {
	p := maps.Clone(lattice.Params(action))
	for _, name := range names {
		delete(p, name)
	}
	return p
}

// axis returns the values of coupling i, rising.
func (f *Family) axis(i int) []float64 {
	x := make([]float64, len(f.members))
	for j, m := range f.members {
		x[j] = m.at[i]
	}
	slices.Sort(x)
	return slices.Compact(x)
}

// checkGrid returns an error unless the members, of which no two are the same, are at all pairs of at
// least two values of every coupling.
func (f *Family) checkGrid() error {
	number := 1
	for i, name := range f.couplings {
		x := f.axis(i)
		if len(x) < 2 {
			return fmt.Errorf("expected two or more values of %s, got %v", name, x)
		}
		number *= len(x)
	}
	if len(f.members) != number {
		return fmt.Errorf("expected an ensemble for each of %d pairs of %s, got %d", number, strings.Join(f.couplings, " and "), len(f.members))
	}
	return nil
}

// String returns the couplings with their ranges, such as "kappa from 0.2 to 0.3".
func (f *Family) String() string {
	parts := make([]string, len(f.couplings))
	for i, name := range f.couplings {
		x := f.axis(i)
		parts[i] = fmt.Sprintf("%s from %v to %v", name, x[0], x[len(x)-1])
	}
	return strings.Join(parts, " and ")
}

// condition returns what a network is told of couplings.
func (f *Family) condition(at []float64) []float64 {
	c := make([]float64, len(at))
	for i, v := range at {
		x := f.axis(i)
		c[i] = 2*(v-x[0])/(x[len(x)-1]-x[0]) - 1
	}
	return c
}

// Couplings returns the values of the coupling that were measured, rising. Models are for all from the first
// to the last.
func (f *Family) Couplings() []float64 { return f.axis(0) }

// SecondCouplings returns those of the second coupling, nil if there is none.
func (f *Family) SecondCouplings() []float64 {
	if len(f.couplings) < 2 {
		return nil
	}
	return f.axis(1)
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
	value := f.values(action)
	for i, name := range f.couplings {
		x := f.axis(i)
		if _, ok := lattice.Params(action)[name]; !ok || !(value[i] >= x[0] && value[i] <= x[len(x)-1]) {
			return nil, fmt.Errorf("diffusion: expected an action with %v, got %s", f, lattice.Describe(action))
		}
	}
	rest := maps.Clone(f.members[0].cfg.Theory.Params)
	for _, name := range f.couplings {
		delete(rest, name)
	}
	if !maps.Equal(rest, without(action, f.couplings)) {
		return nil, fmt.Errorf("diffusion: expected an action with %v besides %s, got %s", rest, strings.Join(f.couplings, " and "), lattice.Describe(action))
	}
	cfg, err := f.interpolate(value)
	if err != nil {
		return nil, err
	}
	cfg.Theory = Identify(action)
	return f.model.OnLattice(cfg)
}

// interpolate returns the known part at couplings: cubic splines through the logarithms of
// spectra and noise levels, and through means and orders, of two couplings along the second one first.
func (f *Family) interpolate(at []float64) (ModelConfig, error) {
	cfg := f.members[0].cfg
	axes := make([][]float64, len(f.couplings))
	for i := range axes {
		axes[i] = f.axis(i)
	}
	var err error
	curve := func(y func(c *ModelConfig) float64) float64 {
		values := make([]float64, len(f.members))
		for i := range f.members {
			values[i] = y(&f.members[i].cfg)
		}
		for i := len(axes) - 1; i >= 0; i-- {
			x := axes[i]
			for j := range len(values) / len(x) {
				v, e := spline(x, values[j*len(x):(j+1)*len(x)], at[i])
				values[j], err = v, errors.Join(err, e)
			}
			values = values[:len(values)/len(x)]
		}
		return values[0]
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
		// The second moment C_0 + μ² of the zero mode is a smoother function of a coupling than
		// either, see [Measure].
		second := positive(func(c *ModelConfig) float64 { return c.Spectrum[0] + c.Order*c.Order })
		share := positive(func(c *ModelConfig) float64 { return c.Spectrum[0] / (c.Order * c.Order) })
		cfg.Order = math.Sqrt(second / (1 + share))
		cfg.Spectrum[0] = second - cfg.Order*cfg.Order
	}
	cfg.Condition = f.condition(at)
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
