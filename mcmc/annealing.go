package mcmc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// AnnealConfig configures [Anneal]. The zero value anneals 1024 configurations in 16
// populations by sequential Monte Carlo.
type AnnealConfig struct {
	// N is the number of configurations and Populations that of the independent groups into
	// which they are divided, and from which errors come. Default 1024, or as many as Start
	// holds, and 16.
	N, Populations int
	// Start holds configurations drawn independently from a density q whose logarithms are
	// LogQ, such as the draws of a model for a coupling on the way. Nil: N configurations in
	// equilibrium at the start of the path, from hot starts by Thermalisation steps of the
	// kernel, 0 meaning 200, and LogZ of the path.
	Start          *lattice.Ensemble
	LogQ           []float64
	Thermalisation int
	// Ladder are the parameters of the rungs after the start, up to the end of the path. Nil:
	// each is put where the weights of the step keep the fraction Keep of the effective
	// sample size, default 0.9; that choice, made from all populations, leaves a bias of
	// the order 1/N.
	Ladder []float64
	Keep   float64
	// Steps is the number of kernel steps of every configuration at every rung. Default 1.
	Steps int
	// Resample is the effective sample size of a population, as a fraction, below which it is
	// resampled. Default 0.5; negative: never, which is annealed importance sampling.
	Resample float64
	// NewKernel makes the kernel of a rung, for one goroutine. Nil means [Recommended].
	NewKernel func(action lattice.Action) (Kernel, error)
	// Workers bounds the goroutines; 0 means GOMAXPROCS. The result does not depend on it.
	Workers int
	// Seed is the first seed of all generators.
	Seed uint64
	// Progress, if not nil, is called after every rung with the fraction of the way done.
	Progress func(done float64)
	// Checkpoint, if not empty, is a file to which the state of the run is written whenever
	// CheckpointEvery has passed, default 30 s, when ctx ends, and at the end, and from which the
	// same call goes on. Kernels must not remember anything from one configuration to the
	// next. No result depends on it.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// Rung is a step of [Anneal].
type Rung struct {
	// T is the parameter of the path that it led to.
	T float64
	// ESS is the effective sample size over N after its weights.
	ESS float64
	// Acceptance is the mean acceptance of its kernel steps.
	Acceptance float64
	// Resampled is the number of populations that were resampled after it.
	Resampled int
	// LogZ is log Z at T.
	LogZ stats.Estimate
}

// AnnealResult is what [Anneal] returns.
type AnnealResult struct {
	// Ensemble holds the configurations, population after population, and LogW their
	// log-weights: averages with weights w are those of e^{-S}/Z at the end of the path, and
	// ⟨w⟩ = Z.
	Ensemble *lattice.Ensemble
	LogW     []float64
	// LogZ is log Z at the end of the path, with an error from the populations.
	LogZ  stats.Estimate
	Rungs []Rung

	populations int
}

// Anneal carries configurations along a path of actions S_t with weights that keep them exact:
// by Jarzynski's equality (C. Jarzynski, Phys. Rev. Lett. 78 (1997) 2690), which is annealed
// importance sampling (R. M. Neal, Stat. Comput. 11 (2001) 125), or with resampling by
// sequential Monte Carlo (P. Del Moral, A. Doucet and A. Jasra, J. R. Stat. Soc. B 68 (2006)
// 411). From t to t′ log w grows by S_t(φ) - S_t′(φ), and then a kernel that leaves
// e^{-S_t′} invariant moves φ. It is the classical way to log Z, needs no equilibrium but at
// the start, and from draws of a model with their density it removes the error of the model.
//
// Configurations of one population are not independent once it is resampled; errors are
// those of a jackknife over populations, and a value is off by them like Student's t with as
// many degrees of freedom as there are populations, less one: with 16 its rms is 1.07. It returns an error if the path is incomplete, a
// setting out of range, an action not finite, at an error of an action or a kernel, or
// ctx.Err() when ctx ends.
func Anneal(ctx context.Context, path ThermodynamicPath, cfg AnnealConfig) (*AnnealResult, error) {
	cfg, err := cfg.withDefaults(path)
	if err != nil {
		return nil, err
	}
	a := &annealing{AnnealConfig: cfg, path: path, t: path.From, length: math.Inf(1)}
	if err := a.begin(); err != nil {
		return nil, err
	}
	for a.moving || a.t != path.To {
		if !a.moving {
			if err := a.step(len(a.rungs)); err != nil {
				return nil, err
			}
		}
		if err := a.settle(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.saved.save(a.write); err != nil {
		return nil, err
	}
	return &AnnealResult{Ensemble: a.ens, LogW: a.logw, LogZ: a.logZ(), Rungs: a.rungs, populations: cfg.Populations}, nil
}

// Mean returns the weighted mean of an observable at the end of the path, with an error
// from the populations.
func (r *AnnealResult) Mean(f func(phi []float64) float64) stats.Estimate {
	return overPopulations(r.LogW, r.populations, r.Ensemble.Measure(nil, f))
}

func (cfg AnnealConfig) withDefaults(path ThermodynamicPath) (AnnealConfig, error) {
	switch {
	case path.Action == nil:
		return cfg, fmt.Errorf("mcmc: expected a path with actions for annealing")
	case !finite(path.From) || !finite(path.To) || !finite(path.LogZ):
		return cfg, fmt.Errorf("mcmc: expected a finite path from a finite log Z, got %v at %v to %v", path.LogZ, path.From, path.To)
	case cfg.Start == nil && cfg.LogQ != nil || cfg.Start != nil && len(cfg.LogQ) != cfg.Start.Len():
		return cfg, fmt.Errorf("mcmc: expected configurations to start from with a density each, got %d densities", len(cfg.LogQ))
	}
	if cfg.Start != nil {
		if cfg.N != 0 && cfg.N != cfg.Start.Len() {
			return cfg, fmt.Errorf("mcmc: expected as many configurations as there are to start from, %d, got %d", cfg.Start.Len(), cfg.N)
		}
		cfg.N = cfg.Start.Len()
	}
	for _, n := range []struct {
		name        string
		value       *int
		def, lo, hi int
	}{
		{"configurations", &cfg.N, 1024, 4, math.MaxInt}, {"populations", &cfg.Populations, 16, 2, cfg.N / 2}, {"steps", &cfg.Steps, 1, 1, math.MaxInt},
		{"steps of thermalisation", &cfg.Thermalisation, 200, 1, math.MaxInt}, {"workers", &cfg.Workers, runtime.GOMAXPROCS(0), 1, math.MaxInt},
	} {
		if *n.value == 0 {
			*n.value = n.def
		}
		if n.name == "populations" {
			n.hi = cfg.N / 2
		}
		if *n.value < n.lo || *n.value > n.hi {
			return cfg, fmt.Errorf("mcmc: expected from %d to %d %s to anneal, got %d", n.lo, n.hi, n.name, *n.value)
		}
	}
	if cfg.Keep == 0 {
		cfg.Keep = 0.9
	}
	if cfg.Resample == 0 {
		cfg.Resample = 0.5
	}
	if !(cfg.Keep > 0 && cfg.Keep < 1) || !(cfg.Resample <= 1) {
		return cfg, fmt.Errorf("mcmc: expected fractions of the effective sample size between 0 and 1, got %v to keep and %v to resample", cfg.Keep, cfg.Resample)
	}
	last := 0.0
	for _, t := range cfg.Ladder {
		f := (t - path.From) / (path.To - path.From)
		if !(f > last && f <= 1) {
			return cfg, fmt.Errorf("mcmc: expected a ladder from %v to %v, got %v", path.From, path.To, cfg.Ladder)
		}
		last = f
	}
	if cfg.Ladder != nil && last != 1 {
		return cfg, fmt.Errorf("mcmc: expected a ladder that ends at %v, got %v", path.To, cfg.Ladder)
	}
	if cfg.NewKernel == nil {
		cfg.NewKernel = func(a lattice.Action) (Kernel, error) { return Recommended(a) }
	}
	return cfg, nil
}

// annealing is a run of Anneal.
type annealing struct {
	AnnealConfig
	path   ThermodynamicPath
	t      float64
	ens    *lattice.Ensemble
	logw   []float64
	action []float64 // S_t of every configuration
	pcgs   []*rand.PCG
	rngs   []*rand.Rand

	rungs []Rung
	// moving says that a move is under way, to thermalise or at the end of rung: of the
	// configurations that moved says the move is made, with the acceptance in accepted.
	moving   bool
	rung     Rung
	moved    []bool
	accepted []float64
	saved    *savedRun

	length             float64 // of the last step, where they are chosen
	trial, once, twice []float64
}

// begin puts the configurations at the start of the path, or where an earlier run left them.
func (a *annealing) begin() error {
	action, err := a.at(a.t)
	if err != nil {
		return err
	}
	size := action.Layout().Size()
	a.logw, a.moved, a.accepted = make([]float64, a.N), make([]bool, a.N), make([]float64, a.N)
	for i := range a.N {
		a.pcgs = append(a.pcgs, rand.NewPCG(a.Seed, uint64(i)))
		a.rngs = append(a.rngs, rand.New(a.pcgs[i]))
	}
	a.saved, err = newSavedRun(a.Checkpoint, a.CheckpointEvery, "annealing", func() (string, error) { return a.fingerprint(action), nil })
	if err != nil {
		return err
	}
	if a.Start == nil {
		a.ens = lattice.NewEnsemble(action.Layout(), a.N)
		a.ens.Data = a.ens.Data[:a.N*size]
	} else {
		if err := a.Start.CheckLayout(action.Layout()); err != nil {
			return fmt.Errorf("mcmc: annealing: %w", err)
		}
		if err := a.Start.Check(); err != nil {
			return fmt.Errorf("mcmc: annealing: %w", err)
		}
		a.ens = &lattice.Ensemble{Layout: a.Start.Layout, Data: append([]float64(nil), a.Start.Data...)}
	}
	if restored, err := a.saved.restore(a.read); restored || err != nil {
		return err
	}
	if a.Start == nil {
		for i := range a.N {
			HotStart(a.rngs[i], a.ens.Config(i))
			a.logw[i] = a.path.LogZ
		}
		a.moving = true
		return nil
	}
	if err := a.measure(action); err != nil {
		return err
	}
	for i, s := range a.action {
		a.logw[i] = -s - a.LogQ[i]
	}
	return nil
}

// settle makes the move that is under way, and with it ends the rung, or the thermalisation.
func (a *annealing) settle(ctx context.Context) error {
	action, err := a.at(a.t)
	if err != nil {
		return err
	}
	steps := a.Steps
	thermalises := a.rung == (Rung{})
	if thermalises {
		steps = a.Thermalisation
	}
	if err := a.move(ctx, action, steps); err != nil {
		return err
	}
	acceptance := 0.0
	for i, p := range a.accepted {
		acceptance += p
		a.accepted[i], a.moved[i] = 0, false
	}
	a.moving = false
	if err := a.measure(action); err != nil || thermalises {
		return err
	}
	a.rung.Acceptance = acceptance
	a.rungs, a.rung = append(a.rungs, a.rung), Rung{}
	if a.Progress != nil {
		a.Progress((a.t - a.path.From) / (a.path.To - a.path.From))
	}
	return nil
}

// at returns S_t.
func (a *annealing) at(t float64) (lattice.Action, error) {
	action, err := a.path.Action(t)
	if err != nil {
		return nil, err
	}
	return action, lattice.CheckAction(action)
}

// measure sets action to the values of an action.
func (a *annealing) measure(action lattice.Action) error {
	a.action = a.values(a.action, action)
	for i, s := range a.action {
		if !finite(s) {
			return fmt.Errorf("mcmc: annealing: expected a finite action, got %v of configuration %d at t = %v", s, i, a.t)
		}
	}
	return nil
}

// values writes an action of every configuration into dst and returns it.
func (a *annealing) values(dst []float64, action lattice.Action) []float64 {
	if dst == nil {
		dst = make([]float64, a.N)
	}
	var wg sync.WaitGroup
	workers := min(a.Workers, a.N)
	for w := range workers {
		lo, hi := population(a.N, workers, w)
		wg.Go(func() { a.ens.Slice(lo, hi).Measure(dst[lo:hi], action.Value) })
	}
	wg.Wait()
	return dst
}

// step goes on to rung i, up to its move.
func (a *annealing) step(i int) error {
	t, err := a.next(i)
	if err != nil {
		return err
	}
	action, err := a.at(t)
	if err != nil {
		return err
	}
	before := append([]float64(nil), a.action...)
	if err := a.measure(action); err != nil {
		return err
	}
	for i, s := range a.action {
		a.logw[i] += before[i] - s
	}
	a.t = t
	a.rung = Rung{T: t, ESS: effective(a.logw), LogZ: a.logZ()}
	if a.rung.Resampled, err = a.resample(i); err != nil {
		return err
	}
	a.moving = true
	return nil
}

// next returns the parameter of rung i.
func (a *annealing) next(i int) (float64, error) {
	if a.Ladder != nil {
		return a.Ladder[i], nil
	}
	way := a.path.To - a.t
	target := -math.Log(a.Keep)
	// A fraction of what is left, to two per cent of itself, between one that keeps enough and
	// one that does not. The loss grows as the square of it.
	lo, hi := 0.0, math.Inf(1)
	for f := math.Min(1, a.length/math.Abs(way)); ; {
		loss, err := a.loss(a.t + f*way)
		if err != nil {
			return 0, err
		}
		switch {
		case !(loss <= target):
			hi = f
		case f == 1:
			return a.path.To, nil
		case loss >= 0.96*target || f > 0.99*hi:
			a.length = f * math.Abs(way)
			return a.t + f*way, nil
		default:
			lo = f
		}
		if lo == 0 && hi < 1e-9 {
			return 0, fmt.Errorf("mcmc: annealing: expected weights that vary little over a short way, got an effective sample size below %v of that at t = %v", a.Keep, a.t)
		}
		if f = math.Min(1, f*math.Sqrt(0.98*target/math.Max(loss, 0))); !(f > lo && f < hi) {
			f = (lo + math.Min(1, hi)) / 2
		}
	}
}

// loss returns -log of the fraction (Σ W v)²/Σ W v² of the sample of the weights W that the
// weights v of a step to t keep.
func (a *annealing) loss(t float64) (float64, error) {
	action, err := a.at(t)
	if err != nil {
		return 0, err
	}
	a.trial = a.values(a.trial, action)
	a.once, a.twice = a.once[:0], a.twice[:0]
	for i, s := range a.trial {
		once := a.logw[i] + a.action[i] - s
		a.once, a.twice = append(a.once, once), append(a.twice, once+a.action[i]-s)
	}
	return floats.LogSumExp(a.twice) + floats.LogSumExp(a.logw) - 2*floats.LogSumExp(a.once), nil
}

// population returns the range of configurations of population p.
func population(n, populations, p int) (lo, hi int) {
	return p * n / populations, (p + 1) * n / populations
}

// resample resamples the populations with few effective configurations.
func (a *annealing) resample(rung int) (count int, err error) {
	size := a.ens.Size()
	for p := range a.Populations {
		lo, hi := population(a.N, a.Populations, p)
		if !(effective(a.logw[lo:hi]) < a.Resample) {
			continue
		}
		rng := rand.New(rand.NewPCG(a.Seed+1, uint64(rung*a.Populations+p)))
		index, err := stats.Resample(rng, a.logw[lo:hi], hi-lo)
		if err != nil {
			return count, fmt.Errorf("mcmc: annealing: %w", err)
		}
		data := append([]float64(nil), a.ens.Data[lo*size:hi*size]...)
		action := append([]float64(nil), a.action[lo:hi]...)
		mean := floats.LogSumExp(a.logw[lo:hi]) - math.Log(float64(hi-lo))
		for i, from := range index {
			copy(a.ens.Config(lo+i), data[from*size:(from+1)*size])
			a.action[lo+i], a.logw[lo+i] = action[from], mean
		}
		count++
	}
	return count, nil
}

// move makes steps of the kernel of an action with every configuration that has not moved yet,
// and writes the state where it is due, and where ctx ends.
func (a *annealing) move(ctx context.Context, action lattice.Action, steps int) error {
	for {
		pause := make(chan struct{})
		var alarm *time.Timer
		if a.saved != nil {
			alarm = time.AfterFunc(a.saved.timer.Left(), func() { close(pause) })
		}
		err := a.movePart(ctx, pause, action, steps)
		if alarm == nil {
			return err
		}
		alarm.Stop()
		paused := err == nil && slices.Contains(a.moved, false)
		if paused || ctx.Err() != nil {
			if e := a.saved.save(a.write); e != nil {
				return e
			}
		}
		if !paused {
			return err
		}
	}
}

// movePart moves configurations until all have moved or pause is closed, one a worker at least.
func (a *annealing) movePart(ctx context.Context, pause <-chan struct{}, action lattice.Action, steps int) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(a.Workers, a.N) {
		wg.Go(func() {
			kernel, err := a.NewKernel(action)
			if err != nil {
				cancel(err)
				return
			}
			phi := make([]float64, a.ens.Size())
			for inner.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= a.N {
					return
				}
				if a.moved[i] {
					continue
				}
				if err := a.moveOne(inner, kernel, i, steps, phi); err != nil {
					cancel(err)
					return
				}
				select {
				case <-pause:
					return
				default:
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.Cause(inner)
}

// moveOne makes steps of the kernel with configuration i, all of them or, after an error, none;
// phi is scratch space.
func (a *annealing) moveOne(ctx context.Context, kernel Kernel, i, steps int, phi []float64) error {
	before, accepted := *a.pcgs[i], 0.0
	copy(phi, a.ens.Config(i))
	for range steps {
		info, err := kernel.Step(ctx, a.rngs[i], phi)
		if err != nil {
			*a.pcgs[i] = before
			return fmt.Errorf("mcmc: annealing: %w", err)
		}
		accepted += info.AcceptProb / float64(steps*a.N)
	}
	copy(a.ens.Config(i), phi)
	a.accepted[i], a.moved[i] = accepted, true
	return nil
}

// logZ returns log⟨w⟩.
func (a *annealing) logZ() stats.Estimate {
	return overPopulations(a.logw, a.Populations, nil)
}

// overPopulations returns the weighted mean of x, or log⟨w⟩ if x is nil, with the error of a
// jackknife over populations.
func overPopulations(logw []float64, populations int, x []float64) stats.Estimate {
	n := len(logw)
	largest := math.Inf(-1)
	for _, l := range logw {
		largest = max(largest, l)
	}
	total, totalX := 0.0, 0.0
	sum, sumX, count := make([]float64, populations), make([]float64, populations), make([]float64, populations)
	for p := range populations {
		lo, hi := population(n, populations, p)
		count[p] = float64(hi - lo)
		for i := lo; i < hi; i++ {
			w := math.Exp(logw[i] - largest)
			sum[p] += w
			if x != nil {
				sumX[p] += w * x[i]
			}
		}
		total, totalX = total+sum[p], totalX+sumX[p]
	}
	value := func(w, wx, n float64) float64 {
		if x == nil {
			return largest + math.Log(w/n)
		}
		return wx / w
	}
	mean, values := 0.0, make([]float64, populations)
	for p := range values {
		values[p] = value(total-sum[p], totalX-sumX[p], float64(n)-count[p])
		mean += values[p] / float64(populations)
	}
	square := 0.0
	for _, v := range values {
		square += (v - mean) * (v - mean)
	}
	return stats.Estimate{
		Value: value(total, totalX, float64(n)),
		Error: math.Sqrt(square * float64(populations-1) / float64(populations)),
	}
}

// effective returns the effective sample size over the number of weights.
func effective(logw []float64) float64 {
	twice := make([]float64, len(logw))
	for i, l := range logw {
		twice[i] = 2 * l
	}
	return math.Exp(2*floats.LogSumExp(logw)-floats.LogSumExp(twice)) / float64(len(logw))
}
