package figure

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Field2D is a field on a two-dimensional lattice.
type Field2D struct {
	// Rows and Cols are the extents of the lattice.
	Rows, Cols int
	// Values are the Rows·Cols values, row-major; the first row is drawn on top.
	Values []float64
}

// DenoisingStripConfig configures [DenoisingStrip].
type DenoisingStripConfig struct {
	// Title is set above the plot, if it is not empty.
	Title string
	// Scale is the value of |φ| with the strongest colours, for all columns. Zero
	// means for each column the 99th percentile of its |φ|.
	Scale float64
	// Bar adds the colour scale of each column, or the common one, below.
	Bar bool
	// Width is the width of the figure in cm; zero means 12. The panels have a whole
	// number of pixels per lattice site, so that the width is met only roughly.
	Width float64
}

// DenoisingStrip draws fields as a grid of heat maps, as figure 4 of arXiv:2309.17082:
// rows[i][j] is sample i at the noise level, or time, with the title titles[j]. Blue is
// negative, red positive and grey zero; values beyond the scale have the strongest
// colours. It returns an error for an empty grid, rows or titles of different lengths,
// fields of different or impossible extents, or values that are not finite.
func DenoisingStrip(rows [][]Field2D, titles []string, cfg DenoisingStripConfig) (*Figure, error) {
	var err error
	if cfg.Width, err = size("width", cfg.Width, defaultWidth); err != nil {
		return nil, err
	}
	if !(cfg.Scale >= 0) || !finite(cfg.Scale) {
		return nil, fmt.Errorf("figure: expected a scale, or zero, got %v", cfg.Scale)
	}
	if err := checkText(append(slices.Clone(titles), cfg.Title)...); err != nil {
		return nil, err
	}
	if err := checkStrip(rows, titles); err != nil {
		return nil, err
	}
	s := &strip{cfg: cfg, titles: slices.Clone(titles), rows: len(rows), lattice: image.Pt(rows[0][0].Cols, rows[0][0].Rows)}
	for j := range titles {
		s.scales = append(s.scales, columnScale(rows, j, cfg.Scale))
	}
	for _, row := range rows {
		for j, f := range row {
			s.panels = append(s.panels, colours(f.Values, s.scales[j]))
		}
	}
	return s.layout()
}

func checkStrip(rows [][]Field2D, titles []string) error {
	if len(rows) == 0 || len(titles) == 0 {
		return errors.New("figure: expected at least one row and one column of fields, got none")
	}
	for i, row := range rows {
		if len(row) != len(titles) {
			return fmt.Errorf("figure: expected %d fields in row %d, one for each title, got %d", len(titles), i, len(row))
		}
		for j, f := range row {
			if f.Rows < 1 || f.Cols < 1 || len(f.Values)/f.Rows != f.Cols || len(f.Values)%f.Rows != 0 {
				return fmt.Errorf("figure: expected Rows·Cols values of field (%d, %d), got %d for %d by %d",
					i, j, len(f.Values), f.Rows, f.Cols)
			}
			if f.Rows != rows[0][0].Rows || f.Cols != rows[0][0].Cols {
				return fmt.Errorf("figure: expected fields of one lattice, got %d by %d and %d by %d",
					rows[0][0].Rows, rows[0][0].Cols, f.Rows, f.Cols)
			}
			if err := checkFinite(fmt.Sprintf("values of field (%d, %d)", i, j), f.Values); err != nil {
				return err
			}
		}
	}
	return nil
}

// columnScale is the 99th percentile of |φ| in a column unless a scale is given.
func columnScale(rows [][]Field2D, j int, given float64) float64 {
	if given > 0 {
		return given
	}
	var abs []float64
	for _, row := range rows {
		for _, v := range row[j].Values {
			abs = append(abs, math.Abs(v))
		}
	}
	slices.Sort(abs)
	if q := abs[(len(abs)-1)*99/100]; q > 0 {
		return q
	}
	if top := abs[len(abs)-1]; top > 0 {
		return top
	}
	return 1
}

var blueRed = unitMap(moreland.SmoothBlueRed())

// A strip has shades of the map on each side of zero and greys for its text; together
// they make a palette, which keeps files of noise small.
const (
	shades = 32
	greys  = 48
)

var divergingColors = func() (p [2*shades + 1]color.NRGBA) {
	for i := range p {
		p[i] = mapColor(blueRed, float64(i)/(2*shades))
	}
	return p
}()

// diverging maps -1 to 1 to the colours, and what is outside to the last of them.
func diverging(t float64) color.NRGBA {
	return divergingColors[int(math.Round(shades*(1+min(max(t, -1), 1))))]
}

func stripPalette() color.Palette {
	var p color.Palette
	for _, c := range divergingColors {
		p = append(p, c)
	}
	for i := range greys {
		p = append(p, color.Gray{uint8(0x22 + (0xff-0x22)*i/(greys-1))})
	}
	return p
}

func colours(values []float64, scale float64) []color.NRGBA {
	out := make([]color.NRGBA, len(values))
	for i, v := range values {
		out[i] = diverging(v / scale)
	}
	return out
}

// strip is laid out in pixels.
type strip struct {
	cfg     DenoisingStripConfig
	titles  []string
	rows    int
	lattice image.Point
	scales  []float64
	panels  [][]color.NRGBA

	site          int
	width, height int
}

const (
	stripGap    = 6
	stripBar    = 12
	maxPixels   = 12000
	stripMargin = 14
)

func pixelsOf(l vg.Length) int { return int(math.Ceil(l.Dots(dpi))) }

func (s *strip) layout() (*Figure, error) {
	cols := len(s.titles)
	want := pixelsOf(centimetres(s.cfg.Width)) - 2*stripMargin - (cols-1)*stripGap
	s.site = max(1, int(math.Round(float64(want)/float64(cols*s.lattice.X))))
	s.width = 2*stripMargin + cols*s.panel().X + (cols-1)*stripGap
	s.height = 2*stripMargin + s.top() + s.rows*s.panel().Y + (s.rows-1)*stripGap
	if s.cfg.Bar {
		s.height += 2*stripGap + stripBar + pixelsOf(1.5*tickSize)
	}
	if s.width > maxPixels || s.height > maxPixels {
		return nil, fmt.Errorf("figure: expected fields that fit into %d pixels, got %d by %d", maxPixels, s.width, s.height)
	}
	return &Figure{width: points(s.width), height: points(s.height), render: s.render, colors: stripPalette()}, nil
}

func (s *strip) panel() image.Point { return s.lattice.Mul(s.site) }

// top is the height of the titles.
func (s *strip) top() int {
	h := pixelsOf(1.5 * tickSize)
	if s.cfg.Title != "" {
		h += pixelsOf(1.3 * labelSize)
	}
	return h
}

func points(px int) vg.Length { return vg.Length(px) * vg.Inch / dpi }

func (s *strip) render(pg *page) {
	img := pg.px.Image()
	panel := s.panel()
	y := s.height - stripMargin
	if s.cfg.Title != "" {
		sty := style(fit(s.cfg.Title, labelSize, points(s.width-2*stripMargin)), ink)
		sty.XAlign = draw.XCenter
		setText(pg.Canvas, sty, vg.Point{X: pg.Center().X, Y: points(y) - 0.8*labelSize}, s.cfg.Title)
	}
	y = s.height - stripMargin - s.top()
	for j, title := range s.titles {
		x := stripMargin + j*(panel.X+stripGap)
		sty := style(fit(title, tickSize, points(panel.X+stripGap-2)), ink)
		sty.XAlign = draw.XCenter
		setText(pg.Canvas, sty, vg.Point{X: points(x + panel.X/2), Y: points(y) + 0.45*tickSize}, title)
		for i := range s.rows {
			top := stripMargin + s.top() + i*(panel.Y+stripGap)
			s.drawPanel(img, image.Pt(x, top), s.panels[i*len(s.titles)+j])
		}
		if s.cfg.Bar && s.cfg.Scale == 0 {
			s.drawBar(pg, x+panel.X/12, panel.X-panel.X/6, s.scales[j])
		}
	}
	if s.cfg.Bar && s.cfg.Scale > 0 {
		w := max(panel.X, (s.width-2*stripMargin)/2)
		s.drawBar(pg, (s.width-w)/2, w, s.cfg.Scale)
	}
}

func (s *strip) drawPanel(img draw2D, at image.Point, cells []color.NRGBA) {
	size := s.panel()
	for y := range size.Y {
		for x := range size.X {
			img.Set(at.X+x, at.Y+y, cells[(y/s.site)*s.lattice.X+x/s.site])
		}
	}
}

type draw2D interface {
	Set(x, y int, c color.Color)
}

// drawBar draws the colour scale from -scale to scale below the panels.
func (s *strip) drawBar(pg *page, x, width int, scale float64) {
	img := pg.px.Image()
	bottom := stripMargin + pixelsOf(1.5*tickSize)
	for i := range width {
		c := diverging(2*(float64(i)+0.5)/float64(width) - 1)
		for y := range stripBar {
			img.Set(x+i, s.height-bottom-1-y, c)
		}
	}
	text := fmt.Sprintf("%.2g", scale)
	size := fit(text+"  0  −"+text, tickSize-1, points(width))
	label := func(at int, align float64, txt string) {
		sty := style(size, ink)
		setText(pg.Canvas, sty, vg.Point{X: points(at) + vg.Length(align)*sty.Width(txt), Y: points(bottom) - 1.1*tickSize}, txt)
	}
	label(x, 0, "−"+text)
	label(x+width/2, -0.5, "0")
	label(x+width, -1, text)
}
