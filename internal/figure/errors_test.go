package figure

import (
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	xs := []float64{1, 2, 3}
	lines := func(s Series, o Options) func() (*Figure, error) {
		return func() (*Figure, error) { return Lines([]Series{s}, LinesConfig{Options: o}) }
	}
	good := Series{Name: "a", X: xs, Y: xs}
	long := Series{Name: strings.Repeat("long ", 60), X: xs, Y: xs}
	field := Field2D{Rows: 2, Cols: 2, Values: []float64{1, 2, 3, 4}}
	stripOf := func(f Field2D) func() (*Figure, error) {
		return func() (*Figure, error) {
			return DenoisingStrip([][]Field2D{{field, f}}, []string{"a", "b"}, DenoisingStripConfig{})
		}
	}
	histogram := func(s Sample, cfg HistogramsConfig) func() (*Figure, error) {
		return func() (*Figure, error) { return Histograms([]Sample{s}, cfg) }
	}
	scatter := func(a Actions, o Options) func() (*Figure, error) {
		return func() (*Figure, error) { return ActionScatter([]Actions{a}, ActionScatterConfig{Options: o}) }
	}
	correlation := func(c Correlation, o Options) func() (*Figure, error) {
		return func() (*Figure, error) {
			return Autocorrelation([]Correlation{c}, AutocorrelationConfig{Options: o})
		}
	}
	reference := func(r Reference, o Options) func() (*Figure, error) {
		return func() (*Figure, error) {
			return Lines([]Series{good}, LinesConfig{Options: o, References: []Reference{r}})
		}
	}
	levels := func(l *Levels, s Series) func() (*Figure, error) {
		return func() (*Figure, error) { return Lines([]Series{s}, LinesConfig{Levels: l}) }
	}
	for name, tt := range map[string]struct {
		build func() (*Figure, error)
		want  string
	}{
		"no series":             {func() (*Figure, error) { return Lines(nil, LinesConfig{}) }, "at least one series"},
		"no points":             {lines(Series{Name: "a"}, Options{}), `x of "a"`},
		"lengths":               {lines(Series{X: xs, Y: xs[:2]}, Options{}), "expected 3 values y"},
		"error lengths":         {lines(Series{X: xs, Y: xs, Err: xs[:1]}, Options{}), "as many errors"},
		"no errors":             {lines(Series{X: xs, Y: xs, Err: []float64{}}, Options{}), "as many errors"},
		"NaN x":                 {lines(Series{X: []float64{1, nan, 2}, Y: xs}, Options{}), "finite x, got NaN at index 1"},
		"infinite y":            {lines(Series{X: xs, Y: []float64{inf, 1, 1}}, Options{}), "finite y, got +Inf at index 0"},
		"negative error":        {lines(Series{X: xs, Y: xs, Err: []float64{1, -1, 1}}, Options{}), "not negative, got -1 at index 1"},
		"style":                 {lines(Series{X: xs, Y: xs, Style: styleEnd}, Options{}), "a style and a colour"},
		"color":                 {lines(Series{X: xs, Y: xs, Color: colorEnd}, Options{}), "a style and a colour"},
		"zero on log x":         {lines(Series{X: []float64{0, 1, 2}, Y: xs}, Options{X: Axis{Log: true}}), "positive values"},
		"negative on log y":     {lines(Series{X: xs, Y: []float64{1, -1, 2}}, Options{Y: Axis{Log: true}}), "positive values"},
		"limits in wrong order": {lines(good, Options{X: Axis{Min: 2, Max: 1}}), "increasing order"},
		"limits too close":      {lines(good, Options{X: Axis{Min: 1, Max: 1 + 1e-12}}), "further apart"},
		"limits NaN":            {lines(good, Options{Y: Axis{Min: nan}}), "finite limits"},
		"log limits":            {lines(good, Options{Y: Axis{Min: -1, Max: 1, Log: true}}), "positive limits"},
		"outside limits":        {lines(good, Options{X: Axis{Min: 5, Max: 6}}), "inside the ranges"},
		"range overflow":        {lines(Series{X: xs, Y: []float64{-1e308, 0, 1e308}}, Options{}), "narrower range"},
		"error overflow":        {lines(Series{X: xs, Y: []float64{0, 0, 1e308}, Err: []float64{0, 0, 1e308}}, Options{}), "narrower range"},
		"width":                 {lines(good, Options{Width: -1}), "a width between 4 and 60"},
		"height":                {lines(good, Options{Height: nan}), "a height between 4 and 60"},
		"glyph":                 {lines(good, Options{X: Axis{Label: "∇S"}}), "'∇'"},
		"glyph in title":        {lines(good, Options{Title: "中"}), "Liberation Sans"},
		"glyph in note":         {lines(good, Options{Note: "a\n中"}), "Liberation Sans"},
		"two lines":             {lines(good, Options{Title: "a\nb"}), "on one line"},
		"bad UTF-8":             {lines(good, Options{Title: "\xff"}), "UTF-8"},
		"long name":             {lines(long, Options{}), "room for the plot"},
		"reference":             {reference(Reference{Value: nan}, Options{}), "finite reference"},
		"reference on log":      {reference(Reference{}, Options{Y: Axis{Log: true}}), "finite reference"},
		"reference label":       {reference(Reference{Label: "中"}, Options{}), "Liberation Sans"},
		"level":                 {levels(&Levels{Log: true}, good), "finite levels"},
		"no levels":             {levels(&Levels{}, Series{X: xs, Y: xs, Color: Blue}), "coloured by its level"},
		"level label":           {levels(&Levels{Label: "中"}, good), "Liberation Sans"},
		"too many names": {func() (*Figure, error) {
			many := make([]Series, 300)
			for i := range many {
				many[i] = good
			}
			return Lines(many, LinesConfig{})
		}, "room for the plot"},

		"no sample":     {func() (*Figure, error) { return Histograms(nil, HistogramsConfig{}) }, "at least one sample"},
		"empty sample":  {histogram(Sample{Name: "a"}, HistogramsConfig{}), `values of "a"`},
		"NaN sample":    {histogram(Sample{Values: []float64{nan}}, HistogramsConfig{}), "finite values"},
		"tau":           {histogram(Sample{Values: xs, Tau: 0.1}, HistogramsConfig{}), "autocorrelation time"},
		"bins":          {histogram(Sample{Values: xs}, HistogramsConfig{Bins: -1}), "number of bins"},
		"log variable":  {histogram(Sample{Values: xs}, HistogramsConfig{Options: Options{X: Axis{Log: true}}}), "linear axis"},
		"nothing shown": {histogram(Sample{Values: xs}, HistogramsConfig{Options: Options{X: Axis{Min: 7, Max: 8}}}), "got none"},
		"exact": {histogram(Sample{Values: xs}, HistogramsConfig{Exact: func(float64) float64 { return inf }}),
			`finite y of "exact"`},

		"no actions":       {func() (*Figure, error) { return ActionScatter(nil, ActionScatterConfig{}) }, "at least one series"},
		"action lengths":   {scatter(Actions{S: xs, SEff: xs[:2]}, Options{}), "as many actions"},
		"one action":       {scatter(Actions{S: xs[:1], SEff: xs[:1]}, Options{}), "at least 2"},
		"NaN action":       {scatter(Actions{S: []float64{1, nan}, SEff: xs[:2]}, Options{}), "finite"},
		"NaN S_eff":        {scatter(Actions{S: xs[:2], SEff: []float64{1, nan}}, Options{}), "finite effective actions"},
		"constant action":  {scatter(Actions{S: []float64{2, 2, 2}, SEff: xs}, Options{}), "constant"},
		"log action":       {scatter(Actions{S: xs, SEff: xs}, Options{X: Axis{Log: true}}), "linear axes"},
		"no correlation":   {func() (*Figure, error) { return Autocorrelation(nil, AutocorrelationConfig{}) }, "at least one"},
		"empty function":   {correlation(Correlation{Name: "a"}, Options{}), `entries of "a"`},
		"no variance":      {correlation(Correlation{C: []float64{0, 1}}, Options{}), "C(0)"},
		"NaN variance":     {correlation(Correlation{C: []float64{nan, 1}}, Options{}), "C(0)"},
		"infinite C":       {correlation(Correlation{C: []float64{inf, 1}}, Options{}), "finite y"},
		"C error lengths":  {correlation(Correlation{C: xs, Err: xs[:1]}, Options{}), "as many errors"},
		"time step":        {correlation(Correlation{C: xs, Step: -1}, Options{}), "time step"},
		"log time":         {correlation(Correlation{C: xs}, Options{X: Axis{Log: true}}), "linear time"},
		"all noise on log": {correlation(Correlation{C: xs, Err: []float64{2, 2, 2}}, Options{Y: Axis{Log: true}}), "got none"},

		"no fields": {func() (*Figure, error) { return DenoisingStrip(nil, nil, DenoisingStripConfig{}) }, "one row and one column"},
		"missing titles": {func() (*Figure, error) {
			return DenoisingStrip([][]Field2D{{field}}, []string{"a", "b"}, DenoisingStripConfig{})
		}, "2 fields in row 0"},
		"field length":  {stripOf(Field2D{Rows: 2, Cols: 2, Values: xs}), "Rows·Cols values"},
		"field extents": {stripOf(Field2D{Rows: -1, Cols: -1, Values: xs[:1]}), "Rows·Cols values"},
		"other lattice": {stripOf(Field2D{Rows: 1, Cols: 3, Values: xs}), "one lattice"},
		"NaN field":     {stripOf(Field2D{Rows: 2, Cols: 2, Values: []float64{1, 2, nan, 3}}), "finite values of field (0, 1)"},
		"scale": {func() (*Figure, error) {
			return DenoisingStrip([][]Field2D{{field}}, []string{"a"}, DenoisingStripConfig{Scale: -1})
		}, "a scale"},
		"strip width": {func() (*Figure, error) {
			return DenoisingStrip([][]Field2D{{field}}, []string{"a"}, DenoisingStripConfig{Width: 1})
		}, "a width"},
		"strip title": {func() (*Figure, error) {
			return DenoisingStrip([][]Field2D{{field}}, []string{"中"}, DenoisingStripConfig{})
		}, "Liberation Sans"},
		"strip too wide": {func() (*Figure, error) {
			f := Field2D{Rows: 1, Cols: 20000, Values: make([]float64, 20000)}
			return DenoisingStrip([][]Field2D{{f}}, []string{"a"}, DenoisingStripConfig{})
		}, "fit into"},
	} {
		f, err := tt.build()
		if err == nil || f != nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if msg := err.Error(); !strings.HasPrefix(msg, "figure: ") || !strings.Contains(msg, tt.want) {
			t.Errorf("%s: got %q, want it to contain %q", name, msg, tt.want)
		}
	}
}

// Data of any size must give an error or a picture.
func TestExtremeData(t *testing.T) {
	sizes := []float64{0, 5e-324, 1e-300, 1e-9, 1, 1e9, 1e15, 1e300, 1.7e308}
	rng := rand.New(rand.NewPCG(7, 5))
	value := func() float64 {
		v := sizes[rng.IntN(len(sizes))] * (0.5 + 0.5*rng.Float64())
		if rng.IntN(3) == 0 {
			v = -v
		}
		return v
	}
	drawn := 0
	for range 400 {
		var s Series
		n := 1 + rng.IntN(4)
		for range n {
			s.X, s.Y, s.Err = append(s.X, value()), append(s.Y, value()), append(s.Err, math.Abs(value()))
		}
		s.Style, s.Level = Style(rng.IntN(int(styleEnd))), value()
		cfg := LinesConfig{Options: Options{Width: 4, Height: 4}}
		cfg.X.Log, cfg.Y.Log = rng.IntN(4) == 0, rng.IntN(4) == 0
		if rng.IntN(2) == 0 {
			cfg.Y.Min, cfg.Y.Max = value(), value()
		}
		if rng.IntN(4) == 0 {
			cfg.Levels = &Levels{Log: rng.IntN(2) == 0}
		}
		f, err := Lines([]Series{s}, cfg)
		if err != nil {
			continue
		}
		drawn++
		if err := f.WritePNG(io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	if drawn < 40 {
		t.Errorf("only %d figures drawn, the test sees little", drawn)
	}
}

func TestSave(t *testing.T) {
	f, err := Lines([]Series{{X: []float64{1, 2}, Y: []float64{1, 2}}}, LinesConfig{Options: Options{Width: 5, Height: 4}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := f.Save(filepath.Join(dir, "a.pdf")); err == nil {
		t.Error("a PDF was promised")
	}
	if err := f.Save(filepath.Join(dir, "missing", "a.png")); err == nil {
		t.Error("saved into a directory that does not exist")
	}
	path := filepath.Join(dir, "a.png")
	var first []byte
	for range 2 {
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		} else if string(first) != string(b) {
			t.Error("drawing twice gives two pictures")
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("expected one file, got %v, %v", entries, err)
	}
}
