package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

const (
	chains = 16
	// kept is the number of configurations of a chain that are compared with other chains.
	kept = 32
)

// Observables in results.json that measure does not name.
const (
	criticalKappa  = "critical_kappa"
	criticalESS    = "critical_ess"
	crossingKappa  = "crossing_kappa"
	crossingBinder = "crossing_binder"
	crossingESS    = "crossing_ess"
)

// critical is one run of the program.
type critical struct {
	o       options
	actions []*lattice.Phi4
	folder  *program.Run
	table   *results.File
	series  []stats.CouplingSeries
	pairs   []pair
}

// pair are two neighbouring lattices.
type pair struct {
	name string
	stats.Crossing
	err error // why there is no crossing
}

// newCritical checks all input before anything is written.
func newCritical(o options) (*critical, error) {
	c := &critical{o: o}
	last := 0
	for dims := range strings.SplitSeq(o.Dims, ",") {
		one := o.Flags
		one.Dims = dims
		a, err := one.Phi4()
		if err != nil {
			return nil, err
		}
		if v := a.Layout().Volume(); v <= last {
			return nil, fmt.Errorf("expected -dims of ascending size, got %q", o.Dims)
		}
		last = a.Layout().Volume()
		c.actions = append(c.actions, a)
	}
	switch {
	case c.o.task.Shares > len(c.actions):
		return nil, fmt.Errorf("expected at most as many shares as lattices, %d, got -task %v", len(c.actions), &c.o.task)
	case len(c.actions) < 2:
		return nil, fmt.Errorf("expected at least two lattices, got -dims %q", o.Dims)
	case o.steps < chains*kept:
		return nil, fmt.Errorf("expected -steps of at least %d, got %d", chains*kept, o.steps)
	case !(o.window > 0 && o.window < 1):
		return nil, fmt.Errorf("expected a -window between 0 and 1, got %v", o.window)
	case !(o.universal >= 0 && o.universal < 2./3):
		return nil, fmt.Errorf("expected -universal between 0 and 2/3, got %v", o.universal)
	case !(o.Kappa > 0):
		return nil, fmt.Errorf("expected -kappa > 0, got %v", o.Kappa)
	}
	return c, program.CheckSize("steps", o.steps, 2)
}

func (c *critical) run(ctx context.Context) error {
	parameters := map[string]any{
		"dims": c.o.Dims, "kappa": c.o.Kappa, "lambda": c.o.Lambda, "seed": c.o.Seed, "steps": c.o.steps, "window": c.o.window, "universal": c.o.universal,
	}
	var err error
	if c.folder, err = c.o.task.Open(c.o.Out, parameters); err != nil {
		return err
	}
	c.table = results.New(parameters)
	switch c.o.task.Part {
	case program.OneShare:
		return c.share(ctx)
	case program.Merge:
		if err := c.merge(parameters); err != nil {
			return err
		}
	}
	for i, a := range c.actions {
		if err := c.simulate(ctx, i, a); err != nil {
			return err
		}
	}
	lo, hi := c.o.Kappa*(1-c.o.window), c.o.Kappa*(1+c.o.window)
	if c.o.universal > 0 {
		for i, s := range c.series {
			kappa, ess, err := s.CouplingAt(c.o.universal, lo, hi, 0)
			if err != nil && measure.Usable(err) == nil {
				err = nil
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.name(i), err)
			}
			c.table.Add(c.name(i), criticalKappa, kappa)
			c.table.Add(c.name(i), criticalESS, stats.Estimate{Value: ess, Error: math.NaN()})
		}
	}
	for i, b := range c.series[1:] {
		p := pair{name: c.name(i) + "-" + c.name(i+1)}
		p.Crossing, p.err = stats.BinderCrossing(c.series[i], b, lo, hi, 0)
		var short *stats.TooShortError
		if errors.As(p.err, &short) {
			p.err = nil
		}
		c.table.Add(p.name, crossingKappa, p.Coupling)
		c.table.Add(p.name, crossingBinder, p.Binder)
		c.table.Add(p.name, crossingESS, stats.Estimate{Value: p.ESS, Error: math.NaN()})
		c.pairs = append(c.pairs, p)
	}
	if err := c.plot(lo, hi); err != nil {
		return err
	}
	if err := c.table.Write(c.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return c.print(os.Stdout)
}

func (c *critical) name(i int) string { return c.actions[i].Layout().Lattice.String() }

// simulated are the series of a lattice, chain after chain.
type simulated struct {
	M, Conjugate []float64
	Tau          stats.Estimate // of |M|, in steps
}

// simulate runs the chains of one lattice.
func (c *critical) simulate(ctx context.Context, i int, a *lattice.Phi4) error {
	name := c.name(i)
	path := c.folder.Path(c.stage(i))
	out, err := stage.Do(ctx, path, name, func() (simulated, error) {
		var out simulated
		err := c.folder.Task(ctx, name, func(t *progress.Task) error {
			cold, err := mcmc.LeastConstant(a)
			if err != nil {
				return err
			}
			bonds := 2 * float64(a.Layout().Volume())
			r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
				Action: a, N: chains * kept, Chains: chains, Thin: c.o.steps / (chains * kept), Seed: c.o.Part(i), ColdValue: cold, Progress: t.Set,
				Checkpoint: stage.State(path),
				Observables: []mcmc.Observable{
					{Name: measure.M, Func: lattice.Magnetization},
					{Name: "conjugate", Func: func(phi []float64) float64 { return bonds * a.Layout().Hopping(phi) }},
				},
			}, nil)
			if err != nil {
				return err
			}
			abs := make([][]float64, chains)
			for k := range chains {
				for _, m := range r.Series[0][k] {
					abs[k] = append(abs[k], math.Abs(m))
				}
				out.M = append(out.M, r.Series[0][k]...)
				out.Conjugate = append(out.Conjugate, r.Series[1][k]...)
			}
			g, err := stats.GammaMethod(abs, stats.GammaConfig{})
			out.Tau = g.Tau.Estimate
			return measure.Usable(err)
		})
		return out, err
	})
	if err != nil {
		return err
	}
	s := stats.CouplingSeries{Coupling: c.o.Kappa, M: out.M, Conjugate: out.Conjugate}
	c.series = append(c.series, s)
	u, _, err := s.Binder(c.o.Kappa, 0)
	if err = measure.Usable(err); err != nil {
		return err
	}
	c.table.Add(name, measure.Binder, u)
	c.table.Add(name, measure.TauAbsM, out.Tau)
	return nil
}

// points is the number of couplings at which curves are drawn.
const points = 41

// plot draws the cumulants against κ, as far as the reweighting carries.
func (c *critical) plot(lo, hi float64) error {
	var curves []figure.Series
	for i, s := range c.series {
		curve := figure.Series{Name: c.name(i)}
		for p := range points {
			kappa := lo + (hi-lo)*float64(p)/(points-1)
			u, ess, err := s.Binder(kappa, 0)
			if errors.Is(err, stats.ErrZeroWeight) || err == nil && ess < 0.05 {
				continue
			}
			if err = measure.Usable(err); err != nil {
				return err
			}
			if ess >= 0.05 {
				curve.X, curve.Y, curve.Err = append(curve.X, kappa), append(curve.Y, u.Value), append(curve.Err, u.Error)
			}
		}
		if len(curve.X) > 0 {
			curves = append(curves, curve)
		}
	}
	f, err := figure.Lines(curves, figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("λ = %v", c.o.Lambda), X: figure.Axis{Label: "κ"}, Y: figure.Axis{Label: "U_L"},
	}})
	if err != nil {
		return err
	}
	return c.folder.Save("binder.png", f.Save)
}

func (c *critical) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nlattice\tU_L at κ = %v\tτ_int(|M|)", c.o.Kappa)
	if c.o.universal > 0 {
		fmt.Fprintf(t, "\tκ where U_L = %v\tESS/N of the reweighting", c.o.universal)
	}
	fmt.Fprintln(t)
	for i := range c.actions {
		u, _ := c.table.Get(c.name(i), measure.Binder)
		tau, _ := c.table.Get(c.name(i), measure.TauAbsM)
		fmt.Fprintf(t, "%s\t%v\t%v", c.name(i), u, tau)
		if k, ok := c.table.Get(c.name(i), criticalKappa); ok {
			ess, _ := c.table.Get(c.name(i), criticalESS)
			fmt.Fprintf(t, "\t%v\t%.2f", k, ess.Value)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprint(t, "\ncrossing\tκ\tU_L\tESS/N of the reweighting\n")
	for _, p := range c.pairs {
		if p.err != nil {
			fmt.Fprintf(t, "%s\tnone: %v\n", p.name, p.err)
			continue
		}
		fmt.Fprintf(t, "%s\t%v\t%v\t%.2f\n", p.name, p.Coupling, p.Binder, p.ESS)
	}
	return t.Flush()
}
