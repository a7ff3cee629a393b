package diffusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/lattice"
)

// Schedule is the course of the learning rate after the warm-up.
type Schedule int

const (
	// Cosine falls to 1 % of the peak along half a cosine.
	Cosine Schedule = iota
	// Constant stays at the peak.
	Constant
)

// TrainConfig configures a [Trainer]. The zero value trains with the defaults below
// towards the Targets, or without them by denoising score matching; [PaperTraining] is the published recipe.
type TrainConfig struct {
	// Objective is the loss. Default Automatic.
	Objective Objective
	// Targets is the field Y of [ResidualField] for every configuration, as [Measure]
	// returns it; required by the objective Target, unused by Denoising.
	Targets []float64
	// Weights, if not nil, are the weights ≥ 0 of the configurations in the loss, of any
	// normalisation: those of configurations of another distribution than that of the theory.
	Weights []float64
	// Steps is the number of optimizer steps of the whole run. Default 2000.
	Steps int
	// Batch is the number of configurations per step, drawn without replacement until
	// all have been used. Default 64.
	Batch int
	// LearningRate is the peak learning rate of Adam (arXiv:1412.6980), reached after
	// Warmup steps and followed by Schedule. Default: that of the network if it is a
	// [Rater], else 2e-3.
	LearningRate float64
	// Warmup is the number of steps of linear warm-up. Default: Steps/20, at most 200;
	// negative: none.
	Warmup int
	// Schedule is the course of the learning rate. Default Cosine.
	Schedule Schedule
	// ClipNorm bounds the Euclidean norm of the gradient of a step. Default 1;
	// negative: no bound.
	ClipNorm float64
	// EMA is the decay per step of the exponential moving average of the weights,
	// which is what [Trainer.Model] returns; in the first steps n the smaller
	// (1+n)/(10+n) is used. Default 0.999; negative: no average.
	EMA float64
	// SigmaMin and SigmaMax bound the noise levels, stratified within a batch. Defaults
	// [Model.SigmaMin] and [Model.SigmaMax].
	SigmaMin, SigmaMax float64
	// Focus is the share of the noise levels that go where the targets of the objective
	// Target vary, which at small and at large noise they hardly do: log σ has the density 1 -
	// Focus + Focus·L/⟨L⟩ with L(σ) the loss of a vanishing network, and the loss of a sample
	// is divided by it, so that its mean is that of levels uniform in log σ, with less
	// noise. Default 0.8; negative, and for the objective Denoising: none, levels uniform in
	// log σ.
	Focus float64
	// Average, if positive, is the number of trajectories of hybrid Monte Carlo over which the
	// targets of every sample are averaged: at its noisy field, over what that may have come
	// from. The loss then has the same minimum and less noise, a fifth for 10, which pays where
	// the noise is what limits a model: at strong coupling. Only for the objective Target.
	Average int
	// Action is the theory, required by Average.
	Action lattice.Action
	// Process, if not nil, draws the noise levels uniformly in the time of this
	// process between TimeMin (default 10⁻⁵) and 1 instead, in units of the normalised
	// field; SigmaMin and SigmaMax are then not used.
	Process SDE
	TimeMin float64
	// NoAugmentation switches off the random symmetry transformation of every
	// configuration: translations, signs, rotations and permutations of the components,
	// each where the model knows that the action is symmetric.
	NoAugmentation bool
	// Seed determines batches, noise and augmentation: step n draws from a generator
	// seeded with (Seed, n), so that a resumed run needs no generator state.
	Seed uint64
	// Progress, if not nil, is called after every step, from the goroutine of Run.
	Progress func(TrainProgress)
	// Validation, if not nil, is an ensemble whose loss under the averaged weights is
	// computed every ValidateEvery steps (default 250) with noise that is the same
	// every time; ValidationTargets is its Y for the objective Target.
	Validation        *lattice.Ensemble
	ValidationTargets []float64
	ValidateEvery     int
	// Evaluate, if not nil, is called every EvaluateEvery steps (default 500) and at
	// the end with a model of the averaged weights; an error ends the run.
	Evaluate      func(step int, m *Model) error
	EvaluateEvery int
	// Checkpoint, if not empty, is the file that Run writes when CheckpointEvery has passed
	// since the last time, default 30 s, after every CheckpointSteps steps if that is not zero, when
	// its context is cancelled, and at its end. Writing never takes more than a fifth of the
	// time. No result depends on when it happens.
	Checkpoint      string
	CheckpointEvery time.Duration
	CheckpointSteps int
}

// PaperTraining returns the published recipe for n configurations: denoising score
// matching with Adam at the constant rate 10⁻³, batches of 64, 250 epochs, times
// uniform in [10⁻⁵, 1] of the process with σ = 25, no averaging, clipping or
// augmentation (arXiv:2309.17082, section 4.1, and its published code).
func PaperTraining(n int) TrainConfig {
	const batch, epochs = 64, 250
	return TrainConfig{
		Steps: (n + batch - 1) / batch * epochs, Batch: batch, LearningRate: 1e-3, Warmup: -1, Schedule: Constant,
		ClipNorm: -1, EMA: -1, Process: VE{}, NoAugmentation: true,
	}
}

func (c *TrainConfig) setDefaults(m *Model) error {
	def := func(x *int, v int) {
		if *x == 0 {
			*x = v
		}
	}
	deff := func(x *float64, v float64) {
		if *x == 0 {
			*x = v
		}
	}
	def(&c.Steps, 2000)
	def(&c.Batch, 64)
	def(&c.Warmup, min(200, max(1, c.Steps/20)))
	def(&c.ValidateEvery, 250)
	def(&c.EvaluateEvery, 500)
	if r, ok := m.network.(Rater); ok {
		deff(&c.LearningRate, r.LearningRate())
	}
	deff(&c.LearningRate, 2e-3)
	if c.Objective == Automatic {
		c.Objective = Denoising
		if c.Targets != nil && m.spectrum != nil {
			c.Objective = Target
		}
	}
	deff(&c.ClipNorm, 1)
	deff(&c.EMA, 0.999)
	deff(&c.Focus, 0.8)
	deff(&c.SigmaMin, m.SigmaMin())
	deff(&c.SigmaMax, m.SigmaMax())
	deff(&c.TimeMin, 1e-5)
	c.Warmup, c.EMA, c.Focus = max(c.Warmup, 0), math.Max(c.EMA, 0), math.Max(c.Focus, 0)
	switch {
	case c.Objective != Denoising && c.Objective != Target:
		return fmt.Errorf("diffusion: expected the objective Denoising or Target, got %v", c.Objective)
	case c.Objective == Target && m.spectrum == nil:
		return fmt.Errorf("diffusion: expected a model with a Gaussian part for the objective %v, got one without", c.Objective)
	case c.Schedule != Cosine && c.Schedule != Constant:
		return fmt.Errorf("diffusion: expected the schedule Cosine or Constant, got %d", c.Schedule)
	case c.Steps < 0 || c.Batch < 1 || c.CheckpointSteps < 0 || c.CheckpointEvery < 0 || c.ValidateEvery < 1 || c.EvaluateEvery < 1:
		return fmt.Errorf("diffusion: expected positive training sizes, got %d steps, batch %d, %d steps and %v between checkpoints, and %d and %d steps between validations and evaluations",
			c.Steps, c.Batch, c.CheckpointSteps, c.CheckpointEvery, c.ValidateEvery, c.EvaluateEvery)
	case !(c.LearningRate > 0) || math.IsInf(c.LearningRate, 0) || math.IsNaN(c.ClipNorm) || !(c.EMA < 1):
		return fmt.Errorf("diffusion: expected a positive learning rate, a clip norm and EMA < 1, got %v, %v and %v",
			c.LearningRate, c.ClipNorm, c.EMA)
	case c.Average < 0 || c.Average > 0 && (c.Objective != Target || c.Action == nil):
		return fmt.Errorf("diffusion: expected averages over positive numbers of trajectories for the objective %v, with an action, got %d for %v", Target, c.Average, c.Objective)
	case !(c.Focus < 1):
		return fmt.Errorf("diffusion: expected a share of focused noise levels below 1, got %v", c.Focus)
	case !(c.SigmaMin > 0 && c.SigmaMin < c.SigmaMax) || math.IsInf(c.SigmaMax, 0):
		return fmt.Errorf("diffusion: expected 0 < σ_min < σ_max, got %v and %v", c.SigmaMin, c.SigmaMax)
	case !(c.TimeMin > 0 && c.TimeMin < 1):
		return fmt.Errorf("diffusion: expected a smallest time between 0 and 1, got %v", c.TimeMin)
	}
	return nil
}

// TrainProgress reports on one optimizer step.
type TrainProgress struct {
	Step, Steps  int           // step just finished (from 1) and their total
	Loss         float64       // of this batch; 1 for a network that vanishes, and no measure of quality
	SmoothedLoss float64       // exponential average of Loss over about 50 steps
	GradientNorm float64       // before clipping
	LearningRate float64       // of this step
	Elapsed      time.Duration // since Run was called
	// LossByLevel is the loss split by noise level, each an exponential average over
	// about 50 steps of this call of Run, and without the weights of [TrainConfig].Focus.
	LossByLevel []LevelLoss
	// Validation is the latest validation loss, NaN before the first.
	Validation float64
}

// LevelLoss is the loss of the noise levels from SigmaLow up to SigmaHigh.
type LevelLoss struct {
	SigmaLow, SigmaHigh, Loss float64
}

// Trainer fits a [Model] to an ensemble with Adam. It is not safe for concurrent
// use.
type Trainer struct {
	model      *Model
	layout     lattice.Layout
	sources    []*source
	used       int         // the source whose known part the graphs have
	given      TrainConfig // without defaults
	cfg        TrainConfig
	first      int // step at which the course of the learning rate begins
	step       int
	pending    []outcome // of steps whose losses are still on the device
	smoothed   float64
	levels     []LevelLoss
	validation float64
	next       *batch // in preparation, or nil
	backend    compute.Backend
	parts      int               // of a batch, see partsOf
	built      bool              // the graph of the gradient exists
	weights    []*model.Variable // in the order of the gradients
	whole      *model.Exec       // a step of a batch that is one part
	gradient   *model.Exec       // of one part among several
	update     *model.Exec
	validate   *model.Exec
}

const (
	netScope = "/net"
	emaScope = "/ema"
)

// lossLevels is the number of noise levels by which the loss is split.
const lossLevels = 8

// NewTrainer returns a trainer of m on the configurations of ens, whose weights it
// takes over: m must not be used while it trains. It returns an error if the
// ensemble is empty, not finite, or on another lattice, if cfg is impossible, or if the
// folder of its checkpoint does not exist.
func NewTrainer(backend compute.Backend, m *Model, ens *lattice.Ensemble, cfg TrainConfig) (*Trainer, error) {
	if ens == nil || ens.Lattice == nil {
		return nil, fmt.Errorf("diffusion: expected a training ensemble, got nil")
	}
	if err := CheckWeights(backend, m); err != nil {
		return nil, err
	}
	t := &Trainer{
		model: m, layout: m.layout, given: cfg, backend: backend,
	}
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	if err := checkpoint.Check(cfg.Checkpoint); err != nil {
		return nil, fmt.Errorf("diffusion: %w", err)
	}
	if err := cfg.checkData(m, ens); err != nil {
		return nil, err
	}
	t.parts = partsOf(backend, cfg.Batch)
	t.begin(m, ens, cfg)
	var err error
	if t.whole, err = model.NewExec(backend, m.store, t.wholeGraph); err != nil {
		return nil, fmt.Errorf("diffusion: building the training step: %w", err)
	}
	if t.gradient, err = model.NewExec(backend, m.store, t.gradientGraph); err != nil {
		return nil, fmt.Errorf("diffusion: building the gradient: %w", err)
	}
	if t.update, err = model.NewExec(backend, m.store, t.updateGraph); err != nil {
		return nil, fmt.Errorf("diffusion: building the update of the weights: %w", err)
	}
	if t.validate, err = model.NewExec(backend, m.store, t.validateGraph); err != nil {
		return nil, fmt.Errorf("diffusion: building the validation: %w", err)
	}
	return t, nil
}

// checkData returns an error unless an ensemble, and what belongs to it, fit the model.
func (c *TrainConfig) checkData(m *Model, ens *lattice.Ensemble) error {
	if err := checkTraining(m, ens, c.Objective, c.Targets); err != nil {
		return err
	}
	if c.Average > 0 && !c.Action.Layout().Equal(m.layout) {
		return fmt.Errorf("diffusion: expected an action on %v to average targets with, got one on %v", m.layout, c.Action.Layout())
	}
	if c.Weights != nil {
		if sum := mean(c.Weights); len(c.Weights) != ens.Len() || slices.Min(c.Weights) < 0 || !(sum > 0) || math.IsInf(sum, 0) {
			return fmt.Errorf("diffusion: expected a finite weight ≥ 0 of each of %d configurations, got %d with the mean %v", ens.Len(), len(c.Weights), sum)
		}
	}
	if c.Validation != nil {
		if err := checkTraining(m, c.Validation, c.Objective, c.ValidationTargets); err != nil {
			return fmt.Errorf("diffusion: validation: %w", err)
		}
	}
	return nil
}

// begin sets what the trainer trains with.
func (t *Trainer) begin(m *Model, ens *lattice.Ensemble, cfg TrainConfig) {
	t.cfg, t.smoothed, t.validation = cfg, 0, math.NaN()
	t.sources, t.used = []*source{newSource(m, ens, cfg)}, 0
	t.splitLevels()
}

// splitLevels sets the noise levels by which the loss is split, over those of all sources.
func (t *Trainer) splitLevels() {
	widest := *t.sources[0]
	for _, s := range t.sources {
		widest.cfg.SigmaMin, widest.cfg.SigmaMax = math.Min(widest.cfg.SigmaMin, s.cfg.SigmaMin), math.Max(widest.cfg.SigmaMax, s.cfg.SigmaMax)
	}
	t.levels = nil
	for i := range lossLevels {
		t.levels = append(t.levels, LevelLoss{widest.sigmaAt(float64(i) / lossLevels), widest.sigmaAt(float64(i+1) / lossLevels), math.NaN()})
	}
}

// checkTraining returns an error unless the ensemble, and its targets where the objective
// needs some, fit the model.
func checkTraining(m *Model, ens *lattice.Ensemble, objective Objective, targets []float64) error {
	if err := m.CheckLayout(ens.Layout); err != nil {
		return err
	}
	if err := checkData(m.layout, ens.Data); err != nil {
		return err
	}
	if objective != Target {
		return nil
	}
	if len(targets) != len(ens.Data) {
		return fmt.Errorf("diffusion: expected %d numbers as targets of the training, got %d", len(ens.Data), len(targets))
	}
	if err := checkData(m.layout, targets); err != nil {
		return fmt.Errorf("diffusion: targets of the training: %w", err)
	}
	return nil
}

// logInterpolate returns the point at fraction u between a and b on a log scale.
func logInterpolate(a, b, u float64) float64 { return a * math.Pow(b/a, u) }

// validateGraph builds the loss of every sample under the averaged weights; the inputs
// are those of gradientGraph.
func (t *Trainer) validateGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	return []*graph.Node{t.lossPerSample(scope.Store().Scope(emaScope), in)}
}

// averageOf returns the moving average of weight v, initialised with its value.
func averageOf(store *model.Store, v *model.Variable) *model.Variable {
	path := emaScope + v.Path()
	if a := store.GetVariable(path); a != nil {
		return a.SetTrainable(false)
	}
	value, err := v.MustValue().LocalClone()
	if err != nil {
		panic(fmt.Errorf("diffusion: copying weight %s: %w", v.Path(), err))
	}
	return store.VariableWithValue(path, value).SetTrainable(false)
}

// Step returns the number of optimizer steps done.
func (t *Trainer) Step() int { return t.step }

// Run trains until the configured number of steps is done or ctx is cancelled; it
// then returns the error of ctx, with the trainer and its checkpoint, if one is
// configured, at the last finished step. It returns an error if the loss is not
// finite: at once with a Progress function, which is told the loss of every step, and
// else within a few steps.
func (t *Trainer) Run(ctx context.Context) (err error) {
	defer func() {
		if e := t.discard(); err == nil {
			err = e
		}
	}()
	start, timer := time.Now(), checkpoint.New(t.cfg.CheckpointEvery)
	for t.step < t.cfg.Steps {
		if err := ctx.Err(); err != nil {
			return t.stop(err)
		}
		out, err := t.optimize()
		if err != nil {
			return err
		}
		t.step++
		t.pending = append(t.pending, out)
		due := func(every int) bool { return t.step%every == 0 }
		validate, evaluate := t.cfg.Validation != nil && due(t.cfg.ValidateEvery), t.cfg.Evaluate != nil && (due(t.cfg.EvaluateEvery) || t.step == t.cfg.Steps)
		var p TrainProgress
		if t.cfg.Progress != nil || validate || evaluate || len(t.pending) >= lateSteps {
			if p, err = t.settle(); err != nil {
				return err
			}
		}
		if validate {
			if t.validation, err = t.ValidationLoss(); err != nil {
				return err
			}
		}
		if t.cfg.Progress != nil {
			p.Elapsed, p.Validation = time.Since(start), t.validation
			t.cfg.Progress(p)
		}
		if evaluate {
			m, err := t.Model()
			if err != nil {
				return err
			}
			if err := t.cfg.Evaluate(t.step, m); err != nil {
				return err
			}
		}
		if t.cfg.Checkpoint != "" && t.step < t.cfg.Steps {
			save := timer.SaveDue
			if t.cfg.CheckpointSteps > 0 && due(t.cfg.CheckpointSteps) {
				save = timer.Save
			}
			if err := save(func() error { return t.Save(t.cfg.Checkpoint) }); err != nil {
				return err
			}
		}
	}
	return t.stop(nil)
}

// lateSteps is the number of steps after which losses are read that nobody waits for.
const lateSteps = 16

// stop reads the last losses, writes the checkpoint, if one is configured, and returns
// cause.
func (t *Trainer) stop(cause error) error {
	if _, err := t.settle(); err != nil {
		return err
	}
	if err := t.use(0); err != nil {
		return err
	}
	if t.cfg.Checkpoint != "" && t.step > 0 {
		if err := t.Save(t.cfg.Checkpoint); err != nil {
			return err
		}
	}
	return cause
}

// settle accounts for the losses of the steps that are done, and reports on the last.
func (t *Trainer) settle() (p TrainProgress, err error) {
	pending := t.pending
	t.pending = nil
	for i := range pending {
		out := &pending[i]
		losses, norm, e := out.read()
		loss := mean(losses)
		switch {
		case err != nil:
		case e != nil:
			err = fmt.Errorf("diffusion: training step %d: %w", out.step, e)
		case math.IsNaN(loss) || math.IsInf(loss, 0):
			err = fmt.Errorf("diffusion: expected a finite loss, got %v at step %d", loss, out.step)
		}
		if err != nil {
			continue
		}
		if t.smoothed == 0 {
			t.smoothed = loss
		}
		t.smoothed += (loss - t.smoothed) / 50
		t.splitLoss(out.sigma, out.weight, losses)
		p = TrainProgress{Step: out.step, Steps: t.cfg.Steps, Loss: loss, SmoothedLoss: t.smoothed, GradientNorm: norm, LearningRate: out.rate}
	}
	p.LossByLevel = slices.Clone(t.levels)
	return p, err
}

func mean(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v / float64(len(x))
	}
	return s
}

// splitLoss adds the losses of a batch, without their weights, to the averages by noise level.
func (t *Trainer) splitLoss(sigma, weight []float32, losses []float64) {
	var sum, count [lossLevels]float64
	for i, s := range sigma {
		if weight[i] == 0 {
			continue
		}
		level := lossLevels - 1
		for level > 0 && float64(s) < t.levels[level].SigmaLow {
			level--
		}
		sum[level] += losses[i] / float64(weight[i])
		count[level]++
	}
	for i := range t.levels {
		if count[i] == 0 {
			continue
		}
		l := &t.levels[i].Loss
		if math.IsNaN(*l) {
			*l = sum[i] / count[i]
		}
		*l += (sum[i]/count[i] - *l) / 50
	}
}

// ValidationLoss returns the loss of the validation ensemble under the averaged
// weights, with the same noise at every call. It returns an error without a
// validation ensemble or before the first step.
func (t *Trainer) ValidationLoss() (float64, error) {
	if t.cfg.Validation == nil || t.step == 0 {
		return 0, fmt.Errorf("diffusion: expected a validation ensemble and at least one step, got %d steps", t.step)
	}
	n, b, v := t.cfg.Validation.Len(), t.cfg.Batch, t.layout.Size()
	rng := rand.New(rand.NewPCG(t.cfg.Seed, validationStream))
	if err := t.use(0); err != nil {
		return 0, err
	}
	s := t.sources[0]
	d, losses := newDraw(s), make([]float64, b)
	sum, count := 0.0, 0
	for lo := 0; lo < n; lo += b {
		used := min(b, n-lo)
		d.begin(s, rng)
		for i := range b {
			// The last batch is filled up with configurations that do not count.
			c := lo + i%used
			d.set(i, t.cfg.Validation.Data[c*v:(c+1)*v], pick(t.cfg.ValidationTargets, c, v), transformation{sign: 1})
		}
		d.perturb(rng)
		in := d.inputs(1)[0]
		out, err := t.validate.Call(arguments(in)...)
		if err == nil {
			err = host.Read(losses[:used], out[0])
		}
		if err = finalize(append(in, out...), err); err != nil {
			return 0, fmt.Errorf("diffusion: validation: %w", err)
		}
		sum += mean(losses[:used]) * float64(used)
		count += used
	}
	return sum / float64(count), nil
}

func (t *Trainer) learningRate(step int) float64 {
	step, steps := step-t.first, t.cfg.Steps-t.first
	if step < t.cfg.Warmup {
		return t.cfg.LearningRate * float64(step+1) / float64(t.cfg.Warmup)
	}
	if t.cfg.Schedule == Constant {
		return t.cfg.LearningRate
	}
	const floor = 0.01
	u := float64(step-t.cfg.Warmup) / math.Max(1, float64(steps-t.cfg.Warmup))
	return t.cfg.LearningRate * (floor + (1-floor)*0.5*(1+math.Cos(math.Pi*u)))
}

// Model returns a model with the exponential moving average of the weights, a copy
// that further training does not change.
func (t *Trainer) Model() (*Model, error) {
	weights, err := copyWeights(t.model.store, netScope)
	if err != nil {
		return nil, err
	}
	averages, err := copyWeights(t.model.store, emaScope+netScope)
	if err != nil {
		return nil, err
	}
	return t.model.withWeights(averaged(weights, averages))
}

// averaged returns the variables of the network, each replaced by its moving average
// where there is one; parameters that are not trained have none.
func averaged(weights, averages []namedTensor) []namedTensor {
	out := slices.Clone(weights)
	for i, w := range out {
		for _, a := range averages {
			if a.path == w.path {
				out[i] = a
			}
		}
	}
	return out
}
