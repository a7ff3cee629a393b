package figure

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Levels colours series by a number, such as the noise level of a drift, and adds a
// colour bar.
type Levels struct {
	// Label names the number, above the bar.
	Label string
	// Log spaces the colours logarithmically; all levels must then be positive.
	Log bool
}

const (
	barGap       vg.Length = 8
	barThickness vg.Length = 8
	barTick      vg.Length = 2.5
)

// levelScale maps levels to colours of even steps in lightness, leaving out the ends
// that vanish against black axes and white paper.
type levelScale struct{ lo, hi float64 }

const (
	darkest  = 0.12
	lightest = 0.78
)

func newLevelScale(levels []float64, l *Levels) (levelScale, error) {
	s := levelScale{math.Inf(1), math.Inf(-1)}
	for i, v := range levels {
		if !finite(v) || (l.Log && v <= 0) {
			return s, fmt.Errorf("figure: expected finite levels, positive on a logarithmic scale, got %v for series %d", v, i)
		}
		s.lo, s.hi = min(s.lo, v), max(s.hi, v)
	}
	var err error
	s.lo, s.hi, err = Axis{Log: l.Log}.limits(s.lo, s.hi, 0)
	return s, err
}

func (s levelScale) axis(l *Levels) plot.Axis {
	a := plot.Axis{Min: s.lo, Max: s.hi, Scale: plot.LinearScale{}}
	if l.Log {
		a.Scale = plot.LogScale{}
	}
	a.Tick.Marker = ticksOf(l.Log, 5)
	return a
}

func (s levelScale) color(v float64, l *Levels) color.NRGBA {
	a := s.axis(l)
	return rainbow(a.Norm(v))
}

var kindlmann = unitMap(moreland.Kindlmann())

func unitMap(m palette.ColorMap) palette.ColorMap {
	m.SetMin(0)
	m.SetMax(1)
	return m
}

func rainbow(t float64) color.NRGBA {
	return mapColor(kindlmann, darkest+(lightest-darkest)*min(max(t, 0), 1))
}

// mapColor takes t in the range of the map, for which At has no error.
func mapColor(m palette.ColorMap, t float64) color.NRGBA {
	c, err := m.At(t)
	if err != nil {
		return grey
	}
	return color.NRGBAModel.Convert(c).(color.NRGBA)
}

func (s levelScale) width(l *Levels) vg.Length {
	sty := style(tickSize, ink)
	var w vg.Length
	for _, t := range s.axis(l).Tick.Marker.Ticks(s.lo, s.hi) {
		w = max(w, sty.Width(t.Label))
	}
	return max(barGap+barThickness+barTick+3+w, barGap+barThickness/2+style(labelSize, ink).Width(l.Label)/2)
}

func (s levelScale) draw(pg *page, l *Levels, r vg.Rectangle) {
	sty := style(labelSize, ink)
	// The label hangs over the top of the bar.
	sty.XAlign = draw.XCenter
	r.Max.Y -= 1.3 * labelSize
	setText(pg.Canvas, sty, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: r.Max.Y + 0.4*labelSize}, l.Label)
	box := pg.pixels(r)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		c := rainbow(1 - (float64(y-box.Min.Y)+0.5)/float64(box.Dy()))
		for x := box.Min.X; x < box.Max.X; x++ {
			pg.px.Image().Set(x, y, c)
		}
	}
	strokeBox(pg.Canvas, r)
	a := s.axis(l)
	tick := style(tickSize, ink)
	for _, t := range a.Tick.Marker.Ticks(s.lo, s.hi) {
		y := r.Min.Y + vg.Length(a.Norm(t.Value))*(r.Max.Y-r.Min.Y)
		length := barTick
		if t.IsMinor() {
			length /= 2
		}
		pg.StrokeLine2(draw.LineStyle{Color: ink, Width: hairline}, r.Max.X, y, r.Max.X+length, y)
		setText(pg.Canvas, tick, vg.Point{X: r.Max.X + barTick + 3, Y: y - 0.35*tickSize}, t.Label)
	}
}

// pixels returns the pixels of a rectangle of the page; those of an image count from
// the top.
func (pg *page) pixels(r vg.Rectangle) image.Rectangle {
	_, h := pg.px.Size()
	at := func(v vg.Length) int { return int(math.Round(v.Dots(dpi))) }
	return image.Rect(at(r.Min.X), at(h-r.Max.Y), at(r.Max.X), at(h-r.Min.Y))
}
