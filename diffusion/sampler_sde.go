package diffusion

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/diffusion/nn"
)

// EulerMaruyama integrates the reverse-time stochastic differential equation (3.7)–(3.9)
// with the Euler–Maruyama scheme in the time of the process, from t down to t' = t - h,
//
//	φ ← φ - h [f φ - g² ∇log p_t(φ)] + g √h z;
//
// the last step adds no noise, as in the paper, whose sampler is the Process [VE] with
// an isotropic prior and 500 steps. Without a process, φ ← φ + Δ s(φ, σ_i) + √Δ z with
// Δ = σ_i² - σ_{i+1}², the exact integral of g² over the step for every
// variance-expanding process. The weak error is of first order in the steps.
var EulerMaruyama = Scheme{
	Noise: 1,
	Numbers: func(process SDE, levels []float64, i int) []float64 {
		c := eulerMaruyama(process, levels, i)
		if i == len(levels)-2 {
			c[noiseCoefficient] = 0
		}
		return c
	},
	Build: func(scope *model.Scope, m ScoreModel, x, z, c []*graph.Node) []*graph.Node {
		return []*graph.Node{eulerMaruyamaGraph(scope, m, x[0], z[0], c)}
	},
}

// noiseCoefficient is the place of the coefficient of z in the result of eulerMaruyama.
const noiseCoefficient = 3

// eulerMaruyama returns σ and the coefficients of x, s and z of an Euler–Maruyama step
// written for x = φ/α, with ∇log p_t = s/α.
func eulerMaruyama(p SDE, levels []float64, i int) []float64 {
	t, next := p.Time(levels[i]), p.Time(levels[i+1])
	h, a, b, g := t-next, p.Scale(t), p.Scale(next), p.Diffusion(t)
	return []float64{levels[i], (1 - h*p.Drift(t)) * a / b, h * g * g / (a * b), g * math.Sqrt(h) / b}
}

func eulerMaruyamaGraph(scope *model.Scope, m ScoreModel, x, z *graph.Node, c []*graph.Node) *graph.Node {
	s := scoreAt(scope, m, x, c[0])
	return graph.Add(graph.Add(graph.Mul(c[1], x), graph.Mul(c[2], s)), graph.Mul(c[noiseCoefficient], z))
}

// PredictorCorrector is the scheme of Algorithms 2 to 5 of Song et al., arXiv:2011.13456: a
// step of [EulerMaruyama] as predictor, then a number of steps of Langevin dynamics, 0
// meaning 1, at the new noise level,
//
//	x ← x + ε s(x, σ) + √(2ε) z,  ε = 2 (SNR ‖z‖/‖s‖)²,
//
// with the signal-to-noise ratio SNR, 0 meaning their 0.16, and norms that are means over
// the batch, as in the published code; that is the Langevin equation (2.15) of stochastic
// quantization for S = -log p_σ. Every step has its noise, so the result carries that of
// the last level. The finite ε makes the variance of the modes of a Gaussian theory too
// large by the fraction ε/2(C_k + σ²), on average SNR², whatever the number of steps: use
// a small SNR where that matters, or refine what it draws by a Markov chain. It returns an error for a negative number
// of steps, or a ratio that is negative or not finite.
func PredictorCorrector(steps int, snr float64) (Scheme, error) {
	if steps < 0 || !(snr >= 0) || math.IsInf(snr, 0) {
		return Scheme{}, fmt.Errorf("diffusion: expected numbers of corrector steps and a signal-to-noise ratio that are not negative, got %d and %v", steps, snr)
	}
	snr, steps = orDefault(snr, 0.16), max(steps, 1)
	return Scheme{
		Noise: 1 + steps,
		Numbers: func(process SDE, levels []float64, i int) []float64 {
			return append(eulerMaruyama(process, levels, i), levels[i+1])
		},
		Build: func(scope *model.Scope, m ScoreModel, x, z, c []*graph.Node) []*graph.Node {
			y := eulerMaruyamaGraph(scope, m, x[0], SpaceOf(m).Tangent(z[0]), c)
			for _, z := range z[1:] {
				z = SpaceOf(m).Tangent(z)
				s := scoreAt(scope, m, y, c[4])
				ratio := graph.MulScalar(graph.Div(meanNorm(z), meanNorm(s)), snr)
				eps := graph.MulScalar(graph.Square(ratio), 2)
				y = graph.Add(graph.Add(y, graph.Mul(eps, s)), graph.Mul(graph.Sqrt(graph.MulScalar(eps, 2)), z))
			}
			return []*graph.Node{y}
		},
	}, nil
}

// meanNorm returns the mean over the batch of the Euclidean norm of a field.
func meanNorm(x *graph.Node) *graph.Node {
	return graph.ReduceAllMean(graph.Sqrt(nn.SumSites(graph.Square(x))))
}

// Ancestral is [EulerMaruyama] without a process, with the noise of a step reduced to what
// the exact reverse transition of a Gaussian theory has: in mode k the variance is
//
//	Δ (C_k + σ_{i+1}²)/(C_k + σ_i²),  Δ = σ_i² - σ_{i+1}²,
//
// with the spectrum of a [LinearModel]; every step, the last included, adds it. For
// Gaussian data the result is exact for any number of steps, and elsewhere only the
// non-linear part of the score is discretised. For a model without spectrum, C = 0,
// this is the ancestral sampling of Song et al., arXiv:2011.13456, eq. (47).
var Ancestral = Scheme{
	Noise: 1,
	Numbers: func(_ SDE, levels []float64, i int) []float64 {
		s, next := levels[i], levels[i+1]
		return []float64{s, next, s*s - next*next}
	},
	Build: func(scope *model.Scope, m ScoreModel, x, z, c []*graph.Node) []*graph.Node {
		sigma, next, delta := c[0], c[1], c[2]
		y := graph.Add(x[0], graph.Mul(delta, scoreAt(scope, m, x[0], sigma)))
		l, ok := Linear(m)
		if !ok {
			amplitude := graph.Mul(graph.Sqrt(delta), graph.Div(next, sigma))
			return []*graph.Node{graph.Add(y, graph.Mul(amplitude, z[0]))}
		}
		batch := y.Shape().Dimensions[0]
		spectrum := graph.BroadcastToDims(as(SpectrumNode(l, y.Graph()), y), y.Shape().Dimensions...)
		before := withNoise(spectrum, graph.BroadcastToDims(sigma, batch))
		after := withNoise(spectrum, graph.BroadcastToDims(next, batch))
		amplitude := graph.Sqrt(graph.Mul(delta, graph.Div(after, before)))
		return []*graph.Node{graph.Add(y, hartley.Transform(graph.Mul(amplitude, z[0])))}
	},
	Modes: func(s *ModeStep) error {
		sigma, next, delta := s.Numbers[0], s.Numbers[1], s.Numbers[2]
		score, err := s.Score(s.X, sigma)
		if err != nil {
			return err
		}
		amplitude := make([]float64, len(s.Spectrum))
		for k, c := range s.Spectrum {
			amplitude[k] = math.Sqrt(delta * (c + next*next) / (c + sigma*sigma))
		}
		for i, z := range s.Noise[0][:len(s.X)] {
			s.X[i] += delta*score[i] + amplitude[i%len(amplitude)]*z
		}
		return nil
	},
}
