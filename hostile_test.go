package latdiff_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/internal/npz"
)

// TestHostileModels: a model file that asks for more than it brings is refused before memory
// is taken, and before anything is built.
func TestHostileModels(t *testing.T) {
	const (
		hollowFile = iota
		plaquetteFile
		unetFile
		boxFile
		siteFile
		paperFile
	)
	files := modelFiles(t)
	big := []int{1 << 15, 1 << 15}
	for name, c := range map[string]struct {
		file   int
		change func(meta, config map[string]any)
	}{
		"as it was":                    {hollowFile, nil},
		"a lattice without spectrum":   {boxFile, func(m, _ map[string]any) { m["dims"] = big }},
		"another lattice":              {hollowFile, func(m, _ map[string]any) { m["dims"] = big }},
		"extents that overflow":        {boxFile, func(m, _ map[string]any) { m["dims"] = []int{1 << 40, 1 << 40} }},
		"components":                   {hollowFile, func(m, _ map[string]any) { m["components"] = 1 << 40 }},
		"a wide layer":                 {hollowFile, func(_, c map[string]any) { c["hidden"] = 1 << 30 }},
		"a wide layer without weights": {hollowFile, func(_, c map[string]any) { c["hidden"] = 4096 }},
		"pairs without weights":        {hollowFile, func(_, c map[string]any) { c["pairs"] = 4096 }},
		"no layers":                    {unetFile, func(_, c map[string]any) { c["channels"] = make([]int, 100) }},
		"64 resolutions":               {unetFile, func(_, c map[string]any) { c["channels"] = slices.Repeat([]int{1}, 65) }},
		"a wide convolution":           {unetFile, func(_, c map[string]any) { c["channels"] = []int{1 << 30} }},
		"more blocks than weights":     {unetFile, func(_, c map[string]any) { c["blocks"] = 9 }},
		"a wide context":               {plaquetteFile, func(_, c map[string]any) { c["range"] = 4096 }},
		"a sharp lift":                 {plaquetteFile, func(m, _ map[string]any) { m["lift"] = map[string]any{"variance": 1e30, "cosines": []float64{1e30}} }},
		"a potential without range":    {hollowFile, func(m, _ map[string]any) { m["site"] = []float64{0, -1e308, 1e-300} }},
		"a steep potential":            {hollowFile, func(m, _ map[string]any) { m["site"] = []float64{0, 0, -1e12, 0, 1e8} }},
		"many layers":                  {siteFile, func(_, c map[string]any) { c["layers"] = 1 << 30 }},
		"a wide embedding":             {paperFile, func(_, c map[string]any) { c["embedding"] = 1 << 30 }},
	} {
		text, numbers := described(t, files[c.file])
		var meta map[string]any
		if err := json.Unmarshal(text, &meta); err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(meta, meta["config"].(map[string]any))
		}
		b := must(modelArchive(must(json.Marshal(meta)), numbers))
		fuzztest.Bounded(t, len(b), func() {
			m, err := diffusion.ReadModel(bytes.NewReader(b), int64(len(b)))
			if err == nil {
				_, err = diffusion.NewSampler(backendtest.Open(), m, diffusion.SamplerConfig{Steps: 2, Batch: 1})
			}
			if (err == nil) != (c.change == nil) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// described returns the description in a model file, and the numbers of its spectra.
func described(t testing.TB, b []byte) (text, numbers []byte) {
	t.Helper()
	r := must(npz.NewReader(bytes.NewReader(b), int64(len(b))))
	text, _, err := npz.Read[uint8](r, "meta")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"spectrum", "residual"} {
		if x, _, err := npz.Read[float64](r, name); err == nil {
			numbers = must(binary.Append(numbers, binary.LittleEndian, x))
		}
	}
	return text, numbers
}
