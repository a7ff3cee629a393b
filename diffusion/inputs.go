package diffusion

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion/hartley"
)

// The numbers of the known part of a model, C_k and what else belongs to it, are inputs of its
// graphs and not constants of them: a graph that has been compiled serves every spectrum. They
// are variables, in a store of their own since they are no weights, and in float64.

// Names of the numbers that are inputs.
const (
	spectrumInput = "spectrum" // C_k [components·sites]
	residualInput = "residual" // D_k [components·sites]
	meanInput     = "mean"     // m [components]
	orderInput    = "order"    // μ [1]
	siteInput     = "site"     // centre and reach of a site [2]
)

// numbers are the numbers of a known part by name.
func (m *Model) numbers() map[string][]float64 {
	n := map[string][]float64{spectrumInput: m.spectrum, residualInput: m.cfg.Residual, meanInput: m.mean, orderInput: {m.order}}
	if m.site != nil {
		n[siteInput] = []float64{m.site.centre, m.site.reach}
	}
	return n
}

// setInputs gives the graphs of m its numbers.
func (m *Model) setInputs() error {
	if m.inputs == nil {
		m.inputs = model.NewStore()
	}
	for name, values := range m.numbers() {
		if len(values) == 0 {
			continue
		}
		value := tensors.FromFlatDataAndDimensions(values, len(values))
		v := m.inputs.GetVariable("/" + name)
		var err error
		if v == nil {
			_, err = m.inputs.CreateVariable("/"+name, value)
		} else {
			err = v.SetValue(value)
		}
		if err != nil {
			return fmt.Errorf("diffusion: %s of a model: %w", name, err)
		}
	}
	return nil
}

// input builds the numbers of a name in float64, as an input of the graph if the part has
// inputs and else as the constants given.
func (p *gaussianPart) input(g *graph.Graph, name string, values []float64) *graph.Node {
	if p.inputs != nil {
		return p.inputs.GetVariable("/" + name).NodeValue(g)
	}
	return hartley.Const(g, dtypes.Float64, values, len(values))
}

// element returns number i of a vector as a scalar of the type of like.
func element(x *graph.Node, i int, like *graph.Node) *graph.Node {
	return as(graph.Reshape(graph.SliceAxis(x, 0, graph.AxisElem(i))), like)
}

// as converts x to the type of like.
func as(x, like *graph.Node) *graph.Node {
	if x.DType() == like.DType() {
		return x
	}
	return graph.ConvertDType(x, like.DType())
}

// modesLike returns numbers in the layout of a field, [components·sites], in the shape and the type of
// the field phi.
func (p *gaussianPart) modesLike(x, phi *graph.Node) *graph.Node {
	x = as(graph.Reshape(x, fieldShape(p.layout, 1)...), phi)
	return graph.BroadcastToDims(x, phi.Shape().Dimensions...)
}

// spectrumLike returns C_k in the shape and the type of phi.
func (p *gaussianPart) spectrumLike(phi *graph.Node) *graph.Node {
	return p.modesLike(p.input(phi.Graph(), spectrumInput, p.spectrum), phi)
}

// componentsLike returns numbers, one per component, in the shape and the type of phi.
func componentsLike(x, phi *graph.Node) *graph.Node {
	dims := slices.Repeat([]int{1}, phi.Rank())
	dims[1] = x.Shape().Dimensions[0]
	return graph.BroadcastToDims(as(graph.Reshape(x, dims...), phi), phi.Shape().Dimensions...)
}

// part is promoted to the models that have one.
func (p *gaussianPart) part() *gaussianPart { return p }

// partOf returns the known part of a model, an empty one of a model of another kind, whose
// numbers are constants.
func partOf(m LinearModel) *gaussianPart {
	if p, ok := m.(interface{ part() *gaussianPart }); ok {
		return p.part()
	}
	return &gaussianPart{}
}

// SpectrumNode builds C_k of a linear model in a graph, [1, components, extents…] in float64. Of
// a [Model] it is an input of the graph, which thus holds for every spectrum; see
// [Model.Assign].
func SpectrumNode(m LinearModel, g *graph.Graph) *graph.Node {
	return graph.Reshape(partOf(m).input(g, spectrumInput, m.Spectrum()), fieldShape(m.Layout(), 1)...)
}

// MeanNode builds the mean of every component in the same way, [1, components, 1…].
func MeanNode(m LinearModel, g *graph.Graph) *graph.Node {
	dims := slices.Repeat([]int{1}, 2+m.Layout().Dim())
	dims[1] = m.Layout().Components
	return graph.Reshape(partOf(m).input(g, meanInput, m.Mean()), dims...)
}
