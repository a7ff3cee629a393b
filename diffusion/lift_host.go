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
)

// SiteNetwork is an [ExactNetwork] for lifted angles whose output at a site may be a function of
// the angle there, the mean of the field and the noise level alone, and is then also
// implemented in plain Go; see [LiftEvaluator].
type SiteNetwork interface {
	ExactNetwork
	// Sitewise reports whether it is such a function.
	Sitewise() bool
	// SiteCoefficients builds what the implementation has to know of the weights at one noise
	// level, in.Sigma of shape [1]. The fields of in are there for their shapes, with a batch of
	// one; the results must not depend on them.
	SiteCoefficients(scope *model.Scope, in Inputs) []*graph.Node
	// Site returns the function at the noise level of the coefficients. It must be safe for use
	// by several goroutines.
	Site(coefficients [][]float64, sigma float64) SiteFunction
}

// SiteFunction is a [SiteNetwork] at one noise level: its output at a site and the derivative with
// respect to the angle there, in radians, for a field of the given mean.
type SiteFunction func(angle, mean float64) (out, slope float64)

// LiftEvaluator evaluates the remainder of a model of lifted angles, see [LinearModel], on the CPU
// without a graph, in float64 and many times faster than the graph. Everything in such a model
// is a function of one angle but for two numbers of a field, the winding number and the force λ of
// the constraint: at every noise level the functions are tabulated once. It is safe for
// concurrent use.
type LiftEvaluator struct {
	m       *Model
	network SiteNetwork
	levels  *levels[*liftLevel]
}

// NewLiftEvaluator returns the evaluator of a model, whose weights must not change while it is used, but see
// [LiftEvaluator.Reset]. The backend computes the weights of a noise level. It returns an error
// that is [errors.ErrUnsupported] for a model that is not one of lifted angles, whose angles do
// not all have the same spectrum, or whose network is no function of one site.
func NewLiftEvaluator(backend compute.Backend, m ScoreModel) (*LiftEvaluator, error) {
	if backend == nil {
		return nil, fmt.Errorf("diffusion: expected a backend, got nil")
	}
	d, ok := m.(*Model)
	if !ok {
		return nil, fmt.Errorf("diffusion: an evaluator of lifted angles of %T: %w", m, errors.ErrUnsupported)
	}
	network, ok := d.network.(SiteNetwork)
	if _, lifted := d.space.(LiftedAngles); !ok || !lifted || !d.white() || !network.Sitewise() {
		return nil, fmt.Errorf("diffusion: an evaluator of lifted angles of the network %s in %s space: %w", d.network.Kind(), d.space.Kind(), errors.ErrUnsupported)
	}
	l, err := newLevels[*liftLevel](backend, d, network.SiteCoefficients)
	if err != nil {
		return nil, err
	}
	return &LiftEvaluator{d, network, l}, nil
}

// Reset forgets what was computed of the model, after a [Model.Assign] to it. Nothing else may use
// the evaluator meanwhile.
func (e *LiftEvaluator) Reset() { e.levels.reset() }

// white reports whether all modes but the zero mode have the same C_k.
func (p *gaussianPart) white() bool {
	for _, c := range p.spectrum[1:] {
		if c != p.spectrum[1] {
			return false
		}
	}
	return true
}

// Remainder sets r to the remainder r(θ, σ) at every site of fields, one after the other, and
// divergence, one number per field, to its divergence within the fields of one sum, unless it is
// nil. It returns an error if lengths do not fit, or if the weights at σ cannot be computed.
func (e *LiftEvaluator) Remainder(r, divergence, fields []float64, sigma float64) error {
	v := e.m.layout.Size()
	n := len(fields) / v
	if len(fields) != n*v || len(r) != len(fields) || divergence != nil && len(divergence) != n {
		return fmt.Errorf("diffusion: expected fields of %d numbers and as many results, got %d, %d and %d divergences", v, len(fields), len(r), len(divergence))
	}
	l, err := e.levels.at(sigma, e.level)
	if err != nil {
		return err
	}
	share := max(1, (n+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for lo := 0; lo < n; lo += share {
		hi := min(lo+share, n)
		evaluate := func() {
			for i := lo; i < hi; i++ {
				if d := l.evaluate(r[i*v:(i+1)*v], fields[i*v:(i+1)*v]); divergence != nil {
					divergence[i] = d
				}
			}
		}
		if hi == n {
			evaluate()
		} else {
			wg.Go(evaluate)
		}
	}
	wg.Wait()
	return nil
}

// level returns the model at a noise level, with these coefficients of the network.
func (e *LiftEvaluator) level(sigma float64, coefficients [][]float64) *liftLevel {
	m, variance := e.m, sigma*sigma
	l := &liftLevel{
		network: e.network.Site(coefficients, sigma), scale: m.scaleAt(sigma),
		precision: 1 / (m.spectrum[1] + variance), reach: angleReach * math.Sqrt(mean(m.spectrum)+variance),
		tables: map[int]*angleTable{},
	}
	if solution, ok := m.solution.(*lift); ok {
		l.known = solution.level(sigma)
	}
	return l
}

// liftLevel is a model of lifted angles at one noise level.
type liftLevel struct {
	known     *knownLift // nil: none
	network   SiteFunction
	scale     float64 // c(σ) of the network
	precision float64 // 1/(C + σ²)
	reach     float64 // of the tables of the network

	mu     sync.Mutex
	tables map[int]*angleTable // of the network, for every winding number
}

// evaluate sets r to the remainder and returns its divergence.
func (l *liftLevel) evaluate(r, field []float64) float64 {
	sum := 0.0
	for _, y := range field {
		sum += y
	}
	volume := float64(len(field))
	divergence := 0.0
	if l.known != nil {
		divergence = l.known.evaluate(r, field, sum/volume) + (volume-1)*l.precision
		for i, y := range field {
			r[i] += l.precision * y
		}
	} else {
		clear(r)
	}
	table, slopes := l.table(int(math.Round(sum/(2*math.Pi))), len(field)), 0.0
	total := 0.0
	for i, y := range field {
		out, slope := table.at(y)
		r[i] += l.scale * out
		slopes += slope
		total += r[i]
	}
	for i := range r {
		r[i] -= total / volume
	}
	return divergence + l.scale*slopes*(1-1/volume)
}

const (
	// angleReach is the end of the table of a network in standard deviations of a noisy angle, and
	// angleNodes the number of its intervals.
	angleReach, angleNodes = 8, 512
)

// angleTable interpolates a SiteFunction at one winding number by cubics, beyond whose ends the
// function itself is evaluated.
type angleTable struct {
	network       SiteFunction
	mean          float64
	reach, inside float64      // |y| ≤ reach, 1/spacing
	cubics        [][4]float64 // a + t(b + t(p + tq)) in every interval
}

// table returns the table for a winding number.
func (l *liftLevel) table(winding, volume int) *angleTable {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t, ok := l.tables[winding]; ok {
		return t
	}
	spacing := 2 * l.reach / angleNodes
	t := &angleTable{network: l.network, mean: 2 * math.Pi * float64(winding) / float64(volume), reach: l.reach, inside: 1 / spacing}
	value, slope := l.network(-l.reach, t.mean)
	for i := range angleNodes {
		next, rate := l.network(spacing*float64(i+1)-l.reach, t.mean)
		t.cubics = append(t.cubics, cubic(value, slope*spacing, next, rate*spacing))
		value, slope = next, rate
	}
	l.tables[winding] = t
	return t
}

// at returns the function and its derivative.
func (t *angleTable) at(y float64) (value, slope float64) {
	place := (y + t.reach) * t.inside
	if !(place >= 0 && place < angleNodes) {
		return t.network(y, t.mean)
	}
	i := int(place)
	x, c := place-float64(i), &t.cubics[i]
	return c[0] + x*(c[1]+x*(c[2]+x*c[3])), (c[1] + x*(2*c[2]+3*x*c[3])) * t.inside
}

// cubic returns the coefficients a, b, p, q of the cubic a + t(b + t(p + tq)) with the values and
// slopes a, b at t = 0 and c, d at t = 1.
func cubic(a, b, c, d float64) [4]float64 {
	return [4]float64{a, b, 3*(c-a) - 2*b - d, 2*(a-c) + b + d}
}

// knownLift is the solution of independent lifted angles at one noise level, s(y) and its
// derivative; see [lift].
type knownLift struct {
	variance float64 // σ²
	spread   float64 // C, where Newton's method for λ starts from
	width    float64 // 1/(v+σ²)
	pace     float64 // nodes of the table per unit of y
	cubics   [liftNodes][4]float64
}

// level tabulates the solution at a noise level.
func (l *lift) level(sigma float64) *knownLift {
	z := (2*math.Log(sigma) - l.high - l.low) / (l.high - l.low)
	z = min(max(z, -1), 1)
	row := make([]float64, liftNodes*liftRow)
	// The Chebyshev polynomials T_n(z) by their recurrence.
	now, next := 1.0, z
	for n := range liftLevels {
		for j := range row {
			row[j] += now * l.chebyshev[n*len(row)+j]
		}
		now, next = next, 2*z*next-now
	}
	k := &knownLift{variance: sigma * sigma, spread: l.spread, width: 1 / (l.variance + sigma*sigma)}
	w := k.width * l.variance
	k.pace = w * liftNodes / (2 * math.Pi)
	for i := range k.cubics {
		n := row[i*liftRow : (i+1)*liftRow]
		k.cubics[i] = cubic(w*n[0], w*n[1], w*n[2], w*n[3])
	}
	return k
}

// solve returns s(y) and its derivative.
func (k *knownLift) solve(y float64) (score, slope float64) {
	place := k.pace * y
	floor := math.Floor(place)
	t, c := place-floor, &k.cubics[uint(int(floor))%liftNodes]
	return c[0] + t*(c[1]+t*(c[2]+t*c[3])) - k.width*y, (c[1]+t*(2*c[2]+3*t*c[3]))*k.pace - k.width
}

// evaluate sets r to the score of a field with the given mean, up to a constant, and returns its
// divergence in the directions without sum.
func (k *knownLift) evaluate(r, field []float64, mean float64) float64 {
	volume := float64(len(field))
	lambda := mean / k.spread
	for range newtonSteps {
		sum, slopes := 0.0, 0.0
		for _, y := range field {
			s, d := k.solve(y + k.variance*lambda)
			sum += s
			slopes += d
		}
		lambda -= (lambda + sum/volume) / (1 + k.variance*slopes/volume)
	}
	slopes, squares := 0.0, 0.0
	for i, y := range field {
		s, d := k.solve(y + k.variance*lambda)
		r[i] = s
		slopes += d
		squares += d * d
	}
	return slopes - (slopes+k.variance*squares)/(volume+k.variance*slopes)
}
