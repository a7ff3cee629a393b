package diffusion

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
)

// Data is another ensemble for a [Trainer], see [Trainer.SetData].
type Data struct {
	// Ensemble holds the configurations.
	Ensemble *lattice.Ensemble
	// Model describes the known part of their theory, as [Measure] returns it: spectra, noise
	// levels and identity. The Seed is not used.
	Model ModelConfig
	// Targets, Weights and Action are those of [TrainConfig], for this ensemble.
	Targets, Weights []float64
	Action           lattice.Action
	// Steps is the number of further optimizer steps, with a warm-up and a course of the learning
	// rate of their own. Zero: those of the present run go on, to its end.
	Steps int
}

// SetData goes on with another ensemble, and another known part of the model: that of a
// neighbouring coupling, or more configurations. Weights, their moving average and the moments of
// the optimizer stay, and no graph is compiled again. The noise levels follow the model unless
// the configuration of the trainer names them. A validation ensemble, which belonged to the
// theory of before, is given up. A run is reproducible, and can be resumed: see
// [Trainer.Restore]. It returns an error, and leaves everything as it is, for an ensemble that
// does not fit its model or is not finite, and for a known part of another kind, see
// [Model.Assign]. No [Trainer.Run] may be under way.
func (t *Trainer) SetData(d Data) error {
	if d.Ensemble == nil || d.Ensemble.Lattice == nil {
		return fmt.Errorf("diffusion: expected a training ensemble, got nil")
	}
	if d.Steps < 0 {
		return fmt.Errorf("diffusion: expected a number of further steps ≥ 0, got %d", d.Steps)
	}
	d.Model.Seed = t.model.cfg.Seed
	m, err := describe(t.model.network, d.Model)
	if err != nil {
		return err
	}
	if err := t.model.checkGraphs(m); err != nil {
		return err
	}
	cfg := t.given
	cfg.Objective, cfg.Validation, cfg.ValidationTargets = t.cfg.Objective, nil, nil
	cfg.Targets, cfg.Weights, cfg.Action = d.Targets, d.Weights, d.Action
	if d.Steps > 0 {
		cfg.Steps = d.Steps
	}
	if err := cfg.setDefaults(m); err != nil {
		return err
	}
	if err := cfg.checkData(m, d.Ensemble); err != nil {
		return err
	}
	if _, err := t.settle(); err != nil {
		return err
	}
	if err := t.model.adopt(m); err != nil {
		return err
	}
	if d.Steps > 0 {
		t.first = t.step
		cfg.Steps += t.step
	} else {
		cfg.Steps = t.cfg.Steps
	}
	t.begin(d.Ensemble, cfg)
	return nil
}
