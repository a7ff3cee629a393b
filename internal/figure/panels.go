package figure

import (
	"errors"
	"fmt"
	"image"
	"image/draw"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"

	vgdraw "gonum.org/v1/plot/vg/draw"
)

// Panels puts figures of one size into one, in rows of the given number of columns. It
// returns an error for no figure, for figures of different sizes, and for less than one
// column.
func Panels(columns int, figs ...*Figure) (*Figure, error) {
	if len(figs) == 0 {
		return nil, errors.New("figure: expected at least one panel, got none")
	}
	if columns < 1 {
		return nil, fmt.Errorf("figure: expected at least one column of panels, got %d", columns)
	}
	first := figs[0]
	for _, f := range figs {
		if f.width != first.width || f.height != first.height {
			return nil, fmt.Errorf("figure: expected panels of one size, got %v by %v cm and %v by %v cm",
				first.width/vg.Centimeter, first.height/vg.Centimeter, f.width/vg.Centimeter, f.height/vg.Centimeter)
		}
	}
	columns = min(columns, len(figs))
	rows := (len(figs) + columns - 1) / columns
	return &Figure{
		width: vg.Length(columns) * first.width, height: vg.Length(rows) * first.height,
		render: func(pg *page) {
			img := pg.px.Image()
			for i, f := range figs {
				// Each panel has its own pixels, since heat maps address them.
				px := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))
				f.render(&page{Canvas: vgdraw.New(px), px: px})
				panel := px.Image()
				at := image.Pt((i%columns)*img.Bounds().Dx()/columns, (i/columns)*img.Bounds().Dy()/rows)
				draw.Draw(img, panel.Bounds().Add(at), panel, panel.Bounds().Min, draw.Src)
			}
		},
	}, nil
}
