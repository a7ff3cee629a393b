package figure

import (
	"bytes"
	"image"
	"image/png"
	"testing"
)

// Panels have the pixels of the figures that they hold, in their order.
func TestPanels(t *testing.T) {
	var figs []*Figure
	for _, y := range []float64{1, 2, 3} {
		f, err := Lines([]Series{{X: []float64{0, 1, 2}, Y: []float64{0, y, 1}}}, LinesConfig{Options: Options{Width: 6, Height: 5}})
		if err != nil {
			t.Fatal(err)
		}
		figs = append(figs, f)
	}
	all, err := Panels(2, figs...)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(f *Figure) image.Image {
		var b bytes.Buffer
		if err := f.WritePNG(&b); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	whole := decode(all)
	size := whole.Bounds().Size()
	for i, f := range figs {
		part := decode(f)
		x0, y0 := i%2*size.X/2, i/2*size.Y/2
		for y := range part.Bounds().Dy() {
			for x := range part.Bounds().Dx() {
				if part.At(x, y) != whole.At(x0+x, y0+y) {
					t.Fatalf("panel %d differs from its figure at %d, %d", i, x, y)
				}
			}
		}
	}
	other, err := Lines([]Series{{X: []float64{0, 1}, Y: []float64{0, 1}}}, LinesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() (*Figure, error){
		"no panels":       func() (*Figure, error) { return Panels(2) },
		"no columns":      func() (*Figure, error) { return Panels(0, figs...) },
		"different sizes": func() (*Figure, error) { return Panels(2, figs[0], other) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
