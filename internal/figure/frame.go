package figure

import (
	"errors"
	"fmt"
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
	// axes is the place of the plot, area that of the data in it.
	axes, area vg.Rectangle
	key        legendLayout
}

type note struct {
	text  string
	color Color
	auto  int
}

const (
	marginX = 0.02
	marginY = 0.05

	titleHeight = 1.6 * labelSize
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
	setAxis(&p.X, g.opts.X, mostX)
	setAxis(&p.Y, g.opts.Y, mostY)
	p.Add(gridLines{})
	for _, c := range g.curves {
		p.Add(c)
	}
	p.Add(frame{})
	g.plot = p
	f := &Figure{
		width:  centimetres(g.opts.Width),
		height: centimetres(g.opts.Height),
		render: g.render,
	}
	if err := g.arrange(f.width, f.height); err != nil {
		return nil, err
	}
	return f, nil
}

// least is the size of the area of the data below which nothing can be seen.
const least = 1.2 * vg.Centimeter

// arrange divides the page.
func (g *graph) arrange(width, height vg.Length) error {
	g.plot.X.Label.TextStyle.Font.Size = fit(g.opts.X.Label, labelSize, 0.75*width)
	r := vg.Rectangle{Min: vg.Point{X: margin, Y: margin}, Max: vg.Point{X: width - margin, Y: height - margin}}
	if g.opts.Title != "" {
		r.Max.Y -= titleHeight
	}
	if g.levels != nil {
		r.Max.X -= g.scale.width(g.levels)
	}
	place := func() { g.area = g.plot.DataCanvas(draw.Canvas{Rectangle: r}).Rectangle }
	// Each step needs the extent that the ones before have left. A long label of the y
	// axis would hold that extent up, so another stands in for it.
	g.plot.Y.Label.Text = "y"
	place()
	g.plot.X.Tick.Marker = g.ticksX()
	place()
	g.key = layoutLegend(g.legend, r, g.area)
	r.Max.Y -= g.key.height()
	place()
	g.plot.Y.Tick.Marker = g.ticksY()
	g.plot.Y.Label.Text = g.opts.Y.Label
	g.plot.Y.Label.TextStyle.Font.Size = fit(g.opts.Y.Label, labelSize, 0.95*g.area.Size().Y)
	place()
	g.axes = r
	if size := g.area.Size(); !(size.X >= least && size.Y >= least) || g.key.left < r.Min.X {
		return fmt.Errorf("figure: expected room for the plot in %v by %v cm, got too many or too long labels",
			g.opts.Width, g.opts.Height)
	}
	return nil
}

const mostX, mostY = 6, 5

// ticksX chooses as many ticks as leave room between their labels.
func (g *graph) ticksX() plot.Ticker {
	sty := style(tickSize, ink)
	a := g.plot.X
	for count := mostX; ; count-- {
		marker := ticksOf(g.opts.X.Log, count)
		room := g.area.Size().X
		for _, t := range marker.Ticks(a.Min, a.Max) {
			if !t.IsMinor() {
				room -= sty.Width(t.Label) + tickSize
			}
		}
		if room > 0 || count == 1 {
			return marker
		}
	}
}

// ticksY chooses the number of ticks by the height.
func (g *graph) ticksY() plot.Ticker {
	return ticksOf(g.opts.Y.Log, max(1, min(mostY, int(g.area.Size().Y/(2.2*tickSize)))))
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
	if t := g.opts.Title; t != "" {
		sty := style(fit(t, labelSize, pg.Size().X-2*margin), ink)
		sty.XAlign = draw.XCenter
		setText(pg.Canvas, sty, vg.Point{X: pg.Center().X, Y: pg.Max.Y - margin - labelSize}, t)
	}
	g.key.draw(pg.Canvas, g.axes.Max.Y+g.key.height())
	g.plot.Draw(draw.Canvas{Canvas: pg.Canvas.Canvas, Rectangle: g.axes})
	if g.levels != nil {
		g.scale.draw(pg, g.levels, vg.Rectangle{
			Min: vg.Point{X: g.area.Max.X + barGap, Y: g.area.Min.Y},
			Max: vg.Point{X: g.area.Max.X + barGap + barThickness, Y: g.area.Max.Y},
		})
	}
	g.drawNotes(draw.Canvas{Canvas: pg.Canvas.Canvas, Rectangle: g.area})
}

// drawNotes sets the notes in the corner that hides the least of the curves.
func (g *graph) drawNotes(area draw.Canvas) {
	if len(g.notes) == 0 {
		return
	}
	const inset, lead = 5, 1.35
	size := noteSize
	for _, n := range g.notes {
		size = min(size, fit(n.text, noteSize, area.Size().X-2*inset))
	}
	var width vg.Length
	for _, n := range g.notes {
		width = max(width, style(size, ink).Width(n.text))
	}
	height := size * (0.8 + lead*vg.Length(len(g.notes)-1))
	var best vg.Rectangle
	fewest := math.MaxInt
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
			if n := g.hidden(area, r); n < fewest {
				best, fewest = r, n
			}
		}
	}
	y := best.Max.Y - 0.75*size
	for _, n := range g.notes {
		next := n.auto
		sty := style(size, colorOf(n.color, &next))
		setText(area, sty, vg.Point{X: best.Min.X, Y: y}, n.text)
		y -= lead * size
	}
}

// hidden counts the points of the curves in r, with the lines between them.
func (g *graph) hidden(area draw.Canvas, r vg.Rectangle) int {
	const between = 16
	trX, trY := transforms(area, g.plot)
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
