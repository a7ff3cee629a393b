package figure

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	legendSize  vg.Length = 9
	smallest    vg.Length = 5
	thumbWidth  vg.Length = 20
	thumbGap    vg.Length = 4
	legendGap   vg.Length = 14
	legendAfter vg.Length = 5
)

type entry struct {
	name  string
	curve *curve
}

// legendLayout is the place of the entries of a legend, in rows from left on.
type legendLayout struct {
	entries []entry
	widths  []vg.Length
	size    vg.Length
	cols    int
	left    vg.Length
}

// layoutLegend centres the legend over the area of the data, or where that is too
// narrow within the page. More than one row makes a table of equal columns; a name that
// is too long makes the type smaller.
func layoutLegend(entries []entry, page, area vg.Rectangle) legendLayout {
	l := legendLayout{entries: entries, size: legendSize, cols: len(entries)}
	widest, all := l.measure()
	left, right := area.Min.X, area.Max.X
	if widest > right-left {
		left, right = page.Min.X, page.Max.X
	}
	for l.size > smallest && widest > right-left {
		l.size -= 0.5
		widest, all = l.measure()
	}
	if all > right-left {
		cols := max(1, int((right-left+legendGap)/(widest+legendGap)))
		// As even as the number of rows allows.
		rows := (len(entries) + cols - 1) / cols
		l.cols = (len(entries) + rows - 1) / rows
		for i := range l.widths {
			l.widths[i] = widest
		}
		all = vg.Length(l.cols)*(widest+legendGap) - legendGap
	}
	l.left = left + (right-left-all)/2
	return l
}

// measure finds the width of each entry, of the widest, and of all in one row.
func (l *legendLayout) measure() (widest, all vg.Length) {
	sty := style(l.size, ink)
	l.widths = l.widths[:0]
	for _, e := range l.entries {
		w := thumbWidth + thumbGap + sty.Width(e.name)
		l.widths = append(l.widths, w)
		widest = max(widest, w)
		all += w
	}
	return widest, all + legendGap*vg.Length(len(l.entries)-1)
}

func (l *legendLayout) lead() vg.Length { return 1.4 * l.size }

func (l *legendLayout) height() vg.Length {
	if len(l.entries) == 0 {
		return 0
	}
	rows := (len(l.entries) + l.cols - 1) / l.cols
	return l.lead()*vg.Length(rows) + legendAfter
}

func (l *legendLayout) draw(c draw.Canvas, top vg.Length) {
	sty := style(l.size, ink)
	x, y := l.left, top-l.size
	for i, e := range l.entries {
		if i > 0 && i%l.cols == 0 {
			x, y = l.left, y-l.lead()
		}
		e.curve.thumbnail(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - 0.15*l.size},
			Max: vg.Point{X: x + thumbWidth, Y: y + 0.85*l.size},
		}})
		setText(c, sty, vg.Point{X: x + thumbWidth + thumbGap, Y: y}, e.name)
		x += l.widths[i] + legendGap
	}
}
