package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// curve draws points joined by a line, with markers, error bars or a band between lo
// and hi, whatever of it is set. Everything is cut at the frame.
type curve struct {
	x, y   []float64
	lo, hi []float64
	// across makes x the share of the width of the frame.
	across bool

	line draw.LineStyle
	mark draw.GlyphStyle
	bars draw.LineStyle
	band color.Color
}

// transforms maps data to the canvas, and what is far outside to where it cannot
// overflow.
func transforms(area draw.Canvas, p *plot.Plot) (x, y func(float64) vg.Length) {
	const far = 1e4
	x = func(v float64) vg.Length { return area.X(min(max(p.X.Norm(v), -far), far)) }
	y = func(v float64) vg.Length { return area.Y(min(max(p.Y.Norm(v), -far), far)) }
	return x, y
}

// positive moves the end of a band or a bar to the frame where a logarithmic axis has
// no place for it.
func positive(v float64, a *plot.Axis, log bool) float64 {
	if log && v <= 0 {
		return a.Min
	}
	return v
}

func isLog(a *plot.Axis) bool { _, ok := a.Scale.(plot.LogScale); return ok }

func (c *curve) Plot(area draw.Canvas, p *plot.Plot) {
	trX, trY := transforms(area, p)
	if c.across {
		trX = area.X
	}
	log := isLog(&p.Y)
	if c.band != nil && c.lo != nil {
		n := len(c.x)
		polygon := make([]vg.Point, 2*n)
		for i, x := range c.x {
			polygon[i] = vg.Point{X: trX(x), Y: trY(positive(c.lo[i], &p.Y, log))}
			polygon[2*n-1-i] = vg.Point{X: trX(x), Y: trY(positive(c.hi[i], &p.Y, log))}
		}
		area.FillPolygon(c.band, area.ClipPolygonXY(polygon))
	}
	if c.bars.Width > 0 && c.lo != nil {
		for i, x := range c.x {
			if u := trX(x); area.ContainsX(u) {
				bar := []vg.Point{{X: u, Y: trY(positive(c.lo[i], &p.Y, log))}, {X: u, Y: trY(positive(c.hi[i], &p.Y, log))}}
				area.StrokeLines(c.bars, area.ClipLinesY(bar)...)
			}
		}
	}
	// A curve has a gap where a logarithmic axis has no place for it.
	pts := make([]vg.Point, 0, len(c.x))
	flush := func() {
		if c.line.Width > 0 && len(pts) > 1 {
			area.StrokeLines(c.line, area.ClipLinesXY(pts)...)
		}
		if c.mark.Shape != nil {
			for _, pt := range pts {
				area.DrawGlyph(c.mark, pt)
			}
		}
		pts = pts[:0]
	}
	for i, x := range c.x {
		if log && c.y[i] <= 0 {
			flush()
			continue
		}
		pts = append(pts, vg.Point{X: trX(x), Y: trY(c.y[i])})
	}
	flush()
}

// thumbnail draws the style of the curve into a box of the legend.
func (c *curve) thumbnail(b draw.Canvas) {
	mid := b.Center()
	if c.band != nil {
		h := 0.3 * b.Size().Y
		b.FillPolygon(c.band, []vg.Point{
			{X: b.Min.X, Y: mid.Y - h}, {X: b.Max.X, Y: mid.Y - h}, {X: b.Max.X, Y: mid.Y + h}, {X: b.Min.X, Y: mid.Y + h}})
	}
	if c.bars.Width > 0 {
		h := 0.45 * b.Size().Y
		b.StrokeLine2(c.bars, mid.X, mid.Y-h, mid.X, mid.Y+h)
	}
	if c.line.Width > 0 {
		b.StrokeLine2(c.line, b.Min.X, mid.Y, b.Max.X, mid.Y)
	}
	if c.mark.Shape != nil {
		b.DrawGlyph(c.mark, mid)
	}
}

// extent is the range of data on both axes.
type extent struct{ xmin, xmax, ymin, ymax float64 }

func emptyExtent() extent {
	inf := math.Inf(1)
	return extent{inf, -inf, inf, -inf}
}

// add widens the extent by a curve, of which on axes with a fixed range only what is
// seen counts, and on a logarithmic y axis only what is positive; an error that reaches
// down to zero there is cut off at a third of the value.
func (e *extent) add(c *curve, x, y Axis) {
	include := func(u, v float64) {
		if (!c.across && x.fixed() && (u < x.Min || u > x.Max)) || (y.Log && v <= 0) {
			return
		}
		if !c.across {
			e.xmin, e.xmax = min(e.xmin, u), max(e.xmax, u)
		}
		e.ymin, e.ymax = min(e.ymin, v), max(e.ymax, v)
	}
	for i, u := range c.x {
		include(u, c.y[i])
		if c.lo != nil {
			lo := c.lo[i]
			if y.Log {
				lo = max(lo, c.y[i]/3)
			}
			include(u, lo)
			include(u, c.hi[i])
		}
	}
}
