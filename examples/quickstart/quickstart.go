package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/internal/backend"
	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/measure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/unet"
)

// Files in the output folder.
const (
	ensembleFile  = "ensemble.npz"  // training ensemble
	hmcFile       = "hmc.npz"       // thinned HMC configurations
	trainFile     = "train.npz"     // state of an unfinished training run
	modelFile     = "model.npz"     // the trained model
	reverseFile   = "dm.npz"        // reverse SDE, with log q
	proposalsFile = "proposals.npz" // probability flow, with log q
	resultsFile   = "results.json"
)

// Seeds of the independent parts of the run, added to the seed of the user.
const (
	seedReference = iota
	seedEnsemble
	seedHMC
	seedModel
	seedReverse
	seedFlow
	seedGaussian
	seedChain
)

// quickstart is one run of the program.
type quickstart struct {
	o       options
	action  *lattice.Phi4
	lat     *lattice.Lattice
	backend compute.Backend
	display *progress.Display

	// Inputs of the user, nil if the run makes its own.
	given      *lattice.Ensemble
	givenModel *diffusion.Model

	folder *program.Run
	table  *results.File
	curves []figure.Correlation // C(t) of |M|
	// trained, if not nil, is told of every training step.
	trained func(diffusion.TrainProgress)
	series  map[string]measure.Series
}

// newQuickstart checks all input before anything is written.
func newQuickstart(o options) (*quickstart, error) {
	action, err := o.Phi4()
	if err != nil {
		return nil, err
	}
	q := &quickstart{o: o, action: action, lat: action.Lattice(), display: progress.New(os.Stderr), series: map[string]measure.Series{}}
	for name, n := range map[string]int{"n": o.Configurations, "steps": o.Steps, "batch": o.Batch, "samples": o.Samples,
		"reverse-steps": o.ReverseSteps, "flow-steps": o.FlowSteps, "probes": o.Probes} {
		if n < 2 {
			return nil, fmt.Errorf("expected -%s of at least 2, got %d", name, n)
		}
	}
	if o.Objective != "target" && o.Objective != "denoising" {
		return nil, fmt.Errorf("expected -objective target or denoising, got %q", o.Objective)
	}
	if o.Ensemble != "" {
		if q.given, err = lattice.ReadEnsemble(o.Ensemble); err != nil {
			return nil, err
		}
		if err := q.given.CheckLattice(q.lat); err != nil {
			return nil, err
		}
		for name, want := range action.Params() {
			if have, ok := q.given.Params[name]; ok && have != want {
				return nil, fmt.Errorf("expected an ensemble with %s = %v, got %v in %s", name, want, have, o.Ensemble)
			}
		}
	}
	if o.Model != "" {
		if q.givenModel, err = diffusion.LoadModel(o.Model); err != nil {
			return nil, err
		}
		if err := q.givenModel.CheckLattice(q.lat); err != nil {
			return nil, err
		}
	}
	if q.backend, err = backend.Open(o.Backend); err != nil {
		return nil, err
	}
	return q, nil
}

func (q *quickstart) parameters() map[string]any {
	return map[string]any{
		"dims": q.lat.Dims(), "kappa": q.o.Kappa, "lambda": q.o.Lambda, "seed": q.o.Seed, "backend": q.o.Backend,
		"n": q.o.Configurations, "objective": q.o.Objective, "steps": q.o.Steps, "batch": q.o.Batch, "samples": q.o.Samples,
		"reverse_steps": q.o.ReverseSteps, "flow_steps": q.o.FlowSteps, "probes": q.o.Probes,
		"ensemble": q.o.Ensemble, "model": q.o.Model,
	}
}

// seed returns the seed of one part of the run. Parts are spaced such that the seeds
// of neighbouring runs do not overlap.
func (q *quickstart) seed(part int) uint64 { return q.o.Seed<<8 + uint64(part) }

func (q *quickstart) run(ctx context.Context) error {
	var err error
	if q.folder, err = program.OpenRun(q.o.Out, q.parameters()); err != nil {
		return err
	}
	q.table = results.New(q.parameters())
	fmt.Printf("φ⁴ on %v, κ = %v, λ = %v: results go to %s\n", q.lat, q.o.Kappa, q.o.Lambda, q.o.Out)
	if err := q.reference(ctx); err != nil {
		return err
	}
	if err := q.hybridMonteCarlo(ctx); err != nil {
		return err
	}
	ens, err := q.trainingEnsemble(ctx)
	if err != nil {
		return err
	}
	m, err := q.train(ctx, ens)
	if err != nil {
		return err
	}
	gaussian, err := q.gaussian(ctx, m.Spectrum())
	if err != nil {
		return err
	}
	reverse, err := q.reverse(ctx, m)
	if err != nil {
		return err
	}
	proposals, err := q.proposals(ctx, m)
	if err != nil {
		return err
	}
	if err := q.compare(gaussian, reverse, proposals); err != nil {
		return err
	}
	if err := q.plots(gaussian, reverse, proposals); err != nil {
		return err
	}
	if err := q.table.Write(q.folder.Path(resultsFile)); err != nil {
		return err
	}
	return q.print(os.Stdout, proposals)
}

// task runs f behind a progress bar.
func (q *quickstart) task(ctx context.Context, name string, f func(t *progress.Task) error) error {
	t := q.display.Start(ctx, name)
	err := f(t)
	t.Done(err)
	return err
}

// reference measures the observables on a long run of the recommended classical
// kernel, which shares nothing with the training ensemble but the action.
func (q *quickstart) reference(ctx context.Context) error {
	return q.task(ctx, "reference (cluster, Metropolis)", func(t *progress.Task) error {
		r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Lattice: q.lat, Action: q.action, N: 1600, Thin: 40, Seed: q.seed(seedReference),
			Observables: measure.Observables(q.action), Progress: t.Set,
		}, func(int) (mcmc.Kernel, error) { return mcmc.NewPhi4Cycle(q.action) })
		if err != nil {
			return err
		}
		return measure.AddChain(q.table, "reference", q.lat.Volume(), measure.FromRun(r)...)
	})
}

// hybridMonteCarlo runs the baseline: unit trajectories of ten leapfrog steps.
func (q *quickstart) hybridMonteCarlo(ctx context.Context) error {
	return q.task(ctx, "hybrid Monte Carlo", func(t *progress.Task) error {
		const trajectories = 64000
		r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Lattice: q.lat, Action: q.action, N: q.o.Samples, Thin: max(1, trajectories/q.o.Samples), Seed: q.seed(seedHMC),
			Observables: measure.Observables(q.action), Progress: t.Set,
		}, func(int) (mcmc.Kernel, error) {
			return hmc.New(q.action, q.lat.Volume(), hmc.Config{Flip: true})
		})
		if err != nil {
			return err
		}
		chains := measure.FromRun(r)
		if err := measure.AddChain(q.table, "hmc", q.lat.Volume(), chains...); err != nil {
			return err
		}
		q.table.Add("hmc", measure.Acceptance, stats.Estimate{Value: r.Stats.Acceptance(), Error: math.NaN()})
		q.series["HMC"] = measure.FromEnsemble(q.action, r.Ensemble)
		if err := q.addCurve("HMC", chains...); err != nil {
			return err
		}
		return lattice.WriteEnsemble(q.folder.Path(hmcFile), r.Ensemble)
	})
}

// trainingEnsemble makes the equilibrated training configurations, or reads those of
// an earlier run or of the user.
func (q *quickstart) trainingEnsemble(ctx context.Context) (*lattice.Ensemble, error) {
	if q.given != nil {
		return q.given, nil
	}
	if q.folder.Has(ensembleFile) {
		return q.read(ensembleFile, q.o.Configurations)
	}
	var ens *lattice.Ensemble
	err := q.task(ctx, "training ensemble", func(t *progress.Task) error {
		r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
			Lattice: q.lat, Action: q.action, N: q.o.Configurations, Seed: q.seed(seedEnsemble), Progress: t.Set,
		}, func(int) (mcmc.Kernel, error) { return mcmc.NewPhi4Cycle(q.action) })
		if err != nil {
			return err
		}
		ens = r.Ensemble
		checks, err := r.ThermalisationCheck()
		if err != nil {
			return err
		}
		for _, c := range checks {
			if c.Z > 5 || c.Z < -5 {
				return fmt.Errorf("training ensemble is not thermalised: %s is %v from hot and %v from cold starts", c.Name, c.Hot, c.Cold)
			}
		}
		t.Note("thinned to every %d steps; hot and cold starts agree", r.Thin)
		return lattice.WriteEnsemble(q.folder.Path(ensembleFile), ens)
	})
	return ens, err
}

// read returns an ensemble of n configurations that an earlier run left.
func (q *quickstart) read(name string, n int) (*lattice.Ensemble, error) {
	ens, err := lattice.ReadEnsemble(q.folder.Path(name))
	if err != nil {
		return nil, err
	}
	if err := ens.CheckLattice(q.lat); err != nil {
		return nil, err
	}
	if ens.Len() != n {
		return nil, fmt.Errorf("expected %d configurations in %s, got %d", n, q.folder.Path(name), ens.Len())
	}
	return ens, nil
}

// network returns a U-Net of up to three resolutions that fits the lattice.
func (q *quickstart) network() (diffusion.Network, error) {
	channels := []int{8}
	for cell := 2; len(channels) < 3; cell *= 2 {
		for _, n := range q.lat.Dims() {
			if n%cell != 0 || n/cell < 4 {
				return unet.New(unet.Config{Channels: channels})
			}
		}
		channels = append(channels, 2*channels[len(channels)-1])
	}
	return unet.New(unet.Config{Channels: channels})
}

// train fits the model, or continues where an earlier run stopped.
func (q *quickstart) train(ctx context.Context, ens *lattice.Ensemble) (*diffusion.Model, error) {
	if q.givenModel != nil {
		return q.givenModel, nil
	}
	if q.folder.Has(modelFile) {
		m, err := diffusion.LoadModel(q.folder.Path(modelFile))
		if err != nil {
			return nil, err
		}
		return m, m.CheckLattice(q.lat)
	}
	spectrum := ens.PowerSpectrum().Symmetrized(nil)
	cfg := diffusion.TrainConfig{
		Steps: q.o.Steps, Batch: q.o.Batch, Seed: q.seed(seedModel), Checkpoint: q.folder.Path(trainFile), CheckpointEvery: 250,
	}
	residual, err := diffusion.ResidualField(q.backend, q.lat, q.action, spectrum, ens.Data)
	if err != nil {
		return nil, err
	}
	if q.o.Objective == "target" {
		cfg.Objective, cfg.Residual = diffusion.Target, residual
	}
	residualEnsemble := &lattice.Ensemble{Lattice: q.lat, Data: residual}
	network, err := q.network()
	if err != nil {
		return nil, err
	}
	m, err := diffusion.NewModel(q.lat, network, diffusion.ModelConfig{
		Spectrum: spectrum, Residual: residualEnsemble.PowerSpectrum().Symmetrized(nil), Seed: q.seed(seedModel),
	})
	if err != nil {
		return nil, err
	}
	var trained *diffusion.Model
	err = q.task(ctx, "training the U-Net", func(t *progress.Task) error {
		cfg.Progress = func(p diffusion.TrainProgress) {
			t.Note("loss %.4f", p.SmoothedLoss)
			t.Set(p.Step, p.Steps)
			if q.trained != nil {
				q.trained(p)
			}
		}
		trainer, err := diffusion.NewTrainer(q.backend, m, ens, cfg)
		if err != nil {
			return err
		}
		if q.folder.Has(trainFile) {
			if err := trainer.Restore(q.folder.Path(trainFile)); err != nil {
				return err
			}
		}
		if err := trainer.Run(ctx); err != nil {
			return err
		}
		if trained, err = trainer.Model(); err != nil {
			return err
		}
		return trained.Save(q.folder.Path(modelFile))
	})
	return trained, err
}

// flow returns the probability flow of m, which reports to t.
func (q *quickstart) flow(m *diffusion.Model, t *progress.Task) (*flow.ProbabilityFlow, error) {
	return flow.New(q.backend, m, flow.Config{Steps: q.o.FlowSteps, Probes: q.o.Probes, Seed: q.seed(seedFlow), Progress: t.Set})
}

// gaussian draws from the Gaussian with the spectrum of the ensemble: what a model
// without a network achieves.
func (q *quickstart) gaussian(ctx context.Context, spectrum []float64) (*lattice.Ensemble, error) {
	m, err := diffusion.NewGaussian(q.lat, spectrum)
	if err != nil {
		return nil, err
	}
	// Its flow is linear and solved exactly, in any number of steps.
	f, err := flow.New(q.backend, m, flow.Config{Steps: 2, Seed: q.seed(seedGaussian)})
	if err != nil {
		return nil, err
	}
	s, err := f.Sample(ctx, q.o.Samples)
	if err != nil {
		return nil, err
	}
	return q.annotate(s.Ensemble, &s.Likelihood), nil
}

// annotate stores S and log q with the configurations.
func (q *quickstart) annotate(ens *lattice.Ensemble, l *flow.Likelihood) *lattice.Ensemble {
	ens.Params = map[string]float64{"kappa": q.o.Kappa, "lambda": q.o.Lambda, "step_error": l.StepError}
	ens.Extra = map[string][]float64{"action": ens.Measure(nil, q.action.Value), "logq": l.LogQ, "logq_error": l.ProbeError}
	return ens
}

// reverse draws by the reverse SDE and evaluates the likelihood by the flow.
func (q *quickstart) reverse(ctx context.Context, m *diffusion.Model) (*lattice.Ensemble, error) {
	if q.folder.Has(reverseFile) {
		return q.read(reverseFile, q.o.Samples)
	}
	var ens *lattice.Ensemble
	var strip strip
	err := q.task(ctx, "reverse SDE", func(t *progress.Task) error {
		levels := diffusion.LogSigma(diffusion.SigmaMaxFor(m.Spectrum()), 0.02, q.o.ReverseSteps)
		var err error
		ens, err = diffusion.Ancestral(ctx, q.backend, m, q.o.Samples, diffusion.SampleConfig{
			Levels: levels, Seed: q.seed(seedReverse), Progress: t.Set, Trace: strip.record(q.lat, q.o.ReverseSteps),
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := q.plotStrip(&strip); err != nil {
		return nil, err
	}
	err = q.task(ctx, "likelihood by the flow", func(t *progress.Task) error {
		f, err := q.flow(m, t)
		if err != nil {
			return err
		}
		l, err := f.LogProb(ctx, ens)
		if err != nil {
			return err
		}
		return lattice.WriteEnsemble(q.folder.Path(reverseFile), q.annotate(ens, l))
	})
	return ens, err
}

// proposals draws through the flow, with the density of the same map.
func (q *quickstart) proposals(ctx context.Context, m *diffusion.Model) (*lattice.Ensemble, error) {
	if q.folder.Has(proposalsFile) {
		return q.read(proposalsFile, q.o.Samples)
	}
	var ens *lattice.Ensemble
	err := q.task(ctx, "proposals by the flow", func(t *progress.Task) error {
		f, err := q.flow(m, t)
		if err != nil {
			return err
		}
		s, err := f.Sample(ctx, q.o.Samples)
		if err != nil {
			return err
		}
		ens = q.annotate(s.Ensemble, &s.Likelihood)
		return lattice.WriteEnsemble(q.folder.Path(proposalsFile), ens)
	})
	return ens, err
}

// compare fills the table with the rows of the generative models and of the chains
// that they drive.
func (q *quickstart) compare(gaussian, reverse, proposals *lattice.Ensemble) error {
	for _, e := range []struct {
		name string
		ens  *lattice.Ensemble
	}{{"gaussian", gaussian}, {"dm", reverse}, {"dm_ode", proposals}} {
		s := measure.FromEnsemble(q.action, e.ens)
		q.series[e.name] = s
		if err := measure.AddIndependent(q.table, e.name, q.lat.Volume(), s); err != nil {
			return err
		}
		if _, err := measure.AddLikelihood(q.table, e.name, e.ens.Extra["action"], e.ens.Extra["logq"]); err != nil {
			return err
		}
	}
	if _, err := q.chain("gaussian", gaussian); err != nil {
		return err
	}
	r, err := q.chain("dmmc", proposals)
	if err != nil {
		return err
	}
	s := q.series["dm_ode"].Pick(r.Index)
	q.series["DM-MC"] = s
	if err := measure.AddChain(q.table, "dmmc", q.lat.Volume(), s); err != nil {
		return err
	}
	q.table.Add("dmmc", measure.AcceptancePredicted, r.Weights.Acceptance)
	q.table.Add("dmmc", measure.ESS, r.Weights.ESS)
	q.table.Add("dmmc", measure.SDLogW, stats.Estimate{Value: r.Weights.SD})
	return q.addCurve("DM-MC", s)
}

// chain runs the independence sampler over the configurations, each proposed once,
// and adds its observed acceptance to the table.
func (q *quickstart) chain(name string, ens *lattice.Ensemble) (mcmc.DMMCResult, error) {
	pool, err := mcmc.NewPool(ens, ens.Extra["logq"], q.action)
	if err != nil {
		return mcmc.DMMCResult{}, err
	}
	r, err := pool.DMMC(rand.New(rand.NewPCG(q.seed(seedChain), 0)))
	if err != nil {
		return r, err
	}
	accepted := make([]float64, 0, len(r.Index))
	for t := 1; t < len(r.Index); t++ {
		a := 0.0
		if r.Index[t] != r.Index[t-1] {
			a = 1
		}
		accepted = append(accepted, a)
	}
	e, err := stats.Mean(accepted)
	if err != nil {
		return r, err
	}
	q.table.Add(name, measure.Acceptance, e)
	return r, nil
}
