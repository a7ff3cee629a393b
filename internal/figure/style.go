package figure

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Color selects the colour of a series.
type Color int

// Auto gives each series that asks for it the next colour; Black suits exact results.
// The others are the colours of M. Okabe and K. Ito, Color Universal Design (2008).
const (
	Black Color = iota - 1
	Auto
	Blue
	Vermillion
	Green
	Orange
	SkyBlue
	Purple
	colorEnd
)

var okabeIto = [...]color.NRGBA{
	{0x00, 0x72, 0xb2, 0xff},
	{0xd5, 0x5e, 0x00, 0xff},
	{0x00, 0x9e, 0x73, 0xff},
	{0xe6, 0x9f, 0x00, 0xff},
	{0x56, 0xb4, 0xe9, 0xff},
	{0xcc, 0x79, 0xa7, 0xff},
}

var (
	ink  = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	grid = color.NRGBA{0xea, 0xea, 0xea, 0xff}
	grey = color.NRGBA{0x80, 0x80, 0x80, 0xff}
)

var markers = [...]draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{},
}

func faded(c color.NRGBA, alpha float64) color.NRGBA {
	c.A = uint8(alpha*float64(c.A) + 0.5)
	return c
}

var (
	labelFont = font.Font{Typeface: "Liberation", Variant: "Sans", Size: labelSize}
	handler   = richText{fonts: plot.DefaultTextHandler.Cache()}
)

const (
	labelSize vg.Length = 10
	tickSize  vg.Length = 8.5
	noteSize  vg.Length = 8.5
	margin    vg.Length = 5

	hairline  vg.Length = 0.6
	lineWidth vg.Length = 1.3
	// noisyWidth is that of lines with more than noisyCount points.
	noisyWidth vg.Length = 0.7
	noisyCount           = 1000
	barWidth   vg.Length = 0.9
	markerSize vg.Length = 2.2
	bandAlpha            = 0.22
)

var (
	dashes = []vg.Length{5, 3}
	dots   = []vg.Length{1.2, 2.2}
)

// colorOf resolves Auto and moves on to the next colour of the palette.
func colorOf(c Color, next *int) color.NRGBA {
	switch {
	case c == Black:
		return ink
	case c == Auto:
		*next++
		return okabeIto[(*next-1)%len(okabeIto)]
	}
	return okabeIto[c-1]
}
