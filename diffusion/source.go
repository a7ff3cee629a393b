package diffusion

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/lattice"
)

// source is an ensemble that a trainer draws batches from, with what belongs to it.
type source struct {
	model   *Model // the known part of its theory
	cfg     TrainConfig
	data    []float64
	weight  float64 // mean of the weights of the configurations
	norm    float64 // of the loss
	density density // of the noise levels
	shuffle shuffle
	draw    *draw
	// posteriors average the targets, each for one goroutine; none: they are not averaged.
	posteriors []*posterior
	// inputs are the numbers of the known part for the graphs, nil for a source that is alone.
	inputs map[string]*tensors.Tensor
}

func newSource(m *Model, ens *lattice.Ensemble, cfg TrainConfig) *source {
	s := &source{model: m, cfg: cfg, data: ens.Data, weight: mean(cfg.Weights), norm: 1}
	s.shuffle = shuffle{seed: cfg.Seed, n: ens.Len()}
	if cfg.Objective == Target {
		s.norm = s.targetVariance()
		if cfg.Focus > 0 && cfg.Process == nil {
			s.density = newDensity(cfg.Focus, s.targetLoss)
		}
	}
	s.draw = newDraw(s)
	if cfg.Average > 0 {
		for range min(cfg.Batch, runtime.GOMAXPROCS(0)) {
			s.posteriors = append(s.posteriors, newPosterior(m, cfg.Action, cfg.Average))
		}
	}
	return s
}

// sigmaAt returns the noise level at fraction u of the range of levels.
func (s *source) sigmaAt(u float64) float64 {
	if p := s.cfg.Process; p != nil {
		return Sigma(p, s.cfg.TimeMin+u*(1-s.cfg.TimeMin)) * s.model.cfg.Normalization.Scale
	}
	return logInterpolate(s.cfg.SigmaMin, s.cfg.SigmaMax, u)
}

// targetLoss returns σ² times the variance of the target, mean_k (C_k - A_k)/((C_k + σ²)(A_k
// + σ²)), at fraction u of the range of levels: the loss of a vanishing network there under
// the objective Target.
func (s *source) targetLoss(u float64) float64 {
	sigma := s.sigmaAt(u)
	return sigma * sigma * s.model.targetVariance(sigma)
}

// targetVariance returns the average of targetLoss over the noise levels.
func (s *source) targetVariance() float64 {
	const points = 200
	sum := 0.0
	for i := range points {
		sum += s.targetLoss((float64(i)+0.5)/points) / points
	}
	return sum
}

// sourceStream is the stream of random numbers for the order of the sources.
const sourceStream = 3 << 61

// sourceOf returns the source of the batch of a step, and how many batches of it came before:
// every source has one in turn, in a random order.
func (t *Trainer) sourceOf(step int) (index, before int) {
	n := len(t.sources)
	if n == 1 {
		return 0, step
	}
	turn := step / n
	return rand.New(rand.NewPCG(t.cfg.Seed, sourceStream+uint64(turn))).Perm(n)[step%n], turn
}

// use gives the graphs the known part of a source.
func (t *Trainer) use(index int) error {
	if index == t.used {
		return nil
	}
	for name, value := range t.sources[index].inputs {
		// The tensors of the sources are used again and must not be freed.
		if err := t.model.inputs.GetVariable("/" + name).SetValuePreservingOld(value); err != nil {
			return fmt.Errorf("diffusion: %s of a model: %w", name, err)
		}
	}
	t.used = index
	return nil
}

// AddData adds a further ensemble, of another theory, to those that a trainer trains with. Every
// one has a batch in turn, with its own known part, noise levels and norm of the loss; the network
// tells them apart by the Condition of their models. [Trainer.Model] is that of the first ensemble,
// and validation is done for it alone; see [Family] for models of all. It returns an error as
// [Trainer.SetData] does, and for d.Steps.
func (t *Trainer) AddData(d Data) error {
	if d.Steps != 0 {
		return fmt.Errorf("diffusion: expected no further steps with a further ensemble, got %d", d.Steps)
	}
	m, cfg, err := t.check(d)
	if err != nil {
		return err
	}
	t.sources = append(t.sources, newSource(m, d.Ensemble, cfg))
	for _, s := range t.sources {
		if s.inputs == nil {
			s.inputs = s.model.tensors()
		}
	}
	t.used = -1
	t.splitLevels()
	return t.use(0)
}

// others identifies the sources after the first.
func (t *Trainer) others() uint64 {
	if len(t.sources) == 1 {
		return 0
	}
	h := fnv.New64a()
	for _, s := range t.sources[1:] {
		for _, values := range [][]float64{s.model.spectrum, s.model.cfg.Residual, s.model.mean, {s.model.order}, s.model.cfg.Condition} {
			for _, x := range values {
				h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x)))
			}
		}
	}
	return h.Sum64()
}
