package main

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice/toymodel"
)

// shown are the times τ = 1 - t of figure 3.
var shown = []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99}

// levelAt returns the noise level at the time τ.
func levelAt(tau float64) float64 { return diffusion.Sigma(process, 1-tau) }

// Numbers of values of φ in averages and plots, and in plots of exact curves, whose
// intervals are a third as wide.
const (
	gridPoints = 401
	finePoints = 1201
)

// grid returns n equidistant values from -edge to edge.
func grid(edge float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = edge * (2*float64(i)/float64(n-1) - 1)
	}
	return x
}

// points is a grid with the noisy density on it.
type points struct {
	edge, sigma float64
	n           int
}

// noisy returns the density at the points of a grid; all models share it.
func (p *potential) noisy(edge, sigma float64, n int) []toymodel.Noisy {
	key := points{edge, sigma, n}
	if have, ok := p.known[key]; ok {
		return have
	}
	values := make([]toymodel.Noisy, n)
	for i, v := range grid(edge, n) {
		values[i] = p.exact.Noisy(v, sigma)
	}
	p.known[key] = values
	return values
}

// average is the mean of the squared drift over p_σ, and of the squared error of a model.
type average struct{ drift, error float64 }

// compare averages over the noisy density by the trapezoid rule.
func (p *potential) compare(c *contestant, sigma float64) (average, error) {
	const depth, deviations = 30, 7.5
	edge := p.exact.Range(depth) + deviations*sigma
	score, err := c.evaluate(grid(edge, gridPoints), sigma)
	if err != nil {
		return average{}, err
	}
	var a average
	total := 0.0
	for i, n := range p.noisy(edge, sigma, gridPoints) {
		w := math.Exp(n.Log)
		total += w
		a.drift += w * n.Score * n.Score
		a.error += w * (score[i] - n.Score) * (score[i] - n.Score)
	}
	a.drift /= total
	a.error /= total
	return a, nil
}

// drift adds the errors of the drift of a model to the table, with the size of the drift
// itself if asked for.
func (t *toy) drift(p *potential, c *contestant, exact bool) error {
	for _, tau := range shown {
		a, err := p.compare(c, levelAt(tau))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("drift_rms_tau_%v", tau)
		if exact {
			t.table.Add("exact_"+p.name, name, known(math.Sqrt(a.drift)))
		}
		t.table.Add(c.name+"_"+p.name, name, known(math.Sqrt(a.error)))
	}
	const levels = 64
	mean, span := 0.0, math.Log(sigmaMax/sigmaMin)
	for i := range levels {
		sigma := sigmaMin * math.Exp(span*(float64(i)+0.5)/levels)
		a, err := p.compare(c, sigma)
		if err != nil {
			return err
		}
		mean += sigma * sigma * a.error / levels
	}
	t.table.Add(c.name+"_"+p.name, "drift_rms", known(math.Sqrt(mean)))
	t.table.Add(c.name+"_"+p.name, "kl_bound", known(mean*span))
	return nil
}
