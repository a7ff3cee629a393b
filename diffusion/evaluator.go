package diffusion

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/internal/lanes"
)

// HostNetwork is an [ExactNetwork] that is also implemented in plain Go, in float32, for
// the CPU; see [Evaluator].
type HostNetwork interface {
	ExactNetwork
	// Coefficients builds what the implementation has to know of the weights at one noise
	// level, in.Sigma of shape [1]. The fields of in are there for their shapes, with a
	// batch of one; the results must not depend on them.
	Coefficients(scope *model.Scope, in Inputs) []*graph.Node
	// Host returns the implementation for a theory, or nil if there is none for it. shift
	// is Inputs.Shift.
	Host(t Theory, shift float64) Host
}

// Host is the implementation of a [HostNetwork] for one theory.
type Host interface {
	// Level returns the network at the noise level of the coefficients. It must be safe
	// for use by several goroutines.
	Level(coefficients [][]float32) HostLevel
}

// HostLevel is a network at one noise level.
type HostLevel interface {
	// Evaluate sets out to the Hartley modes of what ApplyDivergence returns for the fields
	// whose modes are given, one after the other, and divergence, [batch] or nil, to
	// its divergence. sign and slope, [batch], are nil for a single Gaussian.
	Evaluate(out, divergence, modes, sign, slope []float64)
}

// Evaluator evaluates the remainder of a model, see [LinearModel], on the CPU without a
// graph of fields, many times faster than the graph: the weights of every noise level are
// computed once, by a graph, and kept. It is safe for concurrent use.
type Evaluator struct {
	m      *Model
	host   Host
	site   *siteHost // nil: none
	levels *levels[*evaluatorLevel]
}

// evaluatorLevel is a model at one noise level.
type evaluatorLevel struct {
	network HostLevel
	scale   float64    // c(σ)
	site    *siteLevel // nil: none
}

// NewEvaluator returns the evaluator of a model, whose weights must not change while it is
// used, but see [Evaluator.Reset]. The backend computes the weights of a noise level. It returns an error that is
// [errors.ErrUnsupported] for a model whose network is no [HostNetwork], or has no
// implementation for its theory.
func NewEvaluator(backend compute.Backend, m ScoreModel) (*Evaluator, error) {
	if backend == nil {
		return nil, fmt.Errorf("diffusion: expected a backend, got nil")
	}
	d, ok := m.(*Model)
	if !ok {
		return nil, fmt.Errorf("diffusion: an evaluator of %T: %w", m, errors.ErrUnsupported)
	}
	network, ok := d.network.(HostNetwork)
	if !ok || d.solution != nil || len(d.theory().Fixed()) > 0 {
		return nil, fmt.Errorf("diffusion: an evaluator of the network %s in %s space: %w", d.network.Kind(), d.space.Kind(), errors.ErrUnsupported)
	}
	e := &Evaluator{m: d}
	var err error
	e.levels, err = newLevels[*evaluatorLevel](backend, d, network.Coefficients)
	if err != nil {
		return nil, err
	}
	e.Reset()
	if e.host == nil {
		return nil, fmt.Errorf("diffusion: an evaluator of the network %s for %v: %w", d.network.Kind(), d.layout, errors.ErrUnsupported)
	}
	return e, nil
}

// Reset forgets what was computed of the model, after a [Model.Assign] to it. Nothing else may use
// the evaluator meanwhile.
func (e *Evaluator) Reset() {
	e.levels.reset()
	e.host, e.site = e.m.network.(HostNetwork).Host(e.m.theory(), e.m.shift()), nil
	if e.m.site != nil {
		e.site = newSiteHost(e.m)
	}
}

// shift returns Inputs.Shift.
func (m *Model) shift() float64 { return m.order / math.Sqrt(float64(m.layout.Volume())) }

// Remainder sets r to the modes (of the Hartley transform, see package hartley) of the
// remainder r(φ, σ), and divergence, one number per field, to its divergence, unless it
// is nil. modes are those of φ - m for fields one after the other. It returns an error
// if lengths do not fit, or if the weights at σ cannot be computed.
func (e *Evaluator) Remainder(r, divergence, modes []float64, sigma float64) error {
	v := e.m.layout.Size()
	n := len(modes) / v
	if len(modes) != n*v || len(r) != len(modes) || divergence != nil && len(divergence) != n {
		return fmt.Errorf("diffusion: expected modes of fields of %d numbers and as many results, got %d, %d and %d divergences", v, len(modes), len(r), len(divergence))
	}
	l, err := e.levels.at(sigma, e.level)
	if err != nil {
		return err
	}
	// A share for every core.
	share := max(1, (n/runtime.GOMAXPROCS(0)+lanes.Width-1)/lanes.Width) * lanes.Width
	var wg sync.WaitGroup
	for lo := share; lo < n; lo += share {
		hi := min(lo+share, n)
		wg.Go(func() { e.evaluate(l, r[lo*v:hi*v], part(divergence, lo, hi), modes[lo*v:hi*v], sigma) })
	}
	hi := min(share, n)
	e.evaluate(l, r[:hi*v], part(divergence, 0, hi), modes[:hi*v], sigma)
	wg.Wait()
	return nil
}

// part returns x[lo:hi], or nil.
func part(x []float64, lo, hi int) []float64 {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}

// evaluate evaluates the model at a level.
func (e *Evaluator) evaluate(l *evaluatorLevel, r, divergence, modes []float64, sigma float64) {
	v, order := e.m.layout.Size(), e.m.order
	n := len(modes) / v
	var sign, slope []float64
	width := 0.0
	if order > 0 {
		width = e.m.spectrum[0] + sigma*sigma
		sign, slope = make([]float64, n), make([]float64, n)
		aligned := append([]float64(nil), modes...)
		for i := range n {
			// The zero mode of the constant field shift·sign is μ·sign.
			sign[i] = math.Tanh(order * modes[i*v] / width)
			slope[i] = (1 - sign[i]*sign[i]) * e.m.shift() / width
			aligned[i*v] -= order * sign[i]
		}
		modes = aligned
	}
	l.network.Evaluate(r, divergence, modes, sign, slope)
	for i := range r {
		r[i] *= l.scale
	}
	for i := range divergence {
		divergence[i] *= l.scale
	}
	if l.site != nil {
		l.site.add(r, divergence, modes)
	}
	// What the mixture adds to a Gaussian, see gaussianPart.remainder.
	for i := range sign {
		r[i*v] += order * sign[i] / width
		if divergence != nil {
			divergence[i] += order * order / (width * width) * (1 - sign[i]*sign[i])
		}
	}
}

// level returns the model at a noise level, with these coefficients of the network.
func (e *Evaluator) level(sigma float64, coefficients [][]float64) *evaluatorLevel {
	values := make([][]float32, len(coefficients))
	for i, all := range coefficients {
		values[i] = make([]float32, len(all))
		for j, v := range all {
			values[i][j] = float32(v)
		}
	}
	l := &evaluatorLevel{network: e.host.Level(values), scale: e.m.scaleAt(sigma)}
	if e.site != nil {
		l.site = e.site.level(sigma)
	}
	return l
}

// scaleAt returns c(σ), see [preconditioner].
func (m *Model) scaleAt(sigma float64) float64 {
	variance := 0.0
	for k, c := range m.spectrum {
		noisy := c + sigma*sigma
		variance += m.cfg.Residual[k] / (noisy * noisy)
	}
	return math.Sqrt(variance / float64(m.layout.Size()))
}
