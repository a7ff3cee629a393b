package figure

import (
	"bytes"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the images in testdata")

const maxFile = 150_000

// golden figures, each with data that any run reproduces.
var golden = map[string]func() (*Figure, error){
	"strip": func() (*Figure, error) {
		return DenoisingStrip(stripFields(32, 9.9, 3.1, 1, 0.3, 0), []string{"σ = 9.9", "σ = 3.1", "σ = 1", "σ = 0.3", "σ = 0"},
			DenoisingStripConfig{Bar: true})
	},
	"strip_scale": func() (*Figure, error) {
		return DenoisingStrip(stripFields(16, 1, 0.5, 0), []string{"τ = 0", "τ = 0.5", "τ = 1"},
			DenoisingStripConfig{Title: "κ = 0.5, λ = 0.022, 16²", Scale: 2, Bar: true, Width: 7})
	},
	"histograms": func() (*Figure, error) {
		rng := rand.New(rand.NewPCG(1, 5))
		draw := func(n int, s float64) []float64 {
			x := make([]float64, n)
			for i := range x {
				x[i] = 0.2*rng.NormFloat64()*s + math.Copysign(0.8, rng.Float64()-0.5)
			}
			return x
		}
		p := func(x float64) float64 {
			g := func(d float64) float64 { return math.Exp(-d*d/0.08) / math.Sqrt(0.08*math.Pi) }
			return (g(x-0.8) + g(x+0.8)) / 2
		}
		return Histograms([]Sample{
			{Name: "HMC", Values: draw(1024, 1)},
			{Name: "DM", Values: draw(1024, 1.1)},
			{Name: "DM-MC", Values: draw(5120, 1), Tau: 2.1},
		}, HistogramsConfig{Exact: p, Options: Options{Title: "φ⁴ on 32², κ = 0.27, λ = 0.022"}})
	},
	"actions": func() (*Figure, error) {
		rng := rand.New(rand.NewPCG(2, 5))
		draw := func(sd, slope float64) (s, seff []float64) {
			for range 1024 {
				v := 20 * rng.NormFloat64()
				s = append(s, 512+v)
				seff = append(seff, -300+slope*v+sd*rng.NormFloat64())
			}
			return s, seff
		}
		a, ae := draw(4.2, 1)
		b, be := draw(0.6, 1)
		return ActionScatter([]Actions{{Name: "U-Net", S: a, SEff: ae}, {Name: "equivariant", S: b, SEff: be}}, ActionScatterConfig{})
	},
	"autocorrelation": func() (*Figure, error) {
		return Autocorrelation(correlations(), AutocorrelationConfig{
			Options: Options{Y: Axis{Label: "C_{⟨|M|⟩}(t)/C_{⟨|M|⟩}(0)"}, Note: "32², κ = 0.27"}})
	},
	"autocorrelation_log": func() (*Figure, error) {
		return Autocorrelation(correlations(), AutocorrelationConfig{Options: Options{Y: Axis{Log: true}}})
	},
	"loss": func() (*Figure, error) {
		rng := rand.New(rand.NewPCG(3, 5))
		var x, y, avg []float64
		for i := range 3000 {
			step := float64(i + 1)
			mean := 0.05 + 3/(1+step/20)
			x, y, avg = append(x, step), append(y, mean*math.Exp(0.2*rng.NormFloat64())), append(avg, mean)
		}
		return Lines([]Series{
			{Name: "batch", X: x, Y: y, Color: SkyBlue},
			{Name: "average", X: x, Y: avg, Color: Blue},
		}, LinesConfig{Options: Options{X: Axis{Label: "training step", Log: true}, Y: Axis{Label: "loss", Log: true}}})
	},
	"drift": func() (*Figure, error) {
		var series []Series
		for _, sigma := range []float64{0.1, 0.3, 1, 3, 10} {
			var x, k, e []float64
			for i := range 81 {
				v := -4 + 0.1*float64(i)
				x = append(x, v)
				k = append(k, (2*math.Tanh(2*v/(0.5+sigma))-v)/(0.5+sigma))
				e = append(e, k[i]*1.03)
			}
			series = append(series, Series{X: x, Y: k, Level: sigma}, Series{X: x, Y: e, Level: sigma, Style: Dashed})
		}
		series[0].Name, series[1].Name = "model", "exact"
		return Lines(series, LinesConfig{
			Options: Options{X: Axis{Label: "φ"}, Y: Axis{Label: "K_σ(φ) = ∂_φ log q_σ(φ)"}, Note: "μ² = −1, g = 0.4"},
			Levels:  &Levels{Label: "σ", Log: true},
		})
	},
	"acceptance": func() (*Figure, error) {
		k := []float64{0.2, 0.22, 0.24, 0.25, 0.26, 0.27, 0.28, 0.3}
		a := []float64{0.81, 0.79, 0.74, 0.7, 0.66, 0.6, 0.57, 0.59}
		b := []float64{0.62, 0.6, 0.53, 0.49, 0.42, 0.33, 0.35, 0.41}
		e := []float64{0.01, 0.012, 0.01, 0.015, 0.015, 0.02, 0.02, 0.03}
		return Lines([]Series{
			{Name: "equivariant", X: k, Y: a, Err: e, Style: Joined},
			{Name: "U-Net", X: k, Y: b, Err: e, Style: Markers},
			{Name: "erfc(sd(log w)/2)", X: k, Y: a, Err: e, Color: Blue},
		}, LinesConfig{
			Options:    Options{X: Axis{Label: "κ"}, Y: Axis{Label: "acceptance", Min: 0, Max: 1}},
			References: []Reference{{Label: "published, 0.50(5)", Value: 0.5, Err: 0.05}},
		})
	},
}

// stripFields returns four samples, smooth fields with noise of each of the levels.
func stripFields(n int, sigmas ...float64) [][]Field2D {
	rng := rand.New(rand.NewPCG(4, uint64(n)))
	rows := make([][]Field2D, 4)
	for i := range rows {
		phase := float64(2 * i)
		for _, sigma := range sigmas {
			f := Field2D{Rows: n, Cols: n}
			for y := range n {
				for x := range n {
					u, v := 2*math.Pi*float64(x)/float64(n), 2*math.Pi*float64(y)/float64(n)
					f.Values = append(f.Values, math.Sin(u+phase)+0.7*math.Cos(2*v-u+phase)+(sigma+0.1)*rng.NormFloat64())
				}
			}
			rows[i] = append(rows[i], f)
		}
	}
	return rows
}

func correlations() []Correlation {
	var out []Correlation
	for i, tau := range []float64{30, 6, 0.7} {
		c := Correlation{Name: []string{"Metropolis", "HMC", "DM-MC"}[i]}
		rng := rand.New(rand.NewPCG(6, uint64(i)))
		for t := range 41 {
			c.C = append(c.C, 2.5*(math.Exp(-float64(t)/tau)+0.01*math.Sqrt(float64(t))*rng.NormFloat64()))
			c.Err = append(c.Err, 2.5*0.015*math.Sqrt(float64(t)))
		}
		out = append(out, c)
	}
	return out
}

func TestGolden(t *testing.T) {
	for name, build := range golden {
		t.Run(name, func(t *testing.T) {
			f, err := build()
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := f.WritePNG(&got); err != nil {
				t.Fatal(err)
			}
			if got.Len() > maxFile {
				t.Errorf("file of %d bytes, want at most %d", got.Len(), maxFile)
			}
			path := filepath.Join("testdata", name+"_golden.png")
			if *update {
				if err := f.Save(path); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := sameImage(&got, bytes.NewReader(want)); err != nil {
				t.Error(err)
			}
		})
	}
}

// sameImage compares images up to what a different rounding of coordinates does to the
// anti-aliased edges.
func sameImage(got, want io.Reader) error {
	a, err := png.Decode(got)
	if err != nil {
		return err
	}
	b, err := png.Decode(want)
	if err != nil {
		return err
	}
	return compare(a, b)
}

func compare(a, b image.Image) error {
	if a.Bounds() != b.Bounds() {
		return errors.New("images of different size")
	}
	const tolerance, most = 0x1000, 20
	differ := 0
	r := a.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			if apart(ar, br) > tolerance || apart(ag, bg) > tolerance || apart(ab, bb) > tolerance {
				differ++
			}
		}
	}
	if differ > most {
		return errors.New("image differs from the one in testdata")
	}
	return nil
}

func apart(a, b uint32) uint32 { return max(a, b) - min(a, b) }
