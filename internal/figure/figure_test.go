package figure

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot"
)

func decode(t *testing.T, f *Figure, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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

// 12 cm by 9 cm at 200 dots per inch of 2.54 cm.
func TestSize(t *testing.T) {
	f, err := Lines([]Series{{X: []float64{1, 2}, Y: []float64{1, 2}}}, LinesConfig{})
	if got, want := decode(t, f, err).Bounds().Size(), image.Pt(945, 709); got != want {
		t.Errorf("got %v pixels, want %v", got, want)
	}
}

// The golden comparison must see a change of one character.
func TestCompareSeesChange(t *testing.T) {
	pic := func(label string) image.Image {
		s := Series{X: []float64{1, 2}, Y: []float64{1, 2}}
		f, err := Lines([]Series{s}, LinesConfig{Options: Options{Width: 5, Height: 4, X: Axis{Label: label}}})
		return decode(t, f, err)
	}
	if err := compare(pic("κ"), pic("κ")); err != nil {
		t.Error(err)
	}
	if compare(pic("κ"), pic("λ")) == nil {
		t.Error("a changed label goes unseen")
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string][]run{
		"S_eff + 1":    {{"S", onLine}, {"eff", sub}, {" + 1", onLine}},
		"10^-3 s":      {{"10", onLine}, {"−3", super}, {" s", onLine}},
		"10^{-3}":      {{"10", onLine}, {"−3", super}},
		"χ²/V":         {{"χ", onLine}, {"2", super}, {"/V", onLine}},
		"x⁻¹⁰":         {{"x", onLine}, {"−10", super}},
		"χ₂":           {{"χ", onLine}, {"2", sub}},
		"⟨|M|⟩":        {{"⟨", onLine}, {"|M|", onLine}, {"⟩", onLine}},
		`train\_loss`:  {{"train_loss", onLine}},
		"a_ b^":        {{"a_ b^", onLine}},
		"C_{|M|}(t)":   {{"C", onLine}, {"|M|", sub}, {"(t)", onLine}},
		"x_{⟨φ⟩}":      {{"x", onLine}, {"⟨", sub}, {"φ", sub}, {"⟩", sub}},
		"half\\":       {{"half\\", onLine}},
		"x_{open":      {{"x_{open", onLine}},
		"e^{-t/τ_int}": {{"e", onLine}, {"−t/τ_int", super}},
	} {
		if got := parse(in); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, want %v", in, got, want)
		}
	}
}

func labels(ticks []plot.Tick) (out []string) {
	for _, t := range ticks {
		if !t.IsMinor() {
			out = append(out, t.Label)
		}
	}
	return out
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		log    bool
		lo, hi float64
		want   string
	}{
		{false, 0, 1, "0 0.2 0.4 0.6 0.8 1.0"},
		{false, -1, 1, "−1.0 −0.5 0 0.5 1.0"},
		{false, 0, 10, "0 2 4 6 8 10"},
		{false, 437.2, 581, "450 475 500 525 550 575"},
		{false, 0, 12000, "0 2500 5000 7500 10000"},
		{false, 0, 2e6, "0 0.5×10^{6} 1.0×10^{6} 1.5×10^{6} 2.0×10^{6}"},
		{false, -2e-5, 1e-6, "−2.0×10^{-5} −1.5×10^{-5} −1.0×10^{-5} −0.5×10^{-5} 0"},
		{true, 0.5, 20, "0.5 1 2 5 10 20"},
		{true, 0.01, 100, "0.01 0.1 1 10 100"},
		{true, 1e-6, 1, "10^{-6} 10^{-5} 10^{-4} 10^{-3} 10^{-2} 10^{-1} 10^{0}"},
		{true, 1e-12, 1e12, "10^{-12} 10^{-8} 10^{-4} 10^{0} 10^{4} 10^{8} 10^{12}"},
		{true, 1, 2, "1.0 1.2 1.4 1.6 1.8 2.0"},
	} {
		ticks := ticksOf(tt.log, 5).Ticks(tt.lo, tt.hi)
		if got := strings.Join(labels(ticks), " "); got != tt.want {
			t.Errorf("%v to %v: got %q, want %q", tt.lo, tt.hi, got, tt.want)
		}
		for _, k := range ticks {
			if k.Value < tt.lo || k.Value > tt.hi {
				t.Errorf("%v to %v: tick at %v", tt.lo, tt.hi, k.Value)
			}
		}
	}
}

// Whatever the range, the labels stand where they say, and there are a few of them.
func TestTickValues(t *testing.T) {
	for lo := -3.0; lo < 3; lo += 0.37 {
		for span := 0.011; span < 900; span *= 1.7 {
			n := 0
			for _, k := range (linearTicks{5}).Ticks(lo, lo+span) {
				if k.IsMinor() {
					continue
				}
				n++
				var v float64
				if _, err := fmt.Sscan(strings.Replace(k.Label, "−", "-", 1), &v); err != nil {
					t.Fatal(err)
				}
				if math.Abs(v-k.Value) > 1e-8*span {
					t.Errorf("label %s at %v", k.Label, k.Value)
				}
			}
			if n < 3 || n > 8 {
				t.Errorf("%v to %v: %d labels", lo, lo+span, n)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	for _, tt := range []struct {
		axis           Axis
		lo, hi, margin float64
		from, to       float64
	}{
		{Axis{}, 0, 10, 0.1, -1, 11},
		{Axis{}, 5, 5, 0.1, 2.5, 7.5},
		{Axis{}, 0, 0, 0, -0.5, 0.5},
		{Axis{Min: 1, Max: 2}, 0, 10, 0.1, 1, 2},
		{Axis{Log: true}, 1, 100, 0.5, 0.1, 1000},
		{Axis{Log: true}, 1, 1, 0, math.Pow(10, -0.05), math.Pow(10, 0.05)},
	} {
		from, to, err := tt.axis.limits(tt.lo, tt.hi, tt.margin)
		if err != nil || math.Abs(from-tt.from) > 1e-12 || math.Abs(to/tt.to-1) > 1e-12 {
			t.Errorf("%+v of %v to %v: got %v to %v, %v", tt.axis, tt.lo, tt.hi, from, to, err)
		}
	}
}

// Ten values in [0, 1): counts 4, 0, 5, 0 in quarters, one value outside.
func TestHistogramSteps(t *testing.T) {
	s := Sample{Values: []float64{0, 0.1, 0.2, 0.24, 0.5, 0.5, 0.6, 0.7, 0.74, 3}}
	outline, bars, err := s.steps(4, 0, 1, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{1.6, 1.6, 0, 0, 2, 2, 0, 0}; !slices.EqualFunc(outline.y, want, near) {
		t.Errorf("density %v, want %v", outline.y, want)
	}
	if want := []float64{0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75, 1}; !slices.EqualFunc(outline.x, want, near) {
		t.Errorf("edges %v, want %v", outline.x, want)
	}
	if want := []float64{0.125, 0.375, 0.625, 0.875}; !slices.EqualFunc(bars.x, want, near) {
		t.Errorf("bars at %v, want %v", bars.x, want)
	}
	// √(n(1-n/N))/(N·width) for n = 4.
	if e := math.Sqrt(4*0.6) / 10 / 0.25; !near(bars.hi[0]-bars.y[0], e) || !near(bars.y[0]-bars.lo[0], e) {
		t.Errorf("error %v, want %v", bars.hi[0]-bars.y[0], e)
	}
	s.Tau = 2
	_, wide, err := s.steps(4, 0, 1, 0.5)
	if err != nil || !near(wide.hi[0]-wide.y[0], 2*(bars.hi[0]-bars.y[0])) {
		t.Errorf("error with τ = 2: %v, %v", wide.hi[0]-wide.y[0], err)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-12 }

// log w = S_eff - S is 7 ± 1, in equal parts: its standard deviation is √(4/3).
func TestActionsShift(t *testing.T) {
	a := Actions{S: []float64{1, 2, 3, 4}, SEff: []float64{9, 8, 9, 12}}
	s, sd, err := a.shifted()
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{2, 1, 2, 5}; !slices.EqualFunc(s.X, want, near) || !slices.Equal(s.Y, a.S) {
		t.Errorf("got %v, %v, want %v, %v", s.X, s.Y, want, a.S)
	}
	if !near(sd, math.Sqrt(4.0/3)) {
		t.Errorf("standard deviation %v, want √(4/3)", sd)
	}
}

func TestAutocorrelationSeries(t *testing.T) {
	a := Correlation{C: []float64{4, 2, 1, 0.5, 3}, Err: []float64{0, 0.4, 0.4, 0.8, 0}, Step: 5}
	s, err := a.normalised()
	if err != nil {
		t.Fatal(err)
	}
	s.cutNoise()
	if !slices.EqualFunc(s.X, []float64{0, 5, 10}, near) || !slices.EqualFunc(s.Y, []float64{1, 0.5, 0.25}, near) ||
		!slices.EqualFunc(s.Err, []float64{0, 0.1, 0.1}, near) {
		t.Errorf("got %v, %v, %v", s.X, s.Y, s.Err)
	}
}

// The first row is on top and the last coordinate runs to the right; the colours are
// symmetric about zero.
func TestStripOrientation(t *testing.T) {
	field := Field2D{Rows: 2, Cols: 2, Values: []float64{-1, 0, 0, 1}}
	f, err := DenoisingStrip([][]Field2D{{field}}, []string{""}, DenoisingStripConfig{Scale: 1, Width: 4})
	img := decode(t, f, err)
	size := img.Bounds().Size()
	quarter := (size.X - 2*stripMargin) / 4
	bottom := size.Y - stripMargin
	at := func(row, col int) (r, b int) {
		u, _, v, _ := img.At(stripMargin+(2*col+1)*quarter, bottom-(3-2*row)*quarter).RGBA()
		return int(u >> 8), int(v >> 8)
	}
	if r, b := at(0, 0); b < r+100 {
		t.Errorf("top left is not blue: red %d, blue %d", r, b)
	}
	if r, b := at(1, 1); r < b+100 {
		t.Errorf("bottom right is not red: red %d, blue %d", r, b)
	}
	for _, p := range [][2]int{{0, 1}, {1, 0}} {
		if r, b := at(p[0], p[1]); max(r, b)-min(r, b) > 3 {
			t.Errorf("zero is not grey: red %d, blue %d", r, b)
		}
	}
}

func TestColumnScale(t *testing.T) {
	var a, b Field2D
	for i := range 50 {
		a.Values = append(a.Values, float64(i))
		b.Values = append(b.Values, -float64(50+i))
	}
	rows := [][]Field2D{{a}, {b}}
	// |φ| takes the values 0 to 99 once each.
	if got := columnScale(rows, 0, 0); got != 98 {
		t.Errorf("scale %v, want 98", got)
	}
	if got := columnScale(rows, 0, 7); got != 7 {
		t.Errorf("scale %v, want 7", got)
	}
	if got := columnScale([][]Field2D{{{Values: make([]float64, 4)}}}, 0, 0); got != 1 {
		t.Errorf("scale of a field of zeros %v, want 1", got)
	}
}

// Colours must stay apart as people without red or green cones see them, in the
// simulation of Viénot, Brettel and Mollon, Color Res. Appl. 24, 243 (1999), which mixes
// linear red and green by a share p (protanopia 0.112, deuteranopia 0.293) and keeps blue
// almost; a tenth of the range of one channel is plain to see.
func TestPalette(t *testing.T) {
	linear := func(c uint8) float64 { return math.Pow(float64(c)/255, 2.2) }
	for _, red := range []float64{0.112, 0.293} {
		seen := func(c color.NRGBA) [3]float64 {
			yellow := red*linear(c.R) + (1-red)*linear(c.G)
			return [3]float64{math.Pow(yellow, 1/2.2), math.Pow(yellow, 1/2.2), math.Pow(linear(c.B), 1/2.2)}
		}
		all := append([]color.NRGBA{ink}, okabeIto[:]...)
		for i, a := range all {
			for _, b := range all[:i] {
				u, v := seen(a), seen(b)
				if d := math.Hypot(math.Hypot(u[0]-v[0], u[1]-v[1]), u[2]-v[2]); d < 0.1 {
					t.Errorf("share %v of red: %v and %v are only %.3f apart", red, a, b, d)
				}
			}
		}
	}
}

// Inputs may be changed after the figure is made.
func TestCopies(t *testing.T) {
	x, y := []float64{1, 2, 3}, []float64{1, 4, 9}
	build := func() (*Figure, error) {
		return Lines([]Series{{X: x, Y: y, Err: y}}, LinesConfig{Options: Options{Width: 5, Height: 4}})
	}
	f, err := build()
	before := decode(t, f, err)
	x[1], y[1] = 100, -7
	if err := compare(before, decode(t, f, nil)); err != nil {
		t.Errorf("figure changed with its input: %v", err)
	}
}
