package diffusion

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
)

// The schemes of this file are deterministic maps of the prior. Their last level is
// the noise that the model does not resolve: they leave the data with about that
// noise.

// Heun is the deterministic sampler of Karras et al., arXiv:2206.00364, Algorithm 1 with
// σ(t) = t: the probability flow dx/dσ = -σ s(x, σ) by the trapezoidal rule with an Euler
// step as predictor,
//
//	x̂ = x + h d(x, σ),  x ← x + ½h [d(x, σ) + d(x̂, σ')],  d = -σ s,  h = σ' - σ.
//
// It takes two scores a step and is of second order. [Karras] makes its grid.
var Heun = Scheme{
	Numbers: func(_ SDE, levels []float64, i int) []float64 {
		s, next := levels[i], levels[i+1]
		return []float64{s, next, s * (s - next), next * (s - next)}
	},
	Build: func(scope *model.Scope, m ScoreModel, x, _, c []*graph.Node) []*graph.Node {
		d := graph.Mul(c[2], scoreAt(scope, m, x[0], c[0]))
		next := graph.Mul(c[3], scoreAt(scope, m, graph.Add(x[0], d), c[1]))
		return []*graph.Node{graph.Add(x[0], graph.MulScalar(graph.Add(d, next), 0.5))}
	},
	Modes: func(s *ModeStep) error {
		c := s.Numbers
		d, err := s.Score(s.X, c[0])
		if err != nil {
			return err
		}
		y := make([]float64, len(s.X))
		for i, x := range s.X {
			y[i] = x + c[2]*d[i]
		}
		next, err := s.Score(y, c[1])
		if err != nil {
			return err
		}
		for i := range s.X {
			s.X[i] += 0.5 * (c[2]*d[i] + c[3]*next[i])
		}
		return nil
	},
}

// DPMSolverPP2M is DPM-Solver++(2M) of Lu et al., arXiv:2211.01095, Algorithm 2: the
// probability flow in λ = -log σ, whose linear part is solved exactly, with the
// denoised field D = x + σ² s extrapolated from the last two steps,
//
//	x ← (σ'/σ) x + (1 - σ'/σ) [(1 + h/2h₋) D - (h/2h₋) D₋],  h = log(σ/σ').
//
// It takes one score a step and is of second order; the first step has no D₋ and is of
// first order. [LogSigma] makes its grid.
var DPMSolverPP2M = Scheme{
	Memory: 1,
	Numbers: func(_ SDE, levels []float64, i int) []float64 {
		s, next, extrapolate := levels[i], levels[i+1], 0.0
		if i > 0 {
			extrapolate = math.Log(s/next) / (2 * math.Log(levels[i-1]/s))
		}
		return []float64{s, s * s, next / s, 1 - next/s, extrapolate}
	},
	Build: func(scope *model.Scope, m ScoreModel, x, _, c []*graph.Node) []*graph.Node {
		denoised := graph.Add(x[0], graph.Mul(c[1], scoreAt(scope, m, x[0], c[0])))
		mean := graph.Add(denoised, graph.Mul(c[4], graph.Sub(denoised, x[1])))
		return []*graph.Node{graph.Add(graph.Mul(c[2], x[0]), graph.Mul(c[3], mean)), denoised}
	},
	Modes: func(s *ModeStep) error {
		c, before := s.Numbers, s.Memory[0]
		score, err := s.Score(s.X, c[0])
		if err != nil {
			return err
		}
		for i, x := range s.X {
			denoised := x + c[1]*score[i]
			s.X[i] = c[2]*x + c[3]*(denoised+c[4]*(denoised-before[i]))
			before[i] = denoised
		}
		return nil
	},
}
