package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"time"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Files in the output folder.
const (
	ensembleFile = "ensemble.npz"
	resultsFile  = "results.json"
	stateFile    = "ensemble.state" // an unfinished run
	checkFile    = "check.state"    // the cold chains beside the paper's protocol
)

// Seeds of the independent parts of the run, added to the seed of the user.
const (
	seedChains = 0
	seedCheck  = 2
)

// Observables in results.json beside those of package measure.
const (
	thin          = "thin"              // steps between configurations
	pilotReliable = "pilot_reliable"    // 1, or 0 if the thinning is a guess
	trajectory    = "integrator_steps"  // per trajectory, the mean over the chains
	expDeltaH     = "exp_minus_delta_h" // ⟨exp(-ΔH)⟩
	stuck         = "stuck_chains"      // that accept hardly anything
	hot, cold     = "hot_", "cold_"     // means over chains of either start
	zScore, rHat  = "hot_cold_z_", "rhat_"
	squareM       = "m2"
)

// pause is the time between two looks at the phase of a run.
const pause = time.Second

// stateBuffer is the size of the buffer for reading a state, in bytes.
const stateBuffer = 1 << 18

// maxMemory bounds -memory, in GiB, by more than any machine has.
const maxMemory = 1 << 20

// coldChains is the number of cold chains that the paper's hot ones are compared with.
const coldChains = 1024

// ensemble is one run of the program.
type ensemble struct {
	o          *options
	action     *lattice.Phi4
	lat        *lattice.Lattice
	parameters map[string]any
	sampler    *sampler
	// chains is the run proper; check has the cold chains of the paper's protocol.
	chains, check *stage
	folder        *program.Run
	file          *results.File
}

// stage is a generator that shows its progress and keeps its state in a file.
type stage struct {
	title, state string
	generator    *mcmc.Generator
	task         *progress.Task
}

// newEnsemble checks all input before anything is written.
func newEnsemble(o *options, parameters map[string]any) (*ensemble, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	e := &ensemble{o: o, action: action, lat: action.Layout().Lattice, parameters: parameters, file: results.New(parameters)}
	parameters["dims"] = e.lat.Dims()
	if e.sampler, err = newSampler(o, action); err != nil {
		return nil, err
	}
	cold, err := mcmc.LeastConstant(action)
	if err != nil {
		return nil, err
	}
	if !(o.Memory > 0 && o.Memory <= maxMemory) {
		return nil, fmt.Errorf("expected -memory between 0 and %v GiB, got %v", float64(maxMemory), o.Memory)
	}
	bytes := int64(o.Memory * (1 << 30))
	cfg := mcmc.EnsembleConfig{
		N: o.N, Seed: e.seed(seedChains), Chains: o.Chains, ColdValue: cold, MaxBytes: bytes,
		Thermalisation: o.Thermalisation, Thin: o.Thin, Decorrelation: o.Decorrelation,
	}
	switch o.Start {
	case "mixed":
	case "hot":
		cfg.Start = mcmc.StartHot
	case "cold":
		cfg.Start = mcmc.StartCold
	default:
		return nil, fmt.Errorf("expected -start mixed, hot or cold, got %q", o.Start)
	}
	if o.Algorithm == "paper" {
		cfg = mcmc.PaperProtocol(action, o.N, e.seed(seedChains))
		cfg.MaxBytes = bytes
		if o.Thermalisation != 0 {
			cfg.Thermalisation = o.Thermalisation
		}
		compared := cfg
		compared.N = min(o.N, coldChains)
		compared.Chains, compared.Seed, compared.Start = compared.N, e.seed(seedCheck), mcmc.StartCold
		compared.ColdValue = cold
		if e.check, err = e.newStage("cold chains to compare with", checkFile, compared); err != nil {
			return nil, err
		}
	} else {
		cfg.Observables = measure.Observables(action)
		if e.sampler.correction != nil {
			cfg.Observables = append(cfg.Observables, mcmc.Observable{Name: "correction", Func: e.sampler.correction})
		}
	}
	e.chains, err = e.newStage(o.Algorithm, stateFile, cfg)
	return e, err
}

// seed returns the seed of one part of the run. Parts are spaced such that the seeds
// of neighbouring runs do not overlap.
func (e *ensemble) seed(part int) uint64 { return e.o.Seed<<8 + uint64(part) }

func (e *ensemble) newStage(title, state string, cfg mcmc.EnsembleConfig) (*stage, error) {
	s := &stage{title: title, state: state}
	cfg.Action = e.action
	if e.o.Task.Part == program.OneShare {
		cfg.Share, cfg.Shares = e.o.Task.Share, e.o.Task.Shares
	}
	cfg.Progress = func(done, total int) { s.task.Set(done, total) }
	var err error
	s.generator, err = e.sampler.generator(cfg)
	return s, err
}

func (e *ensemble) run(ctx context.Context, out io.Writer) error {
	var err error
	if e.folder, err = e.o.Task.Open(e.o.Out, e.parameters); err != nil {
		return err
	}
	if e.o.Task.Part == program.OneShare {
		return e.share(ctx, out)
	}
	if e.folder.Exists(ensembleFile) && e.folder.Exists(resultsFile) {
		if err := errors.Join(e.read(), e.exported()); err != nil {
			return err
		}
		return e.finish(out)
	}
	if e.o.Task.Part == program.Merge {
		if err := e.merge(); err != nil {
			return err
		}
	}
	if err := e.produce(ctx); err != nil {
		return err
	}
	if err := (lattice.EnsembleFormat{Float32: e.o.Float32}).Write(e.folder.Path(ensembleFile), e.chains.generator.Result().Ensemble); err != nil {
		return err
	}
	if err := e.file.Write(e.folder.Path(resultsFile)); err != nil {
		return err
	}
	return e.finish(out)
}

// produce makes what is left of the chains, and the results.
func (e *ensemble) produce(ctx context.Context) error {
	r, err := e.complete(ctx, e.chains)
	if err != nil {
		return err
	}
	check := r
	if e.check != nil {
		c, err := e.complete(ctx, e.check)
		if err != nil {
			return err
		}
		check = join(r, c)
	}
	if err := e.measure(r); err != nil {
		return err
	}
	if err := e.thermalisation(check); err != nil {
		return err
	}
	if e.o.Export {
		return e.export(r)
	}
	return nil
}

// finish removes the states, which nobody needs any more, and prints the table.
func (e *ensemble) finish(out io.Writer) error {
	for _, name := range []string{stateFile, checkFile} {
		if err := os.Remove(e.folder.Path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return e.print(out)
}

// read takes the files of a finished run as they are, which it has to be able to read.
func (e *ensemble) read() error {
	damaged := func(name string, err error) error {
		return fmt.Errorf("expected the finished run in %s, got a damaged %s: %w; remove that file to repeat the run", e.o.Out, name, err)
	}
	ens, err := lattice.ReadEnsemble(e.folder.Path(ensembleFile))
	if err == nil && (ens.Len() != e.o.N || !ens.Layout.Equal(e.action.Layout())) {
		err = fmt.Errorf("expected %d configurations on %v, got %d on %v", e.o.N, e.lat, ens.Len(), ens.Layout)
	}
	if err != nil {
		return damaged(ensembleFile, err)
	}
	data, err := os.ReadFile(e.folder.Path(resultsFile))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, e.file); err != nil {
		return damaged(resultsFile, err)
	}
	if len(e.file.Results) == 0 {
		return damaged(resultsFile, errors.New("expected results, got none"))
	}
	return nil
}

// complete runs a stage to its end, from where an earlier run left it. Its state is
// saved at intervals, at an interruption, and at the end, for the stages that follow.
func (e *ensemble) complete(ctx context.Context, s *stage) (*mcmc.EnsembleResult, error) {
	if e.folder.Exists(s.state) && e.o.Task.Part != program.Merge {
		if err := s.restore(e.folder.Path(s.state)); err != nil {
			return nil, err
		}
	}
	s.task = progress.New(os.Stderr).Start(ctx, s.title)
	err := e.advance(ctx, s)
	s.task.Done(err)
	return s.generator.Result(), err
}

func (e *ensemble) advance(ctx context.Context, s *stage) error {
	timer := checkpoint.New(0)
	for {
		s.note()
		slice, cancel := context.WithTimeout(ctx, min(pause, max(timer.Left(), pause/10)))
		err := s.generator.Run(slice)
		expired := slice.Err() != nil
		cancel()
		if err != nil && !expired {
			return e.sampler.explain(err)
		}
		save := timer.SaveDue
		if err == nil || ctx.Err() != nil {
			save = timer.Save
		}
		if err := save(func() error { return s.save(e.folder.Path(s.state)) }); err != nil {
			return err
		}
		if err == nil {
			s.note()
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// note shows what the generator does.
func (s *stage) note() {
	switch s.generator.Phase() {
	case mcmc.PhaseThermalisation:
		s.task.Note("thermalisation")
	case mcmc.PhasePilot:
		s.task.Note("measuring autocorrelation times")
	default:
		s.task.Note("a configuration every %d steps", s.generator.Thin())
	}
}

func (s *stage) save(path string) error {
	return atomicfile.Write(path, s.generator.Save)
}

func (s *stage) restore(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.generator.Restore(bufio.NewReaderSize(f, stateBuffer)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// join returns the chains of both results in one, for the thermalisation check.
func join(a, b *mcmc.EnsembleResult) *mcmc.EnsembleResult {
	n := a.Ensemble.Len()
	r := &mcmc.EnsembleResult{Ensemble: lattice.NewEnsemble(a.Ensemble.Layout, n+b.Ensemble.Len()), Chains: a.Chains}
	for _, c := range b.Chains {
		c.First += n
		r.Chains = append(r.Chains, c)
	}
	r.Ensemble.Data = append(append(r.Ensemble.Data, a.Ensemble.Data...), b.Ensemble.Data...)
	for name := range maps.Keys(a.Ensemble.Extra) {
		r.Ensemble.Extra[name] = append(append([]float64(nil), a.Ensemble.Extra[name]...), b.Ensemble.Extra[name]...)
	}
	return r
}

// measure adds the observables. Those of long chains come from every step; in the
// paper's protocol the configurations are independent, one from each chain.
func (e *ensemble) measure(r *mcmc.EnsembleResult) error {
	name := e.o.Algorithm
	part := e.file.Of(name)
	if name == "paper" {
		if err := part.Add(measure.Independent(measure.FromEnsemble(e.action, r.Ensemble))); err != nil {
			return err
		}
	} else {
		replicas := measure.FromRun(r)
		if err := part.Add(measure.Chain(replicas...)); err != nil {
			return err
		}
		if e.sampler.correction != nil {
			if err := part.Add(measure.Response(r.Series[len(r.Series)-1], replicas...)); err != nil {
				return err
			}
		}
	}
	acceptance := make([]float64, len(r.Chains))
	still := 0
	for i, c := range r.Chains {
		acceptance[i] = c.Stats.Acceptance()
		if acceptance[i] < 0.01 {
			still++
		}
	}
	a, err := stats.Mean(acceptance)
	if err := measure.Usable(err); err != nil {
		return err
	}
	e.file.Add(name, measure.Acceptance, a)
	e.add(stuck, float64(still))
	if n := integratorSteps(e.chains.generator, len(r.Chains)); n > 0 {
		mean, sd := r.Stats.MeanExpDeltaH()
		e.file.Add(name, expDeltaH, stats.Estimate{Value: mean, Error: sd})
		e.add(trajectory, n)
	}
	e.add(thin, float64(r.Thin))
	if r.Pilot != nil {
		reliable := 0.0
		if r.Pilot.Reliable {
			reliable = 1
		}
		e.add(pilotReliable, reliable)
	}
	return nil
}

// thermalisation adds the comparison of hot and cold starts, where there are two
// chains of either.
func (e *ensemble) thermalisation(r *mcmc.EnsembleResult) error {
	starts := make(map[bool]int)
	for _, c := range r.Chains {
		starts[c.Hot]++
	}
	if starts[true] < 2 || starts[false] < 2 {
		return nil
	}
	checks, err := r.ThermalisationCheck()
	if err != nil {
		return err
	}
	for i, name := range []string{measure.AbsM, squareM, measure.ActionDensity} {
		c := checks[i]
		e.file.Add(e.o.Algorithm, hot+name, c.Hot)
		e.file.Add(e.o.Algorithm, cold+name, c.Cold)
		e.add(zScore+name, c.Z)
		e.add(rHat+name, c.RHat)
	}
	return nil
}

// add adds a number that has no error.
func (e *ensemble) add(observable string, v float64) {
	e.file.Add(e.o.Algorithm, observable, stats.Estimate{Value: v, Error: math.NaN()})
}
