package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Regression says how much of the fluctuation of a quantity, such as the log-weights of a
// model, is that of given operators, by least squares with a constant. What the operators
// explain in samples that the fit has not seen is physics that the model misses; what they
// explain only in those that it has seen is chance.
type Regression struct {
	// R2 is the fraction of the variance explained in samples left out of the fit,
	// 1 - Σ(y - ŷ)²/Σ(y - ȳ)² with predictions ŷ and means ȳ of the other folds. It is about
	// zero, or a little below, for operators that have nothing to do with y.
	R2 Estimate
	// InSample is the same of one fit to all samples, which is never negative.
	InSample float64
	// Alone holds R2 of every operator by itself, and Loss by how much R2 falls without it:
	// little for an operator that others can replace.
	Alone, Loss []Estimate
	// Coefficients are those of the fit to all samples, in units of y over a standard deviation
	// of the operator.
	Coefficients []float64
}

// RegressConfig configures [Regress].
type RegressConfig struct {
	// Folds is the number of parts that are left out in turn: sample i is in part
	// i mod Folds. Default 10, or as many as there are samples.
	Folds int
}

// leastVariance is the variance of a combination of operators, in units of that of one of
// them, below which the combination is taken for a constant.
const leastVariance = 1e-9

// Regress fits y, one entry per sample, by operators, one series each. Errors are those of
// a jackknife over the folds. It returns an error for series of different lengths or that
// are not finite, for no operators, or for fewer than 2 folds, [ErrConstant] for a y that
// does not vary, and [*TooShortError] unless there are three times as many samples as
// operators.
func Regress(y []float64, operators [][]float64, cfg RegressConfig) (*Regression, error) {
	n, p := len(y), len(operators)
	if cfg.Folds == 0 {
		cfg.Folds = min(10, n)
	}
	switch {
	case p == 0:
		return nil, fmt.Errorf("stats: expected operators to fit with, got none")
	case cfg.Folds < 2 || cfg.Folds > max(n, 2):
		return nil, fmt.Errorf("stats: expected from 2 to %d folds, got %d", n, cfg.Folds)
	}
	for _, x := range operators {
		if err := checkPair(y, x); err != nil {
			return nil, err
		}
	}
	if n < 3*(p+1) {
		return nil, &TooShortError{What: "a regression", N: n, Need: 3 * (p + 1), Estimate: undefined()}
	}
	g, err := newGram(y, operators, cfg.Folds)
	if err != nil {
		return nil, err
	}
	all := make([]int, p)
	for i := range all {
		all[i] = i
	}
	r := &Regression{Coefficients: make([]float64, p)}
	r.R2, _ = g.heldOut(all)
	w := g.fit(g.total, all)
	copy(r.Coefficients, w[1:])
	for i := range r.Coefficients {
		r.Coefficients[i] *= g.scale
	}
	r.InSample = 1 - g.residual(g.total, all, w)/g.spread(g.total, g.total)
	_, with := g.heldOut(all)
	for i := range all {
		alone, _ := g.heldOut([]int{i})
		r.Alone = append(r.Alone, alone)
		others := append(append([]int(nil), all[:i]...), all[i+1:]...)
		_, without := g.heldOut(others)
		loss := make([]float64, len(with))
		for f := range loss {
			loss[f] = with[f] - without[f]
		}
		r.Loss = append(r.Loss, jackknifed(loss))
	}
	return r, nil
}

// gram holds the sums of products of the columns 1, operators and y, the latter two in
// units of their standard deviations, over every fold and over all.
type gram struct {
	columns int
	folds   []*mat.SymDense
	total   *mat.SymDense
	scale   float64 // standard deviation of y
}

func newGram(y []float64, operators [][]float64, folds int) (*gram, error) {
	g := &gram{columns: len(operators) + 2}
	columns := make([][]float64, 0, g.columns)
	one := make([]float64, len(y))
	for i := range one {
		one[i] = 1
	}
	columns = append(columns, one)
	for i, x := range append(append([][]float64(nil), operators...), y) {
		c := centre(x)
		if c.constant && i == len(operators) {
			return nil, fmt.Errorf("%w, got a constant to explain", ErrConstant)
		}
		unit := make([]float64, len(x))
		if !c.constant {
			sd := math.Sqrt(sumSquares(c.dev[0]) / float64(len(x)))
			for j, d := range c.dev[0] {
				unit[j] = d / sd
			}
			g.scale = sd * c.scale
		}
		columns = append(columns, unit)
	}
	g.total = mat.NewSymDense(g.columns, nil)
	for f := range folds {
		sums := mat.NewSymDense(g.columns, nil)
		for a, x := range columns {
			for b, z := range columns[a:] {
				sum := 0.0
				for i := f; i < len(y); i += folds {
					sum += x[i] * z[i]
				}
				sums.SetSym(a, a+b, sum)
			}
		}
		g.folds = append(g.folds, sums)
		g.total.AddSym(g.total, sums)
	}
	return g, nil
}

// fit returns the weights of the constant and of the chosen operators with least squares
// for the sums s.
func (g *gram) fit(s mat.Symmetric, operators []int) []float64 {
	index := g.index(operators)
	m, right := mat.NewSymDense(len(index), nil), make([]float64, len(index))
	for i, a := range index {
		right[i] = s.At(a, g.columns-1)
		for j, b := range index[i:] {
			m.SetSym(i, i+j, s.At(a, b))
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(m, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	w := make([]float64, len(index))
	for e, value := range eigen.Values(nil) {
		if value <= leastVariance*s.At(0, 0) {
			continue
		}
		along := 0.0
		for i, r := range right {
			along += vectors.At(i, e) * r
		}
		for i := range w {
			w[i] += vectors.At(i, e) * along / value
		}
	}
	return w
}

// index returns the columns of the constant and the operators.
func (g *gram) index(operators []int) []int {
	index := []int{0}
	for _, o := range operators {
		index = append(index, o+1)
	}
	return index
}

// residual returns Σ(y - ŷ)² over the samples of the sums s with weights w.
func (g *gram) residual(s mat.Symmetric, operators []int, w []float64) float64 {
	index, last := g.index(operators), g.columns-1
	sum := s.At(last, last)
	for i, a := range index {
		sum -= 2 * w[i] * s.At(a, last)
		for j, b := range index {
			sum += w[i] * w[j] * s.At(a, b)
		}
	}
	return sum
}

// spread returns Σ(y - ȳ)² over the samples of s, with the mean over those of other.
func (g *gram) spread(s, other mat.Symmetric) float64 {
	last := g.columns - 1
	mean := other.At(0, last) / other.At(0, 0)
	return s.At(last, last) - 2*mean*s.At(0, last) + mean*mean*s.At(0, 0)
}

// heldOut returns R² in the folds left out, and its values without one fold each.
func (g *gram) heldOut(operators []int) (Estimate, []float64) {
	residuals, spreads := make([]float64, len(g.folds)), make([]float64, len(g.folds))
	residual, spread := 0.0, 0.0
	for f, fold := range g.folds {
		rest := mat.NewSymDense(g.columns, nil)
		for a := range g.columns {
			for b := a; b < g.columns; b++ {
				rest.SetSym(a, b, g.total.At(a, b)-fold.At(a, b))
			}
		}
		residuals[f] = g.residual(fold, operators, g.fit(rest, operators))
		spreads[f] = g.spread(fold, rest)
		residual, spread = residual+residuals[f], spread+spreads[f]
	}
	values := make([]float64, len(g.folds)+1)
	values[0] = 1 - residual/spread
	for f := range g.folds {
		values[f+1] = 1 - (residual-residuals[f])/(spread-spreads[f])
	}
	return jackknifed(values), values
}

// jackknifed returns the estimate from values of all folds together, the first, and
// without one of them each.
func jackknifed(values []float64) Estimate {
	n := float64(len(values) - 1)
	mean, square := 0.0, 0.0
	for _, v := range values[1:] {
		mean += v / n
	}
	for _, v := range values[1:] {
		square += (v - mean) * (v - mean)
	}
	return Estimate{values[0], math.Sqrt((n - 1) / n * square)}
}
