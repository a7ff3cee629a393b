package diffusion

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/latdiff/latdiff/lattice"
)

// TrainConfig configures a [Trainer]. The zero value trains with the defaults below
// by denoising score matching.
type TrainConfig struct {
	// Objective is the loss. Default Denoising.
	Objective Objective
	// Residual is the field Y of [ResidualField] for every configuration; required
	// by the objective Target, unused otherwise.
	Residual []float64
	// Steps is the number of optimizer steps of the whole run. Default 2000.
	Steps int
	// Batch is the number of configurations per step. Default 64.
	Batch int
	// LearningRate is the peak learning rate of Adam (arXiv:1412.6980), reached after
	// Warmup steps and followed by half a cosine down to 1 % of it. Default 2e-3.
	LearningRate float64
	// Warmup is the number of steps of linear warm-up. Default: Steps/20, at most 200.
	Warmup int
	// ClipNorm bounds the Euclidean norm of the gradient of a step. Default 1.
	ClipNorm float64
	// EMA is the decay per step of the exponential moving average of the weights,
	// which is what [Trainer.Model] returns; in the first steps n the smaller
	// (1+n)/(10+n) is used. Default 0.999.
	EMA float64
	// SigmaMin and SigmaMax bound the noise levels, drawn uniformly in log σ and
	// stratified within a batch. Defaults 0.02 and [SigmaMaxFor] of the spectrum.
	SigmaMin, SigmaMax float64
	// NoFlip switches off the random sign of every configuration, which is right for
	// Z2-even actions only; with an odd network it changes nothing.
	NoFlip bool
	// NoTranslate switches off the random translation of every configuration.
	NoTranslate bool
	// Seed determines batches, noise and augmentation: step n draws from a generator
	// seeded with (Seed, n), so that a resumed run needs no generator state.
	Seed uint64
	// Progress, if not nil, is called after every step, from the goroutine of Run.
	Progress func(TrainProgress)
	// Checkpoint, if not empty, is the file that Run writes every CheckpointEvery
	// steps (default 500), when its context is cancelled, and at its end.
	Checkpoint      string
	CheckpointEvery int
}

// SigmaMaxFor returns the noise level at which even the widest mode of data with
// spectrum C_k, the zero mode of a nearly ordered theory, is Gaussian to good
// accuracy: 5 √(max C_k).
func SigmaMaxFor(spectrum []float64) float64 {
	c := 0.0
	for _, v := range spectrum {
		c = math.Max(c, v)
	}
	return 5 * math.Sqrt(c)
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
	def(&c.CheckpointEvery, 500)
	deff(&c.LearningRate, 2e-3)
	deff(&c.ClipNorm, 1)
	deff(&c.EMA, 0.999)
	deff(&c.SigmaMin, 0.02)
	deff(&c.SigmaMax, SigmaMaxFor(m.spectrum))
	switch {
	case c.Objective != Denoising && c.Objective != Target:
		return fmt.Errorf("diffusion: expected the objective Denoising or Target, got %v", c.Objective)
	case c.Steps < 0 || c.Batch < 1 || c.Warmup < 0 || c.CheckpointEvery < 1:
		return fmt.Errorf("diffusion: expected positive training sizes, got %d steps, batch %d, warm-up %d, checkpoint every %d",
			c.Steps, c.Batch, c.Warmup, c.CheckpointEvery)
	case !(c.LearningRate > 0) || !(c.ClipNorm > 0) || !(c.EMA >= 0 && c.EMA < 1):
		return fmt.Errorf("diffusion: expected a positive learning rate and clip norm and 0 ≤ EMA < 1, got %v, %v and %v",
			c.LearningRate, c.ClipNorm, c.EMA)
	case !(c.SigmaMin > 0 && c.SigmaMin < c.SigmaMax) || math.IsInf(c.SigmaMax, 0):
		return fmt.Errorf("diffusion: expected 0 < σ_min < σ_max, got %v and %v", c.SigmaMin, c.SigmaMax)
	}
	return nil
}

// TrainProgress reports on one optimizer step.
type TrainProgress struct {
	Step, Steps  int           // step just finished (from 1) and their total
	Loss         float64       // of this batch
	SmoothedLoss float64       // exponential average of Loss over about 50 steps of this run
	GradientNorm float64       // before clipping
	LearningRate float64       // of this step
	Elapsed      time.Duration // since Run was called
}

// Trainer fits a [Model] to an ensemble with Adam. It is not safe for concurrent
// use.
type Trainer struct {
	model    *Model
	lat      *lattice.Lattice
	data     []float64
	cfg      TrainConfig
	norm     float64
	step     int
	smoothed float64
	exec     *model.Exec
}

const (
	netScope = "/net"
	emaScope = "/ema"
)

// NewTrainer returns a trainer of m on the configurations of ens, whose weights it
// takes over: m must not be used while it trains. It returns an error if the
// ensemble is empty, not finite, or on another lattice, or if cfg is impossible.
func NewTrainer(backend compute.Backend, m *Model, ens *lattice.Ensemble, cfg TrainConfig) (*Trainer, error) {
	if ens == nil || ens.Lattice == nil {
		return nil, fmt.Errorf("diffusion: expected a training ensemble, got nil")
	}
	if err := m.CheckLattice(ens.Lattice); err != nil {
		return nil, err
	}
	if err := checkData(m.lat, ens.Data); err != nil {
		return nil, err
	}
	if err := cfg.setDefaults(m); err != nil {
		return nil, err
	}
	t := &Trainer{model: m, lat: m.lat, data: ens.Data, cfg: cfg, norm: 1}
	if cfg.Objective == Target {
		if len(cfg.Residual) != len(ens.Data) {
			return nil, fmt.Errorf("diffusion: expected %d values of the residual field, got %d", len(ens.Data), len(cfg.Residual))
		}
		if err := checkData(m.lat, cfg.Residual); err != nil {
			return nil, fmt.Errorf("diffusion: residual field: %w", err)
		}
		t.norm = m.targetNorm(cfg.SigmaMin, cfg.SigmaMax)
	}
	exec, err := model.NewExec(backend, m.store, t.stepGraph)
	if err != nil {
		return nil, fmt.Errorf("diffusion: building the training step: %w", err)
	}
	t.exec = exec
	return t, nil
}

// targetNorm returns the average of σ²c(σ)² over log σ, the loss of a vanishing
// network under the objective Target.
func (m *Model) targetNorm(sigmaMin, sigmaMax float64) float64 {
	const points = 200
	sum := 0.0
	for i := range points {
		s := logInterpolate(sigmaMin, sigmaMax, (float64(i)+0.5)/points)
		c := m.scaleAt(s)
		sum += s * s * c * c / points
	}
	return sum
}

// logInterpolate returns the point at fraction u between a and b on a log scale.
func logInterpolate(a, b, u float64) float64 { return a * math.Pow(b/a, u) }

// stepGraph builds one optimizer step. Inputs: φ₀, z, Y [batch, extents…], σ [batch]
// and the decay of the moving average; Y is empty for the objective Denoising.
// Outputs: the mean loss and the norm of the gradient.
func (t *Trainer) stepGraph(scope *model.Scope, in []*graph.Node) []*graph.Node {
	field, noise, residual, sigma, decay := in[0], in[1], in[2], in[3], in[4]
	g := field.Graph()
	loss := graph.ReduceAllMean(t.model.lossPerSample(scope, t.cfg.Objective, field, noise, residual, sigma, t.norm))
	net := scope.Store().Scope(netScope)
	grads := net.BuildTrainableVariablesGradientsGraph(loss)
	norm := graph.ScalarZero(g, dtypes.Float32)
	for _, grad := range grads {
		norm = graph.Add(norm, graph.ReduceAllSum(graph.Square(grad)))
	}
	norm = graph.Sqrt(norm)
	clip := graph.Min(graph.ScalarOne(g, norm.DType()), graph.Div(graph.Scalar(g, norm.DType(), t.cfg.ClipNorm), graph.AddScalar(norm, 1e-12)))
	for i := range grads {
		grads[i] = graph.Mul(grads[i], clip)
	}
	// Adam keeps its moments under /adam.
	adam := optimizer.Adam().Scope("adam").LearningRate(t.cfg.LearningRate).Done().(interface {
		UpdateGraphWithGradients(scope *model.Scope, grads []*graph.Node, lossDType dtypes.DType)
	})
	var weights []*model.Variable
	for v := range net.IterVariables() {
		if v.Trainable {
			weights = append(weights, v)
		}
	}
	adam.UpdateGraphWithGradients(scope.Store().RootScope(), grads, loss.DType())
	for _, v := range weights {
		average := averageOf(scope.Store(), v)
		a := average.NodeValue(g)
		average.SetNodeValue(graph.Add(a, graph.Mul(graph.OneMinus(decay), graph.Sub(v.NodeValue(g), a))))
	}
	return []*graph.Node{loss, norm}
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
// finite.
func (t *Trainer) Run(ctx context.Context) error {
	start := time.Now()
	for t.step < t.cfg.Steps {
		if err := ctx.Err(); err != nil {
			return t.stop(err)
		}
		p, err := t.advance()
		if err != nil {
			return err
		}
		if t.cfg.Progress != nil {
			p.Elapsed = time.Since(start)
			t.cfg.Progress(p)
		}
		if t.cfg.Checkpoint != "" && t.step%t.cfg.CheckpointEvery == 0 && t.step < t.cfg.Steps {
			if err := t.Save(t.cfg.Checkpoint); err != nil {
				return err
			}
		}
	}
	return t.stop(nil)
}

// stop writes the checkpoint, if one is configured, and returns cause.
func (t *Trainer) stop(cause error) error {
	if t.cfg.Checkpoint != "" && t.step > 0 {
		if err := t.Save(t.cfg.Checkpoint); err != nil {
			return err
		}
	}
	return cause
}

// advance does one optimizer step.
func (t *Trainer) advance() (TrainProgress, error) {
	lr := t.learningRate(t.step)
	if err := t.setLearningRate(lr); err != nil {
		return TrainProgress{}, err
	}
	n := float64(t.step)
	decay := math.Min(t.cfg.EMA, (1+n)/(10+n))
	in := append(t.batch(t.step), tensors.FromScalar(float32(decay)))
	out, err := t.exec.Call(in...)
	if err != nil {
		return TrainProgress{}, fmt.Errorf("diffusion: training step %d: %w", t.step+1, err)
	}
	loss, norm := float64(tensors.ToScalar[float32](out[0])), float64(tensors.ToScalar[float32](out[1]))
	for _, o := range out {
		if err := o.FinalizeAll(); err != nil {
			return TrainProgress{}, fmt.Errorf("diffusion: training step %d: %w", t.step+1, err)
		}
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return TrainProgress{}, fmt.Errorf("diffusion: expected a finite loss, got %v at step %d", loss, t.step+1)
	}
	t.step++
	if t.smoothed == 0 {
		t.smoothed = loss
	}
	t.smoothed += (loss - t.smoothed) / 50
	return TrainProgress{Step: t.step, Steps: t.cfg.Steps, Loss: loss, SmoothedLoss: t.smoothed, GradientNorm: norm, LearningRate: lr}, nil
}

func (t *Trainer) learningRate(step int) float64 {
	if step < t.cfg.Warmup {
		return t.cfg.LearningRate * float64(step+1) / float64(t.cfg.Warmup)
	}
	const floor = 0.01
	u := float64(step-t.cfg.Warmup) / math.Max(1, float64(t.cfg.Steps-t.cfg.Warmup))
	return t.cfg.LearningRate * (floor + (1-floor)*0.5*(1+math.Cos(math.Pi*u)))
}

// setLearningRate sets the variable that the optimizer reads.
func (t *Trainer) setLearningRate(lr float64) error {
	v := optimizer.LearningRateVar(t.model.store.RootScope(), dtypes.Float32, lr)
	if err := v.SetValue(tensors.FromScalar(float32(lr))); err != nil {
		return fmt.Errorf("diffusion: setting the learning rate: %w", err)
	}
	return nil
}

// batch draws the inputs of a step. The noise levels are stratified: sample i lies
// in stratum i of log σ, shifted by one common random number.
func (t *Trainer) batch(step int) []any {
	rng := rand.New(rand.NewPCG(t.cfg.Seed, uint64(step)))
	v, b := t.lat.Volume(), t.cfg.Batch
	field, noise, sigma := make([]float32, b*v), make([]float32, b*v), make([]float32, b)
	var residual []float32
	if t.cfg.Objective == Target {
		residual = make([]float32, b*v)
	}
	shift := rng.Float64()
	coord := make([]int, t.lat.Dim())
	for i := range b {
		sigma[i] = float32(logInterpolate(t.cfg.SigmaMin, t.cfg.SigmaMax, (float64(i)+shift)/float64(b)))
		n := rng.IntN(len(t.data) / v)
		sign := 1.0
		if !t.cfg.NoFlip && rng.Uint64()&1 == 1 {
			sign = -1
		}
		origin := 0
		if !t.cfg.NoTranslate {
			origin = rng.IntN(v)
		}
		translate(t.lat, field[i*v:(i+1)*v], t.data[n*v:(n+1)*v], origin, sign, coord)
		if residual != nil {
			translate(t.lat, residual[i*v:(i+1)*v], t.cfg.Residual[n*v:(n+1)*v], origin, sign, coord)
		}
	}
	for i := range noise {
		noise[i] = float32(rng.NormFloat64())
	}
	dims := append([]int{b}, t.lat.Dims()...)
	in := []any{tensors.FromFlatDataAndDimensions(field, dims...), tensors.FromFlatDataAndDimensions(noise, dims...)}
	if residual == nil {
		in = append(in, tensors.FromScalar(float32(0)))
	} else {
		in = append(in, tensors.FromFlatDataAndDimensions(residual, dims...))
	}
	return append(in, tensors.FromFlatDataAndDimensions(sigma, b))
}

// translate writes sign times src, translated so that its site origin becomes the
// site 0, into dst.
func translate(lat *lattice.Lattice, dst []float32, src []float64, origin int, sign float64, coord []int) {
	if origin == 0 {
		for x, v := range src {
			dst[x] = float32(sign * v)
		}
		return
	}
	last := lat.Dim() - 1
	n := lat.Extent(last)
	lat.Coord(coord, origin)
	cut := coord[last]
	rows := lat.Volume() / n
	row := make([]int, len(coord))
	for r := range rows {
		lat.Coord(row, r*n)
		for mu := range row {
			row[mu] += coord[mu]
		}
		row[last] = 0
		from := src[lat.Index(row...):][:n]
		to := dst[r*n : (r+1)*n]
		for x := range n {
			to[x] = float32(sign * from[(x+cut)%n])
		}
	}
}

// Model returns a model with the exponential moving average of the weights, a copy
// that further training does not change. Before the first step it holds the initial
// weights of the network, once a graph of it has been built.
func (t *Trainer) Model() (*Model, error) {
	scope := netScope
	if t.step > 0 {
		scope = emaScope + netScope
	}
	var weights []namedTensor
	for v := range t.model.store.Scope(scope).IterVariables() {
		value, err := v.MustValue().LocalClone()
		if err != nil {
			return nil, fmt.Errorf("diffusion: copying weight %s: %w", v.Path(), err)
		}
		weights = append(weights, namedTensor{netScope + v.Path()[len(scope):], value})
	}
	return t.model.withWeights(weights)
}
