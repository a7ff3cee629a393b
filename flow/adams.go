package flow

import "context"

// The numbers of slopes that the predictor and the corrector of [Adams] combine.
const (
	predictorNodes = 4
	correctorNodes = 6
)

// restarts is the number of first steps whose slope is evaluated again, at the corrected
// state. Without, the one slope after an Euler step would limit the order to 3.
const restarts = 1

// adams does the steps of [Adams]. Six slopes around an interval give the integral over it
// once three nodes beyond are known, and then nothing changes the state at its end any more:
// it is settled. What lies between that node and the last one is integrated with the last six
// slopes, and integrated anew at the next node.
type adams struct {
	eq        timed
	h         float64
	nodes     nodes
	slopes    [][]float64 // at the last node, the one before, …
	z         []float64   // at the last node
	predicted []float64
	settled   []float64 // the state at the node until
}

// nodes counts those that [Adams] has come to: the last one, and the one until which the state
// is settled.
type nodes struct{ last, until int }

// predictor returns the weights of the slopes at the last nodes, the latest first, in the
// integral over the next interval.
func (n nodes) predictor() []float64 {
	return lagrangeWeights(min(n.last+1, predictorNodes), 0, 1)
}

// corrector returns those in the integral over what becomes settled with the slope at the last
// node, nil if nothing does, and in that from there to the last node.
func (n *nodes) corrector() (settle, correct []float64) {
	if n.last+1 >= correctorNodes {
		middle := n.last + 1 - correctorNodes/2
		settle = lagrangeWeights(correctorNodes, float64(n.until-n.last), float64(middle-n.last))
		n.until = middle
	}
	return settle, lagrangeWeights(min(n.last+1, correctorNodes), float64(n.until-n.last), 0)
}

// integrateAdams carries the state z through the flow between two noise levels in steps of one size
// in the variable of the clock, and returns it.
func integrateAdams(ctx context.Context, eq timed, z []float64, from, to float64, steps int, report func(int)) ([]float64, error) {
	start := eq.at(from)
	a := &adams{eq: eq, h: (eq.at(to) - start) / float64(steps), z: z, predicted: make([]float64, len(z)), settled: make([]float64, len(z))}
	copy(a.settled, z)
	for range correctorNodes {
		a.slopes = append(a.slopes, make([]float64, len(z)))
	}
	if err := eq.slope(ctx, a.slopes[0], z, start); err != nil {
		return nil, err
	}
	for i := range steps {
		if err := a.step(ctx, start+a.h*float64(i+1)); err != nil {
			return nil, err
		}
		report(eq.n)
	}
	return a.z, nil
}

// step goes on to the next node, at u.
func (a *adams) step(ctx context.Context, u float64) error {
	combine(a.predicted, a.z, a.h, a.nodes.predictor(), a.slopes)
	a.nodes.last++
	oldest := a.slopes[correctorNodes-1]
	copy(a.slopes[1:], a.slopes)
	a.slopes[0] = oldest
	if err := a.eq.slope(ctx, a.slopes[0], a.predicted, u); err != nil {
		return err
	}
	a.correct()
	if a.nodes.last > restarts {
		return nil
	}
	if err := a.eq.slope(ctx, a.slopes[0], a.z, u); err != nil {
		return err
	}
	a.correct()
	return nil
}

// correct integrates up to the last node, with its slope.
func (a *adams) correct() {
	settle, correct := a.nodes.corrector()
	combine(a.settled, a.settled, a.h, settle, a.slopes)
	combine(a.z, a.settled, a.h, correct, a.slopes)
}

// lagrangeWeights returns the weights of the integral from a to b of the polynomial through n
// values at the places 0, -1, -2, …
func lagrangeWeights(n int, a, b float64) []float64 {
	w := make([]float64, n)
	for i := range w {
		// The coefficients of Π_j (x + j)/(j - i) over all j ≠ i.
		p := make([]float64, n)
		p[0] = 1
		for j := range n {
			if j == i {
				continue
			}
			for k := n - 1; k >= 0; k-- {
				p[k] *= float64(j)
				if k > 0 {
					p[k] += p[k-1]
				}
				p[k] /= float64(j - i)
			}
		}
		powerA, powerB := 1.0, 1.0
		for k, c := range p {
			powerA, powerB = powerA*a, powerB*b
			w[i] += c * (powerB - powerA) / float64(k+1)
		}
	}
	return w
}
