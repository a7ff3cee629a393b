package figure

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/latdiff/latdiff/internal/atomicfile"
)

const dpi = 200

// Figure is a plot whose data has been checked. It may be drawn any number of times.
type Figure struct {
	width, height vg.Length
	render        func(*page)
	// colors is the palette of the file; without one all colours are kept.
	colors color.Palette
}

// page is a canvas with access to its pixels, which heat maps and colour bars fill
// without the seams of anti-aliased rectangles.
type page struct {
	draw.Canvas
	px *vgimg.Canvas
}

// Save draws the figure into the PNG file at path, which appears whole or not at all;
// an existing file is replaced. It returns an error if path does not end in .png or
// cannot be written.
func (f *Figure) Save(path string) error {
	if ext := filepath.Ext(path); !strings.EqualFold(ext, ".png") {
		return fmt.Errorf("figure: expected a path ending in .png, got %q", path)
	}
	if err := atomicfile.Write(path, f.WritePNG); err != nil {
		return fmt.Errorf("figure: %w", err)
	}
	return nil
}

// WritePNG draws the figure at 200 dots per inch and writes it as PNG. The errors are
// those of w.
func (f *Figure) WritePNG(w io.Writer) error {
	px := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))
	f.render(&page{Canvas: draw.New(px), px: px})
	if f.colors == nil {
		return png.Encode(w, px.Image())
	}
	return png.Encode(w, reduce(px.Image(), f.colors))
}

// reduce replaces the colours of an image by the closest of a palette.
func reduce(img image.Image, p color.Palette) *image.Paletted {
	out := image.NewPaletted(img.Bounds(), p)
	known := make(map[color.Color]uint8)
	r := img.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := img.At(x, y)
			i, ok := known[c]
			if !ok {
				i = uint8(p.Index(c))
				known[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	return out
}
