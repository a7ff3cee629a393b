package selftrain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/lattice"
)

// stateFile holds the record of the ladder; it is written last, after the model of a rung.
const stateFile = "ladder.json"

// state is what the folder keeps beside the models. The draws of the last good rung are drawn
// again from its model and their seed.
type state struct {
	Run            runState
	Rungs          []Rung
	Returned       bool
	Round          int
	T              float64
	Seed           uint64
	N              int
	Good           int // its place in Rungs
	Values, Drifts int64
	Mean           []float64
	// TrainSeed and Configurations are those of the trainer, where there is a network.
	TrainSeed      uint64
	Configurations int
}

// runState tells runs apart.
type runState struct {
	Theory                       string
	From, To                     float64
	N, LastN                     int
	Keep, Least, Gaussian, Clip  float64
	FirstSteps, Steps            int
	LastSteps                    []int
	Overshoot                    float64
	Polish, Check, CheckSteps    int
	Network                      string
	Start                        []string
	Batch, FlowSteps, Integrator int
	LearningRate                 float64
	Seed                         uint64
}

func (l *ladder) run() (runState, error) {
	action, err := l.family.Action(l.family.To)
	if err != nil {
		return runState{}, err
	}
	network, err := json.Marshal(l.Network.Config())
	var start []string
	for _, m := range l.Start {
		start = append(start, fmt.Sprintf("%v %s", m.Layout(), m.Config().Theory.Fingerprint))
	}
	return runState{
		Theory: lattice.Fingerprint(action), From: l.family.From, To: l.family.To, N: l.N, LastN: l.LastN,
		Keep: l.Keep, Least: l.Least, Gaussian: l.GaussianESS, Clip: l.Clip, FirstSteps: l.FirstSteps, Steps: l.Steps, LastSteps: l.LastSteps,
		Overshoot: l.Overshoot, Polish: l.Polish, Check: l.Check, CheckSteps: l.CheckSteps, Network: l.Network.Kind() + string(network), Start: start,
		Batch: l.Train.Batch, LearningRate: l.Train.LearningRate, FlowSteps: l.Flow.Steps, Integrator: int(l.Flow.Integrator), Seed: l.Seed,
	}, err
}

// modelFile returns the file of the model of a rung.
func (l *ladder) modelFile(rung int) string {
	return filepath.Join(l.Folder, fmt.Sprintf("rung-%03d.npz", rung))
}

// save keeps the last good rung.
func (l *ladder) save() error {
	if l.Folder == "" {
		return nil
	}
	if err := os.MkdirAll(l.Folder, 0o777); err != nil {
		return err
	}
	last := len(l.rungs) - 1
	run, err := l.run()
	if err != nil {
		return err
	}
	s := state{
		Run: run, Rungs: l.rungs, Returned: l.returned, Round: l.round, T: l.good.t, Seed: l.good.seed, N: l.good.N, Good: last,
		Values: l.family.values.Load(), Drifts: l.family.drifts.Load(), Mean: l.good.config().Mean,
	}
	if l.good.model != nil {
		// The file of a trainer is one of its model too.
		if err := l.trainer.Save(l.modelFile(last)); err != nil {
			return err
		}
		s.TrainSeed, s.Configurations = l.trainer.Seed, l.trainer.Configurations
	}
	data, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("selftrain: encoding the ladder: %w", err)
	}
	return atomicfile.Write(filepath.Join(l.Folder, stateFile), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// resume restores the last good rung of the folder, if there is one.
func (l *ladder) resume(ctx context.Context) (bool, error) {
	if l.Folder == "" {
		return false, nil
	}
	name := filepath.Join(l.Folder, stateFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var s state
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil || s.Good < 0 || s.Good >= len(s.Rungs) {
		return false, fmt.Errorf("selftrain: expected the record of a ladder in %s, got %v", name, err)
	}
	run, err := l.run()
	if err != nil {
		return false, err
	}
	want, errA := json.Marshal(run)
	have, errB := json.Marshal(s.Run)
	if err := errors.Join(errA, errB); err != nil {
		return false, err
	}
	if string(want) != string(have) {
		return false, fmt.Errorf("selftrain: expected the ladder of the run %s in %s, got %s", want, name, have)
	}
	p := &position{t: s.T, seed: s.Seed}
	rung := s.Rungs[s.Good]
	if rung.Network {
		if p.model, err = diffusion.LoadModel(l.modelFile(s.Good)); err != nil {
			return false, err
		}
	} else {
		action, err := l.family.Action(s.T)
		if err != nil {
			return false, err
		}
		p.gaussian = diffusion.ModelConfig{Layout: action.Layout(), Spectrum: rung.Spectrum, Order: rung.Order, Mean: s.Mean}
	}
	if _, err := l.draw(ctx, p, s.N); err != nil {
		return false, err
	}
	if rung.Network {
		if err := l.revive(p, l.modelFile(s.Good), s.Configurations, rung.Steps, s.TrainSeed); err != nil {
			return false, err
		}
	}
	p.Rung = rung
	l.good, l.rungs, l.returned, l.round = p, s.Rungs, s.Returned, s.Round
	l.family.values.Store(s.Values)
	l.family.drifts.Store(s.Drifts)
	if l.Report != nil {
		for _, r := range l.rungs {
			l.Report(r)
		}
	}
	return true, nil
}
