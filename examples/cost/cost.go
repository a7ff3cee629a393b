package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

// cost is one run of the program.
type cost struct {
	o        options
	samplers []sampler
	sites    []*site
	models   []candidate
	backend  compute.Backend
	folder   *program.Run
	table    *results.File
	outcomes map[string]outcome
	fits     map[string]stats.PowerLaw
}

// site is one lattice of the run.
type site struct {
	index  int
	action *lattice.Phi4
	lower  *lattice.Phi4 // at the coupling that smc_model starts from
	name   string

	ensembles map[string]*lattice.Ensemble // by the file
}

// volume returns the number of sites.
func (s *site) volume() int { return s.action.Layout().Volume() }

// extent returns the linear size.
func (s *site) extent() float64 {
	return math.Pow(float64(s.volume()), 1/float64(s.action.Layout().Dim()))
}

// outcome is what a sampler gives on a lattice.
type outcome struct {
	// Missing says why there is none.
	Missing string
	// Variant names what was chosen.
	Variant string
	// Steps is the number of steps or proposals, Seconds the time of one with all cores at
	// work.
	Steps   int
	Seconds float64
	// Tau is τ_int of |M| in steps, NaN where there is no chain.
	Tau, AbsM        stats.Estimate
	Acceptance, Beta float64
	// SD is the standard deviation of log w, ESS that of the weights over N.
	SD, ESS stats.Estimate
	// Share is that of the largest weight, ParetoK the shape k̂ of the tail of the weights.
	Share, ParetoK float64
	// Cost is the time of an independent configuration in seconds.
	Cost stats.Estimate
	// LogZ took LogZSeconds.
	LogZ        stats.Estimate
	LogZSeconds float64
	// Reliable tells that Cost and the error of LogZ are no lower bounds.
	Reliable bool
}

var unknown = stats.Estimate{Value: math.NaN(), Error: math.NaN()}

func newOutcome() outcome {
	return outcome{
		Tau: unknown, AbsM: unknown, SD: unknown, ESS: unknown, Cost: unknown, LogZ: unknown,
		Acceptance: math.NaN(), Beta: math.NaN(), LogZSeconds: math.NaN(), Seconds: math.NaN(), Share: math.NaN(), ParetoK: math.NaN(),
	}
}

func missing(format string, args ...any) outcome {
	o := newOutcome()
	o.Missing = fmt.Sprintf(format, args...)
	return o
}

// newCost checks all input before anything is written.
func newCost(o options) (*cost, error) {
	c := &cost{o: o, outcomes: map[string]outcome{}, fits: map[string]stats.PowerLaw{}}
	for name := range strings.SplitSeq(o.samplers, ",") {
		i := slices.IndexFunc(samplers, func(s sampler) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("expected -samplers out of %s, got %q", strings.Join(names(), ","), name)
		}
		if slices.ContainsFunc(c.samplers, func(s sampler) bool { return s.name == name }) {
			return nil, fmt.Errorf("expected every one of -samplers once, got %q", o.samplers)
		}
		c.samplers = append(c.samplers, samplers[i])
	}
	last := 0
	for dims := range strings.SplitSeq(o.Dims, ",") {
		at := func(kappa float64) (*lattice.Phi4, error) {
			one := o.Flags
			one.Dims, one.Kappa = dims, kappa
			return one.Phi4()
		}
		s := &site{index: len(c.sites), ensembles: map[string]*lattice.Ensemble{}}
		var err error
		if s.action, err = at(o.Kappa); err != nil {
			return nil, err
		}
		if s.lower, err = at(o.lower); err != nil {
			return nil, err
		}
		if s.volume() <= last {
			return nil, fmt.Errorf("expected -dims of ascending size, got %q", o.Dims)
		}
		s.name, last = s.action.Layout().Lattice.String(), s.volume()
		c.sites = append(c.sites, s)
	}
	switch {
	case o.task.Shares > len(c.sites)*len(c.samplers):
		return nil, fmt.Errorf("expected at most as many shares as points, %d, got -task %v", len(c.sites)*len(c.samplers), &o.task)
	case !(o.minutes > 0) || math.IsInf(o.minutes, 0):
		return nil, fmt.Errorf("expected -minutes > 0, got %v", o.minutes)
	case !(o.lower >= 0 && o.lower < o.Kappa):
		return nil, fmt.Errorf("expected -lower from 0 up to -kappa, got %v", o.lower)
	case o.n < leastEnsemble:
		return nil, fmt.Errorf("expected -n of at least %d, got %d", leastEnsemble, o.n)
	}
	if err := program.CheckSize("n", o.n, last); err != nil {
		return nil, err
	}
	var err error
	if c.models, err = candidates(o); err != nil {
		return nil, err
	}
	c.backend, err = backend.Open(o.Backend)
	return c, err
}

func (c *cost) run(ctx context.Context) error {
	parameters := map[string]any{
		"dims": c.o.Dims, "kappa": c.o.Kappa, "lambda": c.o.Lambda, "seed": c.o.Seed, "backend": c.o.Backend, "samplers": c.o.samplers,
		"models": c.o.models, "minutes": c.o.minutes, "lower": c.o.lower, "n": c.o.n, "cores": runtime.GOMAXPROCS(0),
	}
	var err error
	if c.folder, err = c.o.task.Open(c.o.Out, parameters); err != nil {
		return err
	}
	c.table = results.New(parameters)
	c.table.Provenance.Device = c.backend.DeviceDescription(0)
	if c.o.models != "" {
		if err := c.table.Inputs(strings.Split(c.o.models, ",")...); err != nil {
			return err
		}
	}
	if c.o.task.Part == program.Merge {
		if err := c.merge(parameters); err != nil {
			return err
		}
	}
	for _, s := range c.sites {
		for i, a := range c.samplers {
			if !c.o.task.Has(c.number(s, i)) {
				continue
			}
			err := c.folder.Save(stageFile(s, a), func(string) error { return c.point(ctx, s, i, a) })
			if err != nil {
				return err
			}
		}
		clear(s.ensembles)
	}
	if c.o.task.Part == program.OneShare {
		return c.folder.Save(program.ResultsFile, c.table.Write)
	}
	c.fit()
	if err := c.plot(); err != nil {
		return err
	}
	c.add()
	if err := c.table.Write(c.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return c.print(os.Stdout)
}

// point measures a sampler on a lattice, or reads what an earlier run did.
func (c *cost) point(ctx context.Context, s *site, i int, a sampler) error {
	name := a.name + "_" + s.name
	path := c.folder.Path(stageFile(s, a))
	o, err := stage.Do(ctx, path, name, func() (outcome, error) {
		var ens *lattice.Ensemble
		if a.prepares {
			var err error
			if ens, err = c.ensemble(ctx, s, s.action); err != nil {
				return outcome{}, err
			}
		}
		var o outcome
		err := c.folder.Task(ctx, titles[a.name]+", "+s.name, func(t *progress.Task) (err error) {
			b := &budget{total: time.Duration(c.o.minutes * float64(time.Minute)), task: t}
			o, err = a.measure(ctx, c, &job{site: s, ens: ens, seed: c.o.Part(s.index*len(samplers) + i + 1), budget: b, state: stage.State(path)})
			return err
		})
		return o, err
	})
	c.outcomes[name] = o
	if err != nil {
		return fmt.Errorf("%s on %s: %w", titles[a.name], s.name, err)
	}
	return nil
}

// job is the measurement of a sampler on a lattice.
type job struct {
	*site
	*budget
	ens  *lattice.Ensemble // in equilibrium
	seed uint64
	// state is a file for what is unfinished.
	state string
}

// budget is the time that a measurement has, without what precedes it.
type budget struct {
	total, used time.Duration
	task        *progress.Task
}

// spend adds to the time that was used.
func (b *budget) spend(d time.Duration) {
	b.used += d
	b.task.Set(int(min(b.used, b.total).Milliseconds()), int(b.total.Milliseconds()))
}

// left returns the time that is left.
func (b *budget) left() time.Duration { return b.total - b.used }

const (
	leastEnsemble = 64
	// largest is the number of float64 that an ensemble may have.
	largest = 1 << 24
)

// ensemble returns configurations in equilibrium of an action on the lattice.
func (c *cost) ensemble(ctx context.Context, s *site, action *lattice.Phi4) (*lattice.Ensemble, error) {
	file := fmt.Sprintf("ensemble-%s-kappa%v.npz", s.name, action.Kappa())
	if ens, ok := s.ensembles[file]; ok {
		return ens, nil
	}
	n := max(leastEnsemble, min(c.o.n, largest/s.volume()))
	ens, err := c.folder.Ensemble(ctx, file, fmt.Sprintf("ensemble, %s, κ = %v", s.name, action.Kappa()), action.Layout(), n, func(t *progress.Task) (*lattice.Ensemble, error) {
		r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{Action: action, N: n, Seed: c.o.Part(200 + s.index), Progress: t.Set, Checkpoint: c.folder.State(file)}, nil)
		if err != nil {
			return nil, err
		}
		return r.Ensemble, nil
	})
	s.ensembles[file] = ens
	return ens, err
}
