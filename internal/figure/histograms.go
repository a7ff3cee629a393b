package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"

	"github.com/latdiff/latdiff/stats"
)

// Sample is a series of one variable.
type Sample struct {
	// Name stands in the legend.
	Name string
	// Values are the measurements, in any order.
	Values []float64
	// Tau is the integrated autocorrelation time by which the errors of the bins are
	// widened by √(2τ). Zero means 1/2, independent measurements.
	Tau float64
}

// HistogramsConfig configures [Histograms]. The ends of the histogram are X.Min and
// X.Max, or those of the data.
type HistogramsConfig struct {
	Options
	// Bins is the number of bins; zero means 2·N^(1/3) of the largest sample, between
	// 10 and 60.
	Bins int
	// Exact is a probability density drawn as a dashed line, if it is not nil. It is
	// evaluated at 400 points and must be finite there.
	Exact func(x float64) float64
	// ExactName is the name of Exact in the legend; empty means "exact".
	ExactName string
}

// Histograms draws the densities of several samples over common bins, as in figures 5
// and 6 of arXiv:2309.17082: the magnetisation from different algorithms, say. A
// density is normalised to the whole sample, also to what lies outside the range; its
// error is √(n(1-n/N)), √n for sparse bins, and widened for correlated samples (see
// [stats.Histogram.Density]), drawn as a bar near the middle of the bin. The axes are M and P(M) by default. It returns an error for no sample, an
// empty one, values that are not finite, or a configuration that makes no sense.
func Histograms(samples []Sample, cfg HistogramsConfig) (*Figure, error) {
	x := cfg.X.Label
	if x == "" {
		x = "M"
	}
	if err := cfg.setDefaults(x, "P("+x+")"); err != nil {
		return nil, err
	}
	switch {
	case len(samples) == 0:
		return nil, errors.New("figure: expected at least one sample, got none")
	case cfg.X.Log:
		return nil, errors.New("figure: expected a linear axis of the variable, got a logarithmic one")
	case cfg.Bins < 0:
		return nil, fmt.Errorf("figure: expected a number of bins, got %d", cfg.Bins)
	}
	lo, hi, n, err := pool(samples, cfg.X)
	if err != nil {
		return nil, err
	}
	bins := cfg.Bins
	if bins == 0 {
		bins = min(max(int(2*math.Cbrt(float64(n))), 10), 60)
	}
	g := &graph{opts: cfg.Options}
	fixed := g.opts.Y.fixed()
	g.opts.X.Min, g.opts.X.Max = lo, hi
	for i, s := range samples {
		// The bars of the samples stand side by side in the middle of the bin.
		at := 0.5 + 0.5*(float64(i)+0.5-0.5*float64(len(samples)))/float64(len(samples))
		steps, bars, err := s.steps(bins, lo, hi, at)
		if err != nil {
			return nil, err
		}
		next := i
		col := colorOf(Auto, &next)
		steps.line = draw.LineStyle{Color: col, Width: lineWidth}
		bars.bars = draw.LineStyle{Color: col, Width: barWidth}
		g.curves = append(g.curves, steps, bars)
		if s.Name != "" {
			key := *steps
			key.bars = bars.bars
			g.legend = append(g.legend, entry{s.Name, &key})
		}
	}
	if err := g.setDensity(); err != nil {
		return nil, err
	}
	if cfg.Exact != nil {
		if err := g.addExact(cfg.Exact, cfg.ExactName, lo, hi); err != nil {
			return nil, err
		}
	}
	if !g.opts.Y.Log && !fixed {
		for _, c := range g.curves {
			g.opts.Y.Max = max(g.opts.Y.Max, 1.05*slices.Max(c.y))
		}
	}
	g.addNote()
	return g.build(0, marginY)
}

// setDensity lets the axis of the density begin at zero, or where it is logarithmic
// have the range of the samples, whose tails end above those of an exact density.
func (g *graph) setDensity() error {
	e := emptyExtent()
	for _, c := range g.curves {
		e.add(c, g.opts.X, g.opts.Y)
	}
	if !(e.ymax > 0) {
		return fmt.Errorf("figure: expected values between %v and %v, got none", g.opts.X.Min, g.opts.X.Max)
	}
	y := &g.opts.Y
	if y.fixed() {
		return nil
	}
	if !y.Log {
		y.Min, y.Max = 0, 1.05*e.ymax
		return nil
	}
	var err error
	y.Min, y.Max, err = y.limits(e.ymin, e.ymax, marginY)
	return err
}

// pool checks the samples and returns their common range and the largest length.
func pool(samples []Sample, x Axis) (lo, hi float64, n int, err error) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, s := range samples {
		if len(s.Values) == 0 {
			return 0, 0, 0, fmt.Errorf("figure: expected values, got no %s", quoted("values", s.Name))
		}
		if err := checkFinite(quoted("values", s.Name), s.Values); err != nil {
			return 0, 0, 0, err
		}
		if s.Tau != 0 && !(s.Tau >= 0.5 && finite(s.Tau)) {
			return 0, 0, 0, fmt.Errorf("figure: expected an autocorrelation time of at least 1/2, or zero, got %v", s.Tau)
		}
		if err := checkText(s.Name); err != nil {
			return 0, 0, 0, err
		}
		n = max(n, len(s.Values))
		for _, v := range s.Values {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	lo, hi, err = x.limits(lo, hi, 0.02)
	return lo, hi, n, err
}

// steps returns the outline of the histogram, and the error bars at the given share of
// the width of each bin.
func (s Sample) steps(bins int, lo, hi, at float64) (outline, bars *curve, err error) {
	h, err := stats.NewHistogram(s.Values, bins, lo, hi)
	if err != nil {
		return nil, nil, fmt.Errorf("figure: %w", err)
	}
	tau := s.Tau
	if tau == 0 {
		tau = 0.5
	}
	outline, bars = &curve{}, &curve{}
	for i, d := range h.Density(tau) {
		left := lo + float64(i)*h.Width()
		outline.x = append(outline.x, left, left+h.Width())
		outline.y = append(outline.y, d.Value, d.Value)
		bars.x = append(bars.x, left+at*h.Width())
		bars.y = append(bars.y, d.Value)
		bars.lo = append(bars.lo, d.Value-d.Error)
		bars.hi = append(bars.hi, d.Value+d.Error)
	}
	return outline, bars, nil
}

func (g *graph) addExact(f func(float64) float64, name string, lo, hi float64) error {
	const points = 400
	s := Series{Name: name, Style: Dashed}
	if name == "" {
		s.Name = "exact"
	}
	for i := range points {
		x := lo + (hi-lo)*float64(i)/(points-1)
		s.X = append(s.X, x)
		s.Y = append(s.Y, f(x))
	}
	if err := s.check(Options{}); err != nil {
		return err
	}
	c := s.curve(ink, 0)
	g.curves = append(g.curves, c)
	g.legend = append(g.legend, entry{s.Name, c})
	return nil
}
