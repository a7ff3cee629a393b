package main

import (
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/atomicfile"
)

// timesFile holds the times of the run, and of each point in its folder.
const timesFile = "times.json"

// cost is what one point of the program took to train.
type cost struct {
	Kappa           float64 `json:"kappa"`
	Dims            []int   `json:"dims"`
	SecondsPerStep  float64 `json:"seconds_per_step"`
	SecondsPerEpoch float64 `json:"seconds_per_epoch"`
	// Steps is the number of steps that were timed.
	Steps int `json:"steps"`
}

// stopwatch times training steps but the first of a call of Run, which compiles.
type stopwatch struct {
	first, last         int
	firstTime, lastTime time.Duration
}

func (s *stopwatch) observe(p diffusion.TrainProgress) {
	if s.first == 0 {
		s.first, s.firstTime = p.Step, p.Elapsed
	}
	s.last, s.lastTime = p.Step, p.Elapsed
}

// keepTime writes the time of the training that was just done into the folder of the
// point. Where there was none, the times of an earlier run stay.
func (a *acceptance) keepTime(p *point) error {
	n := p.steps.last - p.steps.first
	if n <= 0 {
		return nil
	}
	step := (p.steps.lastTime - p.steps.firstTime).Seconds() / float64(n)
	return writeJSON(p.run.Folder().Path(timesFile), cost{
		Kappa: p.kappa, Dims: p.lat.Dims(), Steps: n, SecondsPerStep: step, SecondsPerEpoch: step * float64(a.epoch()),
	})
}

// cost returns the time of the training of a point, and whether it is known.
func (a *acceptance) cost(p *point) (cost, bool) {
	var c cost
	b, err := os.ReadFile(p.run.Folder().Path(timesFile))
	if err != nil || json.Unmarshal(b, &c) != nil {
		return c, false
	}
	return c, true
}

// epoch returns the number of steps of an epoch, which shows every configuration once.
func (a *acceptance) epoch() int { return (a.o.Configurations + a.o.Batch - 1) / a.o.Batch }

// writeTimes writes the times of all points.
func (a *acceptance) writeTimes() error {
	costs := []cost{}
	for _, p := range a.points {
		if c, ok := a.cost(p); ok {
			costs = append(costs, c)
		}
	}
	return writeJSON(a.folder.Path(timesFile), costs)
}

func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(v)
	})
}
