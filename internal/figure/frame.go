package figure

import (
	"errors"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// graph is a plot of curves in a frame, with its legend above and perhaps a colour bar
// on its right.
type graph struct {
	opts   Options
	curves []*curve
	legend []entry
	levels *Levels
	scale  levelScale
	// notes are lines in a corner, each with its colour.
	notes []note

	plot *plot.Plot
}

type note struct {
	text  string
	color Color
	auto  int
}

type entry struct {
	name  string
	curve *curve
}

const (
	marginX = 0.02
	marginY = 0.05
)

// build finds the ranges of the axes and sets up the plot.
func (g *graph) build(marginX, marginY float64) (*Figure, error) {
	e := emptyExtent()
	for _, c := range g.curves {
		e.add(c, g.opts.X, g.opts.Y)
	}
	if e.xmin > e.xmax {
		return nil, errors.New("figure: expected data inside the ranges of the axes, got none")
	}
	p := plot.New()
	p.BackgroundColor = nil
	var err error
	if p.X.Min, p.X.Max, err = g.opts.X.limits(e.xmin, e.xmax, marginX); err != nil {
		return nil, err
	}
	if p.Y.Min, p.Y.Max, err = g.opts.Y.limits(e.ymin, e.ymax, marginY); err != nil {
		return nil, err
	}
	setAxis(&p.X, g.opts.X, 6)
	setAxis(&p.Y, g.opts.Y, 5)
	p.Add(gridLines{})
	for _, c := range g.curves {
		p.Add(c)
	}
	p.Add(frame{})
	g.plot = p
	return &Figure{
		width:  centimetres(g.opts.Width),
		height: centimetres(g.opts.Height),
		render: g.render,
	}, nil
}

func setAxis(a *plot.Axis, o Axis, ticks int) {
	a.Label.Text = o.Label
	a.Label.TextStyle.Font = style(labelSize, ink).Font
	a.Label.TextStyle.Handler = handler
	a.Label.TextStyle.Color = ink
	a.Label.Padding = 2
	a.Tick.Label.Font = style(tickSize, ink).Font
	a.Tick.Label.Handler = handler
	a.Tick.Label.Color = ink
	a.Tick.LineStyle = draw.LineStyle{Color: ink, Width: hairline}
	a.Tick.Length = 4
	a.Tick.Marker = ticksOf(o.Log, ticks)
	a.LineStyle.Width = 0
	a.Padding = 0
	if o.Log {
		a.Scale = plot.LogScale{}
	}
}

func (g *graph) render(pg *page) {
	c := draw.Crop(pg.Canvas, margin, -margin, margin, -margin)
	if t := g.opts.Title; t != "" {
		sty := style(labelSize, ink)
		sty.XAlign = draw.XCenter
		c.Max.Y -= labelSize
		setText(c, sty, vg.Point{X: c.Center().X, Y: c.Max.Y}, t)
		c.Max.Y -= 0.6 * labelSize
	}
	if g.levels != nil {
		c.Max.X -= g.scale.width(g.levels)
	}
	// The place of the axes does not depend on the height left to them.
	area := g.plot.DataCanvas(c)
	c.Max.Y -= drawLegend(c, area.Min.X, area.Max.X, g.legend)
	area = g.plot.DataCanvas(c)
	g.plot.Draw(c)
	if g.levels != nil {
		g.scale.draw(pg, g.levels, vg.Rectangle{
			Min: vg.Point{X: area.Max.X + barGap, Y: area.Min.Y},
			Max: vg.Point{X: area.Max.X + barGap + barThickness, Y: area.Max.Y},
		})
	}
	g.drawNotes(area)
}

// drawNotes sets the notes in the corner that hides the least of the curves.
func (g *graph) drawNotes(area draw.Canvas) {
	if len(g.notes) == 0 {
		return
	}
	const inset, lead = 5, 1.35
	var width vg.Length
	for _, n := range g.notes {
		width = max(width, style(noteSize, ink).Width(n.text))
	}
	height := noteSize * (0.8 + lead*vg.Length(len(g.notes)-1))
	var best vg.Rectangle
	least := math.MaxInt
	for _, top := range []bool{true, false} {
		for _, left := range []bool{true, false} {
			min := vg.Point{X: area.Max.X - inset - width, Y: area.Min.Y + inset}
			if left {
				min.X = area.Min.X + inset
			}
			if top {
				min.Y = area.Max.Y - inset - height
			}
			r := vg.Rectangle{Min: min, Max: min.Add(vg.Point{X: width, Y: height})}
			if n := g.hidden(area, r); n < least {
				best, least = r, n
			}
		}
	}
	y := best.Max.Y - 0.75*noteSize
	for _, n := range g.notes {
		next := n.auto
		sty := style(noteSize, colorOf(n.color, &next))
		setText(area, sty, vg.Point{X: best.Min.X, Y: y}, n.text)
		y -= lead * noteSize
	}
}

// hidden counts the points of the curves in r, with the lines between them.
func (g *graph) hidden(area draw.Canvas, r vg.Rectangle) int {
	const between = 16
	trX, trY := g.plot.Transforms(&area)
	log := isLog(&g.plot.Y)
	pad := vg.Length(4)
	count := 0
	for _, c := range g.curves {
		if c.across {
			continue
		}
		var last vg.Point
		for i, x := range c.x {
			pt := vg.Point{X: trX(x), Y: trY(positive(c.y[i], &g.plot.Y, log))}
			steps := 1
			if i > 0 && c.line.Width > 0 {
				steps = between
			} else {
				last = pt
			}
			for k := 1; k <= steps; k++ {
				q := last.Add(pt.Sub(last).Scale(vg.Length(k) / vg.Length(steps)))
				if q.X > r.Min.X-pad && q.X < r.Max.X+pad && q.Y > r.Min.Y-pad && q.Y < r.Max.Y+pad {
					count++
				}
			}
			last = pt
		}
	}
	return count
}

// gridLines draws faint lines at the labelled ticks.
type gridLines struct{}

func (gridLines) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	sty := draw.LineStyle{Color: grid, Width: hairline}
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(sty, trX(t.Value), c.Min.Y, trX(t.Value), c.Max.Y)
		}
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		if !t.IsMinor() {
			c.StrokeLine2(sty, c.Min.X, trY(t.Value), c.Max.X, trY(t.Value))
		}
	}
}

type frame struct{}

func (frame) Plot(c draw.Canvas, _ *plot.Plot) { strokeBox(c, c.Rectangle) }

func strokeBox(c draw.Canvas, r vg.Rectangle) {
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: hairline})
	c.Stroke(r.Path())
}
