package figure

import (
	"errors"
	"fmt"
)

// Correlation is an autocorrelation function.
type Correlation struct {
	// Name stands in the legend.
	Name string
	// C holds C(t) for t = 0, 1, ...; C(0) must be positive and need not be 1.
	C []float64
	// Err holds the standard errors of C; nil means none.
	Err []float64
	// Step is the Monte Carlo time between entries; zero means 1.
	Step float64
}

// AutocorrelationConfig configures [Autocorrelation]. On a logarithmic Y axis a curve
// ends before the first entry that does not exceed its error, since noise follows; a
// logarithmic X axis is an error.
type AutocorrelationConfig struct {
	Options
}

// Autocorrelation draws normalised autocorrelation functions C(t)/C(0), as in figure 8
// of arXiv:2309.17082, and a line at zero. Up to 60 entries are markers with error bars,
// more a line with a band. It returns an error for no curve, an empty one, values that
// are not finite, C(0) that is not positive, or a configuration that makes no sense.
func Autocorrelation(curves []Correlation, cfg AutocorrelationConfig) (*Figure, error) {
	if err := cfg.setDefaults("Monte Carlo time t", "C(t)/C(0)"); err != nil {
		return nil, err
	}
	if len(curves) == 0 {
		return nil, errors.New("figure: expected at least one autocorrelation function, got none")
	}
	if cfg.X.Log {
		return nil, errors.New("figure: expected a linear time axis, got a logarithmic one")
	}
	g := &graph{opts: cfg.Options}
	next := 0
	for i, a := range curves {
		s, err := a.normalised()
		if err != nil {
			return nil, err
		}
		if cfg.Y.Log {
			s.cutNoise()
		}
		c := s.curve(colorOf(Auto, &next), i)
		c.mark.Radius = 1.8
		c.line.Width = lineWidth
		g.curves = append(g.curves, c)
		if s.Name != "" {
			g.legend = append(g.legend, entry{s.Name, c})
		}
	}
	if !cfg.Y.Log {
		if err := g.addReferences([]Reference{{}}); err != nil {
			return nil, err
		}
	}
	g.addNote()
	return g.build(marginX, marginY)
}

// cutNoise shortens the series to the part before the first entry compatible with zero.
func (s *Series) cutNoise() {
	for i, y := range s.Y {
		e := 0.0
		if s.Err != nil {
			e = s.Err[i]
		}
		if y <= e {
			s.X, s.Y = s.X[:i], s.Y[:i]
			if s.Err != nil {
				s.Err = s.Err[:i]
			}
			return
		}
	}
}

// dense is the number of entries above which markers would run into each other.
const dense = 60

func (a Correlation) normalised() (Series, error) {
	s := Series{Name: a.Name}
	if len(a.C) == 0 {
		return s, fmt.Errorf("figure: expected an autocorrelation function, got no %s", quoted("entries", a.Name))
	}
	if !(a.C[0] > 0) {
		return s, fmt.Errorf("figure: expected a positive variance C(0), got %v", a.C[0])
	}
	if !(a.Step >= 0) || !finite(a.Step) {
		return s, fmt.Errorf("figure: expected a time step, or zero for 1, got %v", a.Step)
	}
	step := a.Step
	if step == 0 {
		step = 1
	}
	for t, c := range a.C {
		s.X = append(s.X, step*float64(t))
		s.Y = append(s.Y, c/a.C[0])
	}
	if a.Err != nil {
		s.Err = make([]float64, 0, len(a.Err))
	}
	for _, e := range a.Err {
		s.Err = append(s.Err, e/a.C[0])
	}
	if len(a.C) <= dense {
		s.Style = Joined
	}
	return s, s.check(Options{})
}
