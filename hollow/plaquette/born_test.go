package plaquette_test

import (
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/hollow/plaquette"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

var (
	bornTable = flag.String("born", "", "print ESS/N and ESS_p of the Born term at these extents and β, a list like 8,2;16,7")
	bornDraws = flag.Int("born-draws", 4096, "draws of the table of the Born term, and a quarter as many exact configurations")
)

// born is the Born term as a network without weights: in the posterior of a clean angle, given the
// noisy one, the Gaussian of the base stands for the theory, so that to first order in the rest of the action
//
//	s = -θ/(C+σ²) + w ⟨F(θ₀) + θ₀/C⟩,  θ₀ ~ N(δ + w(θ-δ), τ²),  w = C/(C+σ²), τ² = wσ²,
//
// with F = -V′ and the mean δ of the field, which the noise conserves; V is a [lattice.Lift].
type born struct{ lattice.Lift }

var _ diffusion.SiteNetwork = born{}

func (born) Kind() string                                             { return "born" }
func (n born) Config() any                                            { return n.Lift }
func (n born) Adapt(diffusion.Theory) (diffusion.Architecture, error) { return n, nil }

func (born) Sitewise() bool { return true }

// SiteCoefficients returns C, of all modes but the zero mode, and c(σ), by which the model
// multiplies: √⟨(C_k+σ²)⁻²⟩ for a residual of one.
func (n born) SiteCoefficients(_ *model.Scope, in diffusion.Inputs) []*graph.Node {
	noisy := graph.Add(in.Spectrum, graph.BroadcastToShape(graph.Square(graph.Reshape(in.Sigma, 1, 1)), in.Spectrum.Shape()))
	return []*graph.Node{
		graph.Slice(in.Spectrum, graph.AxisElem(0), graph.AxisElem(1)),
		graph.Sqrt(graph.ReduceAllMean(graph.Reciprocal(graph.Square(noisy)))),
	}
}

func (n born) Site(coefficients [][]float64, sigma float64) diffusion.SiteFunction {
	c, scale, variance := coefficients[0][0], coefficients[1][0], sigma*sigma
	w := c / (c + variance)
	return func(angle, mean float64) (out, slope float64) {
		clean, rate := mean+w*(angle-mean), 1/c-1/n.Variance
		force, derivative := rate*clean, rate
		for i, cosine := range n.Cosines {
			order := float64(i + 1)
			weight := order * cosine * math.Exp(-order*order*w*variance/2)
			sin, cos := math.Sincos(order * clean)
			force += weight * sin
			derivative += weight * order * cos
		}
		return w * force / scale, w * w * derivative / scale
	}
}

// ApplyDivergence is for models that only graphs can evaluate, and no flow on a CPU calls it.
func (n born) ApplyDivergence(_ *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	return graph.ZerosLike(in.Field), graph.ReduceSum(graph.ZerosLike(in.Field), 1, 2, 3)
}

// The solution of independent plaquettes sums what the Born term is the first order of: it is
// better at strong coupling, and both are exact as a proposal.
func TestBorn(t *testing.T) {
	arms := func(a theory, n int) (bornESS, solution [2]float64) {
		b := backendtest.Open()
		m := must(diffusion.Measure(a.lift, a.ensemble(t, 3000, 1)))
		cfg := m.ModelConfig
		test := a.ensemble(t, n/4, 2)
		ess := func(network diffusion.Architecture, cfg diffusion.ModelConfig) [2]float64 {
			f := must(flow.New(b, must(diffusion.NewModel(b, network, cfg)), flow.Config{Batch: 128}))
			draws := must(f.Sample(t.Context(), n, 3))
			logw := must(draws.LogWeights(a.lift))
			weights := must(stats.LogWeightStats(logw))
			if d := weights.LogZ.Value - a.exact.LogZ(); math.Abs(d) > 5*weights.LogZ.Error {
				t.Errorf("%s: log Z = %v, exact %v", network.Kind(), weights.LogZ, a.exact.LogZ())
			}
			density := must(f.LogProb(t.Context(), test, 4))
			sides := must(stats.CompareLogWeights(logw, must(density.LogWeights(a.lift, test))))
			return [2]float64{weights.ESS.Value, sides.ESSTheory}
		}
		solution = ess(must(plaquette.New(plaquette.Config{Hidden: 1})), cfg)
		cfg.Space, cfg.Residual = diffusion.LiftedAngles{}, make([]float64, len(cfg.Spectrum))
		for k := range cfg.Residual {
			cfg.Residual[k] = 1
		}
		return ess(born{a.lift.Lift()}, cfg), solution
	}
	first, all := arms(newTheory(2, 4), 512)
	if !(first[0] < all[0]-0.01 && first[0] > 0.3) {
		t.Errorf("expected the Born term to be worse than the solution and to be useful, got an ESS of %v and %v", first, all)
	}
	for _, point := range strings.FieldsFunc(*bornTable, func(r rune) bool { return r == ';' }) {
		var extent int
		var beta float64
		if _, err := fmt.Sscanf(point, "%d,%g", &extent, &beta); err != nil {
			t.Fatalf("%q: %v", point, err)
		}
		first, all := arms(newTheory(beta, extent), *bornDraws)
		t.Logf("%d², β = %v: ESS/N and ESS_p of the Born term %.5f, %.5f, of the solution %.5f, %.5f", extent, beta, first[0], first[1], all[0], all[1])
	}
}
