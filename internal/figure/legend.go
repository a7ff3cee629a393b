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

// drawLegend sets the entries in rows at the top of c between left and right, and
// returns the height that they took. More than one row makes a table of equal columns.
func drawLegend(c draw.Canvas, left, right vg.Length, entries []entry) vg.Length {
	if len(entries) == 0 {
		return 0
	}
	size := legendSize
	widths := func() (each []vg.Length, widest, all vg.Length) {
		sty := style(size, ink)
		for _, e := range entries {
			w := thumbWidth + thumbGap + sty.Width(e.name)
			each = append(each, w)
			widest = max(widest, w)
			all += w
		}
		return each, widest, all + legendGap*vg.Length(len(entries)-1)
	}
	each, widest, all := widths()
	if left+widest > right {
		left, right = c.Min.X, c.Max.X
	}
	for ; size > smallest && left+widest > right; size -= 0.5 {
		each, widest, all = widths()
	}
	cols := len(entries)
	if all > right-left {
		cols = max(1, min(cols, int((right-left+legendGap)/(widest+legendGap))))
		// As even as the number of rows allows.
		rows := (len(entries) + cols - 1) / cols
		cols = (len(entries) + rows - 1) / rows
		for i := range each {
			each[i] = widest
		}
		all = vg.Length(cols)*(widest+legendGap) - legendGap
	}
	sty := style(size, ink)
	lead := 1.4 * size
	y := c.Max.Y - size
	x := left + (right-left-all)/2
	start := x
	for i, e := range entries {
		if i > 0 && i%cols == 0 {
			x, y = start, y-lead
		}
		e.curve.thumbnail(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - 0.15*size},
			Max: vg.Point{X: x + thumbWidth, Y: y + 0.85*size},
		}})
		setText(c, sty, vg.Point{X: x + thumbWidth + thumbGap, Y: y}, e.name)
		x += each[i] + legendGap
	}
	rows := (len(entries) + cols - 1) / cols
	return lead*vg.Length(rows) + legendAfter
}
