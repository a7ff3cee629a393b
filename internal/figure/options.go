package figure

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
)

// Axis describes an axis.
type Axis struct {
	// Label is the axis label; each plot has its own default.
	Label string
	// Min and Max are the range if Min < Max. If both are zero the range is that of
	// the data.
	Min, Max float64
	// Log selects a logarithmic axis. All data on it must be positive.
	Log bool
}

// Options are common to the plots.
type Options struct {
	// Title is set above the plot, if it is not empty.
	Title string
	// Note is set inside the plot, in the corner where it hides least; it may have
	// several lines.
	Note string
	// X and Y are the axes.
	X, Y Axis
	// Width and Height are the size of the whole figure in cm; zero means 12 and 9.
	Width, Height float64
}

const (
	defaultWidth  = 12
	defaultHeight = 9
	minSize       = 4
	maxSize       = 60
)

func (o *Options) setDefaults(x, y string) error {
	if o.X.Label == "" {
		o.X.Label = x
	}
	if o.Y.Label == "" {
		o.Y.Label = y
	}
	var err error
	if o.Width, err = size("width", o.Width, defaultWidth); err != nil {
		return err
	}
	if o.Height, err = size("height", o.Height, defaultHeight); err != nil {
		return err
	}
	for _, a := range []Axis{o.X, o.Y} {
		if err := a.check(); err != nil {
			return err
		}
	}
	if err := checkText(strings.Split(o.Note, "\n")...); err != nil {
		return err
	}
	return checkText(o.Title, o.X.Label, o.Y.Label)
}

func size(what string, cm, def float64) (float64, error) {
	if cm == 0 {
		return def, nil
	}
	if !(cm >= minSize && cm <= maxSize) {
		return 0, fmt.Errorf("figure: expected a %s between %d and %d cm, got %v", what, minSize, maxSize, cm)
	}
	return cm, nil
}

func centimetres(x float64) vg.Length { return vg.Length(x) * vg.Centimeter }

func (a Axis) fixed() bool { return a.Min < a.Max }

func (a Axis) check() error {
	if !finite(a.Min) || !finite(a.Max) || math.IsInf(a.Max-a.Min, 0) {
		return fmt.Errorf("figure: expected finite limits of an axis, got %v and %v", a.Min, a.Max)
	}
	if !a.fixed() && (a.Min != 0 || a.Max != 0) {
		return fmt.Errorf("figure: expected limits of an axis in increasing order, got %v and %v", a.Min, a.Max)
	}
	if a.Log && a.fixed() && a.Min <= 0 {
		return fmt.Errorf("figure: expected positive limits of a logarithmic axis, got %v and %v", a.Min, a.Max)
	}
	if a.fixed() && narrow(a.Min, a.Max) {
		return fmt.Errorf("figure: expected limits of an axis further apart, got %v and %v", a.Min, a.Max)
	}
	return nil
}

// limits returns the range of the axis for data between lo and hi, with a margin
// unless the axis has its own.
func (a Axis) limits(lo, hi, margin float64) (from, to float64, err error) {
	if a.fixed() {
		return a.Min, a.Max, nil
	}
	if a.Log {
		l, h := math.Log(lo), math.Log(hi)
		// A tenth of a decade at least, lest the ticks have nothing to show.
		pad := max(margin*(h-l), (0.1*math.Ln10-(h-l))/2)
		from, to = math.Exp(l-pad), math.Exp(h+pad)
		if from == 0 || math.IsInf(to, 1) {
			return 0, 0, fmt.Errorf("figure: expected data of a narrower range, got %v to %v", lo, hi)
		}
		return from, to, nil
	}
	span := hi - lo
	if narrow(lo, hi) {
		// A constant is drawn in the middle of a range of its own size.
		span = max(math.Abs(lo), math.Abs(hi))
		if span < smallestSpan {
			span = 1
		}
		margin = max(margin, 0.5)
	}
	from, to = lo-margin*span, hi+margin*span
	if !finite(from) || !finite(to) || math.IsInf(to-from, 0) {
		return 0, 0, fmt.Errorf("figure: expected data of a narrower range, got %v to %v", lo, hi)
	}
	return from, to, nil
}

// smallestSpan keeps the steps of the ticks clear of underflow.
const smallestSpan = 1e-290

// narrow tells a range whose ticks would be lost to rounding.
func narrow(lo, hi float64) bool {
	return hi-lo <= max(smallestSpan, 1e-9*math.Abs(lo), 1e-9*math.Abs(hi))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func checkFinite(what string, x []float64) error {
	for i, v := range x {
		if !finite(v) {
			return fmt.Errorf("figure: expected finite %s, got %v at index %d", what, v, i)
		}
	}
	return nil
}

func checkErrors(what string, e []float64) error {
	for i, v := range e {
		if !finite(v) || v < 0 {
			return fmt.Errorf("figure: expected finite errors of %s, not negative, got %v at index %d", what, v, i)
		}
	}
	return nil
}

func quoted(what, name string) string {
	if name == "" {
		return what
	}
	return fmt.Sprintf("%s of %q", what, name)
}
