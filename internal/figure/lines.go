package figure

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"gonum.org/v1/plot/vg/draw"
)

// Style is the way a series is drawn.
type Style int

const (
	// Solid is a line; errors make a band around it.
	Solid Style = iota
	// Dashed and Dotted are broken lines, for exact and published results.
	Dashed
	Dotted
	// Markers are separate points; errors make bars.
	Markers
	// Joined is Markers joined by a thin line.
	Joined
	styleEnd
)

// Series is a set of points (X, Y) of equal length, at least one.
type Series struct {
	// Name stands in the legend; a series without a name has no entry.
	Name string
	X, Y []float64
	// Err holds the standard errors of Y; nil means none.
	Err []float64
	// Style and Color are Solid in the next colour of the palette if zero.
	Style Style
	Color Color
	// Level is the number that decides the colour if LinesConfig.Levels is set and
	// Color is Auto.
	Level float64
}

// Reference is a published or exact value, drawn across the plot.
type Reference struct {
	// Label stands in the legend, such as "Table 1".
	Label string
	// Value and Err, the standard error, make a line and a grey band. Err may be zero.
	Value, Err float64
}

// LinesConfig configures [Lines].
type LinesConfig struct {
	Options
	// Levels colours the series by their level instead of the palette.
	Levels *Levels
	// References are horizontal.
	References []Reference
}

// Lines draws curves and points with their errors, among them the loss during
// training, drifts as in figure 3 of arXiv:2309.17082, and acceptance rates. The axes
// are called x and y unless cfg says otherwise. It returns an error for no series, for
// lengths that differ, for values that are not finite, or not positive on a logarithmic
// axis, and for a configuration that makes no sense.
func Lines(series []Series, cfg LinesConfig) (*Figure, error) {
	if err := cfg.setDefaults("x", "y"); err != nil {
		return nil, err
	}
	if len(series) == 0 {
		return nil, errors.New("figure: expected at least one series, got none")
	}
	g := &graph{opts: cfg.Options, levels: cfg.Levels}
	if err := g.setLevels(series); err != nil {
		return nil, err
	}
	next := 0
	for i, s := range series {
		if err := s.check(cfg.Options); err != nil {
			return nil, err
		}
		var col color.NRGBA
		if cfg.Levels != nil && s.Color == Auto {
			col = g.scale.color(s.Level, cfg.Levels)
		} else {
			col = colorOf(s.Color, &next)
		}
		c := s.curve(col, i)
		g.curves = append(g.curves, c)
		if s.Name != "" {
			// Where colours tell levels, an entry tells a style and has none.
			key := c
			if cfg.Levels != nil && s.Color == Auto {
				key = s.curve(ink, i)
			}
			g.legend = append(g.legend, entry{s.Name, key})
		}
	}
	if err := g.addReferences(cfg.References); err != nil {
		return nil, err
	}
	g.addNote()
	return g.build(marginX, marginY)
}

func (g *graph) setLevels(series []Series) error {
	if g.levels == nil {
		return nil
	}
	var levels []float64
	for _, s := range series {
		if s.Color == Auto {
			levels = append(levels, s.Level)
		}
	}
	if len(levels) == 0 {
		return errors.New("figure: expected a series coloured by its level, got none")
	}
	var err error
	if g.scale, err = newLevelScale(levels, g.levels); err != nil {
		return err
	}
	return checkText(g.levels.Label)
}

func (g *graph) addNote() {
	if g.opts.Note == "" {
		return
	}
	for _, line := range strings.Split(g.opts.Note, "\n") {
		g.notes = append(g.notes, note{text: line, color: Black})
	}
}

func (s Series) check(o Options) error {
	if len(s.X) == 0 {
		return fmt.Errorf("figure: expected points, got no %s", quoted("x", s.Name))
	}
	if len(s.Y) != len(s.X) || (s.Err != nil && len(s.Err) != len(s.X)) {
		return fmt.Errorf("figure: expected %d values %s and as many errors or none, got %d and %d",
			len(s.X), quoted("y", s.Name), len(s.Y), len(s.Err))
	}
	if s.Style < 0 || s.Style >= styleEnd || s.Color < Black || s.Color >= colorEnd {
		return fmt.Errorf("figure: expected a style and a colour of this package, got %d and %d", s.Style, s.Color)
	}
	if err := checkFinite(quoted("x", s.Name), s.X); err != nil {
		return err
	}
	if err := checkFinite(quoted("y", s.Name), s.Y); err != nil {
		return err
	}
	if err := checkErrors(quoted("y", s.Name), s.Err); err != nil {
		return err
	}
	for i := range s.X {
		if (o.X.Log && s.X[i] <= 0) || (o.Y.Log && s.Y[i] <= 0) {
			return fmt.Errorf("figure: expected positive values on a logarithmic axis, got (%v, %v) at index %d of series %q",
				s.X[i], s.Y[i], i, s.Name)
		}
	}
	return checkText(s.Name)
}

// curve copies the series into a curve of the given colour; index selects the marker.
func (s Series) curve(col color.NRGBA, index int) *curve {
	c := &curve{x: append([]float64(nil), s.X...), y: append([]float64(nil), s.Y...)}
	if s.Err != nil {
		c.lo, c.hi = make([]float64, len(s.Y)), make([]float64, len(s.Y))
		for i, e := range s.Err {
			c.lo[i], c.hi[i] = s.Y[i]-e, s.Y[i]+e
		}
	}
	c.line = draw.LineStyle{Color: col, Width: lineWidth}
	if len(s.X) > noisyCount {
		c.line.Width = noisyWidth
	}
	switch s.Style {
	case Dashed:
		c.line.Dashes = dashes
	case Dotted:
		c.line.Dashes = dots
	case Markers, Joined:
		c.line.Width = 0
		if s.Style == Joined {
			c.line.Width = hairline
		}
		c.mark = draw.GlyphStyle{Color: col, Radius: markerSize, Shape: markers[index%len(markers)]}
	}
	if s.Err != nil {
		if c.mark.Shape != nil {
			c.bars = draw.LineStyle{Color: col, Width: barWidth}
		} else {
			c.band = faded(col, bandAlpha)
		}
	}
	return c
}

// addReferences draws the references behind the curves.
func (g *graph) addReferences(refs []Reference) error {
	var behind []*curve
	for i, r := range refs {
		if !finite(r.Value) || !finite(r.Err) || r.Err < 0 || (g.opts.Y.Log && r.Value <= 0) {
			return fmt.Errorf("figure: expected a finite reference, positive on a logarithmic axis, with an error not negative, got %v ± %v",
				r.Value, r.Err)
		}
		if err := checkText(r.Label); err != nil {
			return err
		}
		s := Series{X: []float64{0, 1}, Y: []float64{r.Value, r.Value}, Style: Dashed}
		if i%2 == 1 {
			s.Style = Dotted
		}
		if r.Err > 0 {
			s.Err = []float64{r.Err, r.Err}
		}
		c := s.curve(grey, 0)
		c.line.Width = barWidth
		c.across = true
		behind = append(behind, c)
		if r.Label != "" {
			g.legend = append(g.legend, entry{r.Label, c})
		}
	}
	g.curves = append(behind, g.curves...)
	return nil
}
