package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/internal/figure"
)

// titles describe the models in plots.
var titles = map[string]string{
	plain: "network alone", wrapped: "network and Gaussian part", target: "by target score matching",
}

// edgeDepth is how far S rises above its minimum within the plots.
const edgeDepth = 8

// curves are functions of φ at the times shown: of a model on one grid, exact on a finer
// one, which makes thin lines.
type curves struct {
	x, fine        []float64
	learned, exact [][]float64
}

func (c *curves) add(learned, exact []float64) {
	c.learned, c.exact = append(c.learned, learned), append(c.exact, exact)
}

// plots draws figure 3 for a model, and with it the flow of the action (3.20). There the
// time is log σ, with which the action changes at every scale alike: dτ = -σ dσ/g², so
// that -σ ∂S/∂σ = (σ²/g²) ∂S/∂τ.
func (t *toy) plots(p *potential, c *contestant) error {
	if c.name == gaussian {
		return nil
	}
	edge := p.exact.Range(edgeDepth)
	x, fine := grid(edge, gridPoints), grid(edge, finePoints)
	drift, action, flow := curves{x: x, fine: fine}, curves{x: x, fine: fine}, curves{x: x, fine: fine}
	for _, tau := range shown {
		sigma := levelAt(tau)
		learned, err := c.evaluate(x, sigma)
		if err != nil {
			return err
		}
		exact, s := make([]float64, len(fine)), make([]float64, len(fine))
		for i, n := range p.noisy(edge, sigma, finePoints) {
			exact[i], s[i] = n.Score, -n.Log
		}
		drift.add(learned, exact)
		action.add(p.shift(integrate(x, learned)), p.shift(s))
		rate, want, err := p.rate(c, x, sigma)
		if err != nil {
			return err
		}
		flow.add(rate, want)
	}
	for _, f := range []struct {
		name, label string
		curves      curves
	}{
		{"drift", "drift ∂ log p_τ/∂φ", drift},
		{"action", "S_DM(φ, τ) + ΔS_0", action},
		{"flow", "−σ ∂S_DM/∂σ", flow},
	} {
		if err := t.plotCurves(p, c, f.name, f.label, f.curves); err != nil {
			return err
		}
	}
	return t.plotSamples(p, c)
}

// integrate returns -∫ score dφ by the trapezoid rule, from the middle of the range.
func integrate(x, score []float64) []float64 {
	s := make([]float64, len(x))
	for i := 1; i < len(x); i++ {
		s[i] = s[i-1] - (x[i]-x[i-1])*(score[i]+score[i-1])/2
	}
	middle := s[len(s)/2]
	for i := range s {
		s[i] -= middle
	}
	return s
}

// shift adds ΔS₀, which makes the minimum that of S, to s.
func (p *potential) shift(s []float64) []float64 {
	least := slices.Min(s)
	for i := range s {
		s[i] += p.exact.Least() - least
	}
	return s
}

// rate returns -σ ∂S/∂σ at a noise level, of the learned action by a difference and of
// the exact one, S = -log p_σ. The constant that a drift leaves open is the one that
// fits best where p_σ is.
func (p *potential) rate(c *contestant, x []float64, sigma float64) (learned, exact []float64, err error) {
	const step = 0.05
	high, low := min(sigmaMax, sigma*math.Exp(step)), sigma*math.Exp(-step)
	var s [2][]float64
	for i, level := range []float64{high, low} {
		score, err := c.evaluate(x, level)
		if err != nil {
			return nil, nil, err
		}
		s[i] = integrate(x, score)
	}
	middle := math.Sqrt(high * low)
	weights := make([]float64, finePoints)
	for i, n := range p.noisy(x[len(x)-1], middle, finePoints) {
		exact = append(exact, 2*middle*middle*n.Flow())
		weights[i] = math.Exp(n.Log)
	}
	sum, offset := 0.0, 0.0
	for i := range x {
		learned = append(learned, (s[1][i]-s[0][i])/math.Log(high/low))
		j := i * (finePoints - 1) / (gridPoints - 1)
		sum += weights[j]
		offset += weights[j] * (exact[j] - learned[i])
	}
	for i := range learned {
		learned[i] += offset / sum
	}
	return learned, exact, nil
}

// plotCurves draws one panel of figure 3.
func (t *toy) plotCurves(p *potential, c *contestant, name, label string, f curves) error {
	low, high := math.Inf(1), math.Inf(-1)
	var series []figure.Series
	for i, tau := range shown {
		s := figure.Series{X: f.x, Y: f.learned[i], Level: tau}
		if i == 0 || i == len(shown)-1 {
			s.Color = figure.Blue
			if i > 0 {
				s.Color = figure.Vermillion
			}
			s.Name = fmt.Sprintf("τ = %v, σ = %.2f", tau, levelAt(tau))
		}
		series = append(series, s)
		low, high = min(low, slices.Min(f.exact[i])), max(high, slices.Max(f.exact[i]))
	}
	for i := range shown {
		s := figure.Series{X: f.fine, Y: f.exact[i], Style: figure.Dashed, Color: figure.Black}
		if i == 0 {
			s.Name = "exact"
		}
		series = append(series, s)
	}
	margin := 0.1 * (high - low)
	edge := f.x[len(f.x)-1]
	fig, err := figure.Lines(series, figure.LinesConfig{
		Options: figure.Options{
			Title: p.title + ": " + titles[c.name],
			X:     figure.Axis{Label: "φ", Min: -edge, Max: edge}, Y: figure.Axis{Label: label, Min: low - margin, Max: high + margin},
		},
		Levels: &figure.Levels{Label: "τ"},
	})
	if err != nil {
		return err
	}
	return fig.Save(t.folder.Path(name + "_" + c.name + "_" + p.name + ".png"))
}

// plotSamples draws the lower row of figure 3.
func (t *toy) plotSamples(p *potential, c *contestant) error {
	edge := p.exact.Range(edgeDepth)
	exact := func(x float64) float64 { return math.Exp(p.exact.Noisy(x, 0).Log) }
	n := min(p.data.Len(), t.o.Samples)
	fig, err := figure.Histograms([]figure.Sample{
		{Name: "exact draws", Values: p.data.Data[:n]},
		{Name: "reverse SDE of the model", Values: c.reverse},
	}, figure.HistogramsConfig{
		Options: figure.Options{
			Title: p.title + ": " + titles[c.name],
			X:     figure.Axis{Label: "φ", Min: -edge, Max: edge}, Y: figure.Axis{Label: "p(φ)"},
		},
		Bins: 30, Exact: exact, ExactName: "e^{-S}/Z",
	})
	if err != nil {
		return err
	}
	return fig.Save(t.folder.Path("samples_" + c.name + "_" + p.name + ".png"))
}
