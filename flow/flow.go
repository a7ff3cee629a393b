package flow

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/chunk"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/internal/lowering"
	"github.com/latdiff/latdiff/lattice"
)

// ProbabilityFlow is the probability-flow ODE of a score model, with compiled
// graphs. It is safe for concurrent use as far as its backend is.
type ProbabilityFlow struct {
	backend compute.Backend
	m       diffusion.ScoreModel
	space   diffusion.Space
	linear  diffusion.LinearModel // nil if the whole score is integrated
	layout  lattice.Layout
	given   Config // without defaults
	cfg     Config
	clock   clock
	plan    probing
	prior   diffusion.Prior

	// folded says that the vectors of a call go through one reverse pass.
	folded bool

	encode, decode, fromModes, toModes, field, probe, advance *model.Exec
	// host evaluates score and divergence on the CPU in place of field, or is nil.
	host *diffusion.Evaluator
	// lifted does so for lifted angles, or is nil.
	lifted *diffusion.LiftEvaluator
}

// New returns the flow of m, of a copy of it if it is a [diffusion.Model]; weights of others must
// not change while it is used. On CPUs models that have a [diffusion.Evaluator] or a
// [diffusion.LiftEvaluator] use it. It returns an error for
// impossible settings.
func New(backend compute.Backend, m diffusion.ScoreModel, cfg Config) (*ProbabilityFlow, error) {
	if backend == nil || m == nil {
		return nil, fmt.Errorf("flow: expected a backend and a model, got %T and %T", backend, m)
	}
	if err := diffusion.CheckWeights(backend, m); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	given := cfg
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	if d, ok := m.(*diffusion.Model); ok {
		var err error
		if m, err = d.Clone(); err != nil {
			return nil, fmt.Errorf("flow: %w", err)
		}
	}
	f := &ProbabilityFlow{
		backend: backend, m: m, space: diffusion.SpaceOf(m), layout: m.Layout(), given: given, cfg: cfg,
		plan: newProbing(cfg, m.Layout()), folded: lowering.FoldProbes(lowering.Of(backend)),
	}
	if l, ok := diffusion.Linear(m); ok && !cfg.Plain {
		f.linear = l
	}
	if err := f.setClock(); err != nil {
		return nil, err
	}
	if err := f.openHost(); err != nil {
		return nil, fmt.Errorf("flow: %w", err)
	}
	return f, f.compile()
}

// setClock sets what depends on spectrum and noise levels alone.
func (f *ProbabilityFlow) setClock() (err error) {
	f.clock, f.prior = newClock(f.m), diffusion.NewPrior(f.m, f.cfg.SigmaMax)
	if f.cfg.IsotropicPrior {
		f.prior, err = diffusion.NewIsotropicPrior(f.m, f.cfg.SigmaMax)
	}
	return err
}

// SetModel goes on with another model, with the graphs that are compiled: one of other weights,
// spectra or noise levels; see [diffusion.Model.Assign]. Noise levels follow the model unless the
// configuration of the flow names them. It returns an error if the flow is not one of a
// [diffusion.Model], or if the graphs differ. Nothing else may use the flow meanwhile, and
// a [Proposer] keeps the model that it was made of.
func (f *ProbabilityFlow) SetModel(m *diffusion.Model) error {
	own, ok := f.m.(*diffusion.Model)
	if !ok || m == nil {
		return fmt.Errorf("flow: expected a flow of a *diffusion.Model and another one for it, got a flow of %T and %v", f.m, m)
	}
	cfg := f.given
	if err := cfg.setDefaults(m); err != nil {
		return err
	}
	if f.lifted != nil {
		// The state is that of a white spectrum.
		if _, err := diffusion.NewLiftEvaluator(f.backend, m); err != nil {
			return fmt.Errorf("flow: %w", err)
		}
	}
	if err := own.Assign(m); err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	f.cfg = cfg
	if err := f.setClock(); err != nil {
		return err
	}
	if f.host != nil {
		f.host.Reset()
	}
	if f.lifted != nil {
		f.lifted.Reset()
	}
	return nil
}

// Steps returns the number of integration steps of a scheme with fixed steps.
func (f *ProbabilityFlow) Steps() int { return f.cfg.Steps }

// Samples are configurations drawn through the flow, with their density.
type Samples struct {
	// Ensemble holds the configurations.
	Ensemble *lattice.Ensemble
	Likelihood
}

// Sample draws n configurations: latent noise, mapped through the flow from σ_max to
// σ_min. LogQ is the density of that map, so that the pairs are valid proposals of
// an independence sampler, up to the error of the steps, see [ProbabilityFlow.StepError],
// and of the probes, if any. The seed determines latent noise and probes, chunk c of Batch
// configurations drawing from generators seeded with (seed, c): the result is reproducible
// on any number of cores. It returns an error for n < 1, a field that is not finite, or
// the error of an ended context.
func (f *ProbabilityFlow) Sample(ctx context.Context, n int, seed uint64) (*Samples, error) {
	if n < 1 {
		return nil, fmt.Errorf("flow: expected at least one configuration to draw, got %d", n)
	}
	return f.sample(ctx, 0, n, seed)
}

// SampleShare draws a share of the configurations that Sample draws with the same n and seed,
// for several processes: whole chunks of Batch configurations, of which there are C = ⌈n/Batch⌉,
// from chunk s·C/S up to (s+1)·C/S for share s of S. The shares, joined in their order, are the
// result of Sample bit by bit; see lattice.Join. It returns the errors of Sample, and one unless
// 0 ≤ s < S ≤ C.
func (f *ProbabilityFlow) SampleShare(ctx context.Context, n, share, shares int, seed uint64) (*Samples, error) {
	chunks := f.chunks(max(n, 0))
	if shares < 1 || shares > chunks {
		return nil, fmt.Errorf("flow: expected from 1 up to %d shares of %d configurations in batches of %d, got %d", chunks, n, f.cfg.Batch, shares)
	}
	if share < 0 || share >= shares {
		return nil, fmt.Errorf("flow: expected a share from 0 up to %d, got %d", shares-1, share)
	}
	first, end := share*chunks/shares, (share+1)*chunks/shares
	return f.sample(ctx, first, min(end*f.cfg.Batch, n)-first*f.cfg.Batch, seed)
}

// sample draws n configurations, with the random numbers of the chunks from first on.
func (f *ProbabilityFlow) sample(ctx context.Context, first, n int, seed uint64) (*Samples, error) {
	return f.transport(ctx, first, n, seed, "draws", func(c, _, _ int) []float64 {
		return f.prior.Modes(rand.New(rand.NewPCG(seed, uint64(first+c))), f.cfg.Batch)
	})
}

// transport maps n latent fields to configurations; latent returns the modes of those of
// chunk c, from lo to hi, whose probes are those of chunk first + c. A state is kept of what
// has a name.
func (f *ProbabilityFlow) transport(ctx context.Context, first, n int, seed uint64, name string, latent func(c, lo, hi int) []float64) (*Samples, error) {
	v := f.layout.Size()
	ens := lattice.NewEnsemble(f.layout, n)
	ens.Data = ens.Data[:n*v]
	run := f.run(seed, f.reporter(n))
	run.first = first
	out := newLikelihood(n)
	efforts := newEfforts(f.chunks(n))
	state, err := f.open(name, run, n, out, efforts, chunk.Column{
		Name: "fields", Of: func(_, lo, hi int) []float64 { return ens.Data[lo*v : hi*v] },
	})
	if err != nil {
		return nil, err
	}
	err = state.RunSaved(ctx, f.backend, n, f.cfg.Batch, run.skip, func(ctx context.Context, c, lo, hi int) error {
		modes := latent(c, lo, hi)
		x, err := apply(f.fromModes, host.Tensor(f.cfg.DType, modes, f.dims()...), f.at(f.cfg.SigmaMax))
		if err != nil {
			return fmt.Errorf("flow: starting from the prior: %w", err)
		}
		end, err := f.integrate(ctx, x, run.first+c, hi-lo, f.cfg.SigmaMax, f.cfg.SigmaMin, run)
		if err != nil {
			return err
		}
		if err := applyTo(ens.Data[lo*v:hi*v], f.decode, end.fields, f.at(f.cfg.SigmaMin)); err != nil {
			return fmt.Errorf("flow: reading the result: %w", err)
		}
		out.record(f, lo, f.logPrior(modes[:(hi-lo)*v]), end, +1)
		efforts.set(c, end.effort)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := ens.Check(); err != nil {
		return nil, fmt.Errorf("flow: the flow diverged: %w", err)
	}
	f.space.Wrap(f.layout, ens.Data)
	efforts.addTo(&out.Effort)
	return &Samples{ens, *out}, nil
}

// LogWeights returns log w = -S - log q of every draw, see [Likelihood.LogWeights].
func (s *Samples) LogWeights(action lattice.Action) ([]float64, error) {
	return s.Likelihood.LogWeights(action, s.Ensemble)
}

// LogProb returns log q of given configurations, mapped through the flow from σ_min
// to σ_max. The seed determines the probes of a divergence that is not known. It returns an
// error if the ensemble is of another layout or not finite, if the flow diverges, or the
// error of an ended context.
//
// The density is with respect to what the space of the fields says, and a field that is not in it
// is an error: for [diffusion.LiftedAngles] one whose sum is no multiple of 2π.
func (f *ProbabilityFlow) LogProb(ctx context.Context, ens *lattice.Ensemble, seed uint64) (*Likelihood, error) {
	return f.LogProbShare(ctx, ens, 0, seed)
}

// LogProbShare returns log q of configurations that are those from number first on of a larger
// ensemble, with the probes that LogProb takes for them there; first is a multiple of Batch. It
// returns the errors of LogProb, and one for another first.
func (f *ProbabilityFlow) LogProbShare(ctx context.Context, ens *lattice.Ensemble, first int, seed uint64) (*Likelihood, error) {
	if err := f.checkFields(ens); err != nil {
		return nil, err
	}
	if first < 0 || first%f.cfg.Batch != 0 {
		return nil, fmt.Errorf("flow: expected a share that begins at a multiple of the batch of %d configurations, got %d", f.cfg.Batch, first)
	}
	r := f.run(seed, f.reporter(ens.Len()))
	r.first = first / f.cfg.Batch
	return f.logProb(ctx, ens, "densities", r)
}

// checkFields returns an error unless ens holds finite configurations of the layout of the model.
func (f *ProbabilityFlow) checkFields(ens *lattice.Ensemble) error {
	if ens == nil || ens.Lattice == nil {
		return fmt.Errorf("flow: expected configurations, got nil")
	}
	if err := ens.CheckLayout(f.layout); err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	if err := ens.Check(); err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	if err := f.space.CheckFields(ens); err != nil {
		return fmt.Errorf("flow: %w", err)
	}
	return nil
}

// logProb is LogProb of fields that were checked, with a state of what has a name.
func (f *ProbabilityFlow) logProb(ctx context.Context, ens *lattice.Ensemble, name string, run run) (*Likelihood, error) {
	out, err := f.densities(ctx, ens, name, run)
	if err != nil {
		return nil, err
	}
	for i, l := range out.LogQ {
		if math.IsNaN(l) || math.IsInf(l, 0) {
			return nil, fmt.Errorf("flow: the flow diverged: log q = %v for configuration %d", l, i)
		}
	}
	return out, nil
}

// densities is logProb, but that log q is not finite where the flow diverges.
func (f *ProbabilityFlow) densities(ctx context.Context, ens *lattice.Ensemble, name string, run run) (*Likelihood, error) {
	v := f.layout.Size()
	out := newLikelihood(ens.Len())
	efforts := newEfforts(f.chunks(ens.Len()))
	if name != "" && f.cfg.Checkpoint != "" {
		name += " of " + digest(ens.Data)
	}
	state, err := f.open(name, run, ens.Len(), out, efforts)
	if err != nil {
		return nil, err
	}
	err = state.RunSaved(ctx, f.backend, ens.Len(), f.cfg.Batch, run.skip, func(ctx context.Context, c, lo, hi int) error {
		x, err := apply(f.encode, host.Tensor(f.cfg.DType, ens.Data[lo*v:hi*v], f.dims()...), f.at(f.cfg.SigmaMin))
		if err != nil {
			return fmt.Errorf("flow: reading configurations: %w", err)
		}
		end, err := f.integrate(ctx, x, run.first+c, hi-lo, f.cfg.SigmaMin, f.cfg.SigmaMax, run)
		if err != nil {
			return err
		}
		modes := make([]float64, (hi-lo)*v)
		if err := applyTo(modes, f.toModes, end.fields, f.at(f.cfg.SigmaMax)); err != nil {
			return fmt.Errorf("flow: evaluating the prior: %w", err)
		}
		out.record(f, lo, f.logPrior(modes), end, -1)
		efforts.set(c, end.effort)
		return nil
	})
	if err != nil {
		return nil, err
	}
	efforts.addTo(&out.Effort)
	return out, nil
}

// run says how accurately to integrate, and to whom to report the steps.
type run struct {
	seed    uint64 // of the probes
	first   int    // chunk, by whose number the probes begin
	scheme  Integrator
	steps   int     // of a scheme with fixed steps
	tighten float64 // divisor of the tolerances of an adaptive one
	report  func(int)
}

// skip accounts for the steps of a chunk that is finished.
func (r run) skip(_, lo, hi int) { r.report((hi - lo) * r.steps) }

// run returns how the configuration says to integrate.
func (f *ProbabilityFlow) run(seed uint64, report func(int)) run {
	return run{seed: seed, scheme: f.cfg.Integrator, steps: f.cfg.Steps, tighten: 1, report: report}
}

// at returns what the graphs at the ends of the flow take besides fields: a noise level, by which
// the linear part scales them.
func (f *ProbabilityFlow) at(sigma float64) []any {
	if f.linear == nil {
		return nil
	}
	return []any{sigma}
}

// apply returns what a graph makes of x, which it frees, and of further arguments.
func apply(graph *model.Exec, x *tensors.Tensor, more []any) (*tensors.Tensor, error) {
	y, err := graph.Call1(append([]any{x}, more...)...)
	if e := x.FinalizeAll(); err == nil {
		err = e
	}
	return y, err
}

// applyTo sets dst to the beginning of what a graph makes of x, which it frees.
func applyTo(dst []float64, graph *model.Exec, x *tensors.Tensor, more []any) error {
	y, err := apply(graph, x, more)
	if err != nil {
		return err
	}
	if err := host.Read(dst, y); err != nil {
		return err
	}
	return y.FinalizeAll()
}

// end is where the integration of one chunk arrives.
type end struct {
	fields *tensors.Tensor
	// change is ∫ σ² ∇·r dℓ per estimate and configuration of a batch.
	change []float64
	effort Effort
}

// integrate carries the state x of a chunk, of which n configurations matter, through
// the flow between two noise levels.
func (f *ProbabilityFlow) integrate(ctx context.Context, x *tensors.Tensor, chunk, n int, from, to float64, run run) (end, error) {
	if f.isResident(run.scheme) {
		return f.integrateResident(ctx, x, chunk, n, from, to, run)
	}
	return f.integrateHost(ctx, x, chunk, n, from, to, run)
}

// integrateHost does so with the state on the host.
func (f *ProbabilityFlow) integrateHost(ctx context.Context, x *tensors.Tensor, chunk, n int, from, to float64, run run) (end, error) {
	eq := timed{f.newEquation(run.seed, chunk, n), f.clock}
	z, err := eq.start(x)
	if err != nil {
		return end{}, fmt.Errorf("flow: reading the fields: %w", err)
	}
	var out end
	switch tab := tableaux[run.scheme]; {
	case run.scheme == Adams:
		out.effort.Accepted = run.steps
		z, err = integrateAdams(ctx, eq, z, from, to, run.steps, run.report)
	case tab.e == nil:
		out.effort.Accepted = run.steps
		z, err = integrateFixed(ctx, eq, tab, z, from, to, run.steps, run.report)
	default:
		z, out.effort, err = integrateAdaptive(ctx, eq, tab, z, from, to, run.tighten, run.report)
	}
	if err != nil {
		return end{}, err
	}
	out.effort.Evaluations = eq.evaluations
	out.fields, out.change = host.Tensor(dtypes.Float64, z[:eq.fields()], f.dims()...), z[eq.fields():]
	return out, nil
}

// chunks returns the number of chunks of n configurations.
func (f *ProbabilityFlow) chunks(n int) int { return (n + f.cfg.Batch - 1) / f.cfg.Batch }

// fieldShape returns the shape of fields in graphs.
func fieldShape(layout lattice.Layout, batch int) []int {
	return append([]int{batch, layout.Components}, layout.Dims()...)
}

func (f *ProbabilityFlow) dims() []int { return fieldShape(f.layout, f.cfg.Batch) }

// reporter returns the function that accounts for the steps of n configurations.
func (f *ProbabilityFlow) reporter(n int) func(int) {
	if f.cfg.Progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	done := 0
	return func(k int) {
		mu.Lock()
		defer mu.Unlock()
		done += k
		f.cfg.Progress(done, n*f.cfg.Steps)
	}
}

// logPrior returns log p(φ) of every field, up to the change along the flow: the
// density of the modes at σ_max, and that of the exactly solved linear flow from there
// to σ_min.
func (f *ProbabilityFlow) logPrior(modes []float64) []float64 {
	linear := 0.0
	if f.linear != nil {
		before, after := f.noisy(f.cfg.SigmaMax), f.noisy(f.cfg.SigmaMin)
		for k := range before {
			linear += 0.5 * math.Log(before[k]/after[k])
		}
	}
	v := f.layout.Size()
	out := make([]float64, len(modes)/v)
	for i := range out {
		out[i] = linear + f.prior.LogDensity(modes[i*v:(i+1)*v])
	}
	return out
}
