package plaquette

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
)

var _ diffusion.SiteNetwork = (*Network)(nil)

// siteFunctions is the number of odd and of even functions of the angle at a site, see
// builder.features.
const siteFunctions = 5

// Sitewise reports whether there is no context.
func (n *Network) Sitewise() bool { return n.cfg.Context == 0 }

// SiteCoefficients builds the perceptron at one noise level; see [diffusion.SiteNetwork].
func (n *Network) SiteCoefficients(scope *model.Scope, in diffusion.Inputs) []*graph.Node {
	b := newBuilder(n.cfg, scope, in)
	first, second, output := b.layers(siteFunctions, siteFunctions)
	return []*graph.Node{b.spread, first.weights, first.levels, second.weights, second.levels, output.weights, output.levels}
}

// Site returns the network at one noise level; see [diffusion.SiteNetwork].
func (n *Network) Site(coefficients [][]float64, sigma float64) diffusion.SiteFunction {
	s := &site{spread: coefficients[0][0]}
	s.root, s.precision = math.Sqrt(s.spread), 1/(sigma*sigma+s.spread)
	for i := range s.layers {
		s.layers[i] = hostLayer{coefficients[1+2*i], coefficients[2+2*i]}
	}
	return s.at
}

// site is the network at one noise level.
type site struct {
	spread, root, precision float64 // C, √C and 1/(C + σ²)
	layers                  [3]hostLayer
}

// hostLayer is a layer, weights [width, inputs] and levels [width].
type hostLayer struct{ weights, levels []float64 }

// number is a function of the angle with its derivative.
type number struct{ value, slope float64 }

func (a number) times(b number) number {
	return number{a.value * b.value, a.slope*b.value + a.value*b.slope}
}

func (a number) scaled(factor float64) number { return number{a.value * factor, a.slope * factor} }

// bounded returns a/(1 + a/bound).
func (a number) bounded(bound float64) number {
	r := 1 / (1 + a.value/bound)
	return number{a.value * r, a.slope * r * r}
}

// sigmoid returns a/√(1+a²).
func (a number) sigmoid() number {
	r := 1 / math.Sqrt(1+a.value*a.value)
	return number{a.value * r, a.slope * r * r * r}
}

// apply returns W x plus what depends on the noise level.
func (l hostLayer) apply(x []number) []number {
	y := make([]number, len(l.levels))
	for i := range y {
		y[i].value = l.levels[i]
		for j, w := range l.weights[i*len(x) : (i+1)*len(x)] {
			y[i].value += w * x[j].value
			y[i].slope += w * x[j].slope
		}
	}
	return y
}

// at returns the output and its derivative for an angle and the mean of the field; the functions
// are those of builder.features.
func (s *site) at(angle, mean float64) (out, slope float64) {
	theta := number{angle, 1}
	t, psi := theta.scaled(math.Sqrt(s.precision)), theta.scaled(s.precision*s.spread)
	wave := func(n float64) (sin, cos number) {
		si, co := math.Sincos(n * psi.value)
		return number{si, n * psi.slope * co}, number{co, -n * psi.slope * si}
	}
	sin, cos := wave(1)
	sin2, cos2 := wave(2)
	delta := number{value: mean / s.root}
	rise := number{1 - cos.value, -cos.slope}.scaled(1 / s.spread).bounded(4)
	odd := [siteFunctions]number{t, sin.scaled(1 / s.root), sin2.scaled(1 / s.root), sin, delta}
	h := []number{rise, cos, cos2, t.times(t).bounded(8), delta.times(delta).bounded(4)}
	for _, l := range s.layers[:2] {
		h = l.apply(h)
		for i, x := range h {
			h[i] = x.sigmoid()
		}
	}
	for k, m := range s.layers[2].apply(h) {
		term := odd[k].times(m)
		out += term.value
		slope += term.slope
	}
	return out, slope
}
