package interchange

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/stats"
)

func series(steps []int, values ...float64) stats.Replica {
	return stats.Replica{Steps: steps, Values: values}
}

// two is an ensemble with gaps, a stride and an observable without given steps.
func two() Ensemble {
	return Ensemble{Name: "phi4", Observables: []Observable{
		{"|M|", []Replica{
			{"r0", series([]int{2, 3, 7, 8, 9}, 0.25, 1e-300, -3, 1.0/3, 1e10)},
			{"r1", series([]int{10, 14, 18, 22, 26}, 1, 2, 3, 4, 5)},
		}},
		{"φ²", []Replica{{"r0", series(nil, 4, 5, 6, 7, 9)}}},
	}}
}

// What is written is read: names, steps, and values to the rounding of mean and deviation.
func TestRoundTrip(t *testing.T) {
	other := Ensemble{Name: "second", Observables: []Observable{{"Q", []Replica{{"only", series(nil, 1, 0, -1, 0, 2)}}}}}
	var b bytes.Buffer
	if err := WritePyerrors(&b, `two "ensembles"`, two(), other); err != nil {
		t.Fatal(err)
	}
	first := bytes.Clone(b.Bytes())
	description, got, err := ReadPyerrors(&b)
	if err != nil || description != `two "ensembles"` || len(got) != 2 || got[1].Name != "second" {
		t.Fatalf("read %q, %+v, %v", description, got, err)
	}
	for k, want := range two().Observables {
		o := got[0].Observables[k]
		if o.Name != want.Name || len(o.Replicas) != len(want.Replicas) {
			t.Fatalf("read %+v, want %+v", o, want)
		}
		for r, w := range want.Replicas {
			g := o.Replicas[r]
			if g.Name != w.Name || len(g.Values) != len(w.Values) {
				t.Fatalf("read %+v, want %+v", g, w)
			}
			for i, v := range w.Values {
				if g.Steps[i] != w.step(i) || math.Abs(g.Values[i]-v) > 1e-15*2e9 {
					t.Errorf("%s, %s: read %v at %d, want %v at %d", o.Name, w.Name, g.Values[i], g.Steps[i], v, w.step(i))
				}
			}
		}
	}
	var again bytes.Buffer
	if err := WritePyerrors(&again, `two "ensembles"`, two(), other); err != nil || !bytes.Equal(again.Bytes(), first) {
		t.Errorf("the bytes of a second file differ (%v)", err)
	}
}

// A file that pyerrors 2.17.0 wrote (an Obs with gaps and strides, a ratio, a list and an array
// of two by two), and what its gamma_method() gives. pyerrors subtracts the mean of each replica,
// so that these are shifted to have one before the comparison.
func TestReadPyerrors(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "pyerrors.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	description, ensembles, err := ReadPyerrors(f)
	if err != nil || description != "made by pyerrors" || len(ensembles) != 2 || ensembles[0].Name != "A" || ensembles[1].Name != "B" {
		t.Fatalf("read %q, %d ensembles, %v", description, len(ensembles), err)
	}
	want := []struct {
		name                        string
		value, err, tau, errorOfTau float64
	}{
		{"gaps", -0.18768125, 0.11053199569353526, 1.6157932371392423, 0.4829201393535416},
		{"obs1", 0.7098648488295491, 0.02919599119258362, 1.8307709806237222, 0.6364244791774444},
		{"plain", 4.857608, 0.21535673443123177, 3.143636961812367, 1.2221705361272075},
		{"obs2[1]", 6.843004, 0.19583132312507123, 2.7142505158088968, 0.9920687892571154},
		{"plain", 4.857608, 0.21535673443123177, 3.143636961812367, 1.2221705361272075},
		{"obs3[1]", 6.843004, 0.19583132312507123, 2.7142505158088968, 0.9920687892571154},
		{"obs3[2]", 0.7098648488295491, 0.02919599119258362, 1.8307709806237222, 0.6364244791774444},
		{"obs3[3]", 33.240630974432, 2.385306498634954, 5.537225964985502, 2.3315869255742387},
	}
	all := slices.Concat(ensembles[0].Observables, ensembles[1].Observables)
	if len(all) != len(want) {
		t.Fatalf("read %d observables, want %d", len(all), len(want))
	}
	for k, w := range want {
		mean := meanOf(all[k])
		if all[k].Name != w.name || math.Abs(mean-w.value) > 1e-12*math.Abs(w.value) {
			t.Errorf("read %s = %v, want %s = %v", all[k].Name, mean, w.name, w.value)
		}
		s := all[k].Series()
		for _, r := range s {
			shift := mean - meanOf(Observable{Replicas: []Replica{{"", r}}})
			for i := range r.Values {
				r.Values[i] += shift
			}
		}
		g, err := stats.GammaMethodSteps(s, stats.GammaConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(g.Tau.Value-w.tau) > 1e-9 || w.name != "gaps" && math.Abs(g.Tau.Error-w.errorOfTau) > 1e-9 {
			t.Errorf("%s: τ_int = %v ± %v, pyerrors has %v ± %v", w.name, g.Tau.Value, g.Tau.Error, w.tau, w.errorOfTau)
		}
		if w.name == "gaps" {
			if g.Spacing != 1 || !(g.Mean.Error < w.err) || !(g.Mean.Error > 0.75*w.err) {
				t.Errorf("gaps: error %v in units of %d, want a little less than %v", g.Mean.Error, g.Spacing, w.err)
			}
		} else if math.Abs(g.Mean.Error-w.err) > 1e-9*w.err {
			t.Errorf("%s: error %v, pyerrors has %v", w.name, g.Mean.Error, w.err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	row := `{"obsdata": [{"type": "Obs", "value": [1], "data": [{"id": "A", "replica": [{"name": "A|r", "deltas": %}]}]}]}`
	for name, text := range map[string]string{
		"nothing":               "",
		"no gzip":               "\x1f\x8bxx",
		"no structure":          `{"obsdata": []}`,
		"a correlator":          `{"obsdata": [{"type": "Corr", "value": [1]}]}`,
		"no value":              `{"obsdata": [{"type": "Obs", "value": [], "data": [{"id": "A"}]}]}`,
		"no replica":            `{"obsdata": [{"type": "Obs", "value": [1], "data": [{"id": "A"}]}]}`,
		"two ensembles":         `{"obsdata": [{"type": "Obs", "value": [1], "data": [{"id": "A"}, {"id": "B"}]}]}`,
		"a covariance":          `{"obsdata": [{"type": "Obs", "value": [1], "cdata": [{}]}]}`,
		"no measurement":        strings.Replace(row, "%", "[]", 1),
		"no step":               strings.Replace(row, "%", "[[0.5]]", 1),
		"half a step":           strings.Replace(row, "%", "[[0.5, 1]]", 1),
		"a step beyond 32 bits": strings.Replace(row, "%", "[[1e18, 1]]", 1),
		"descending steps":      strings.Replace(row, "%", "[[2, 1], [1, 1]]", 1),
		"NaN":                   strings.Replace(row, "%", "[[2, NaN]]", 1),
	} {
		if d, e, err := ReadPyerrors(strings.NewReader(text)); err == nil {
			t.Errorf("%s: read %q %+v", name, d, e)
		}
	}
	if d, e, err := ReadPyerrors(strings.NewReader(strings.Replace(row, "%", "[[2, 0.5]]", 1))); err != nil || d != "" || e[0].Observables[0].Replicas[0].Values[0] != 1.5 {
		t.Errorf("plain text: %q %+v %v", d, e, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	good := series(nil, 1, 2)
	of := func(r ...Replica) Ensemble { return Ensemble{"e", []Observable{{"o", r}}} }
	for name, e := range map[string]Ensemble{
		"no name":          {"", two().Observables},
		"a bar":            {"a|b", two().Observables},
		"no observable":    {"e", nil},
		"no replica":       of(),
		"no replica name":  of(Replica{"", good}),
		"a name twice":     of(Replica{"r", good}, Replica{"r", good}),
		"no value":         of(Replica{"r", series(nil)}),
		"NaN":              of(Replica{"r", series(nil, math.NaN())}),
		"missing steps":    of(Replica{"r", series([]int{1}, 1, 2)}),
		"descending steps": of(Replica{"r", series([]int{2, 1}, 1, 2)}),
		"observable twice": {"e", []Observable{{"o", []Replica{{"r", good}}}, {"o", []Replica{{"r", good}}}}},
	} {
		if err := WritePyerrors(&bytes.Buffer{}, "", e); err == nil {
			t.Errorf("pyerrors: %s: accepted", name)
		}
		if err := WriteInferenceData(filepath.Join(t.TempDir(), "x"), "", e); err == nil {
			t.Errorf("InferenceData: %s: accepted", name)
		}
	}
	for name, o := range map[string][]Observable{
		"other steps":       two().Observables[:1],
		"a dimension":       {{"draw", []Replica{{"r", good}}}},
		"a path":            {{"a/b", []Replica{{"r", good}}}},
		"a parent":          {{"..", []Replica{{"r", good}}}},
		"numbers of chains": two().Observables,
	} {
		if err := WriteInferenceData(filepath.Join(t.TempDir(), "x"), "", Ensemble{"e", o}); err == nil {
			t.Errorf("InferenceData: %s: accepted", name)
		}
	}
	folder := t.TempDir()
	if err := WriteInferenceData(folder, "", of(Replica{"r", good})); err == nil {
		t.Error("replaced a folder that is no Zarr store")
	}
}

// The store holds the values as little-endian numbers, chain by chain, cut to the shortest, with
// the metadata of the format; writing it again replaces it.
func TestInferenceData(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "series.zarr")
	e := Ensemble{"e", []Observable{{"o", []Replica{
		{"a", series([]int{3, 6, 9}, 1, 2.5, -3)}, {"b", series([]int{3, 6}, 4, 5)},
	}}}}
	for range 2 {
		if err := WriteInferenceData(folder, "text", e); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	values, draws := make([]float64, 4), make([]int64, 2)
	for name, into := range map[string]any{"posterior/o/0.0": values, "posterior/draw/0": draws} {
		if err := binary.Read(bytes.NewReader(read(name)), binary.LittleEndian, into); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(values, []float64{1, 2.5, 4, 5}) || !slices.Equal(draws, []int64{3, 6}) {
		t.Errorf("values %v, draws %v", values, draws)
	}
	var all struct {
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(read(".zmetadata"), &all); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if name := d.Name(); strings.HasPrefix(name, ".z") && name != ".zmetadata" {
			files++
			rel, _ := filepath.Rel(folder, path)
			var here, there any
			if e := errors.Join(json.Unmarshal(read(filepath.ToSlash(rel)), &here), json.Unmarshal(all.Metadata[filepath.ToSlash(rel)], &there)); e != nil {
				t.Error(rel, e)
			}
		}
		return err
	})
	if err != nil || files != 10 || files != len(all.Metadata) {
		t.Errorf("%d files of metadata, %d together, want 10 (%v)", files, len(all.Metadata), err)
	}
	var array struct {
		Shape, Chunks []int
		Dtype         string
	}
	if err := json.Unmarshal(all.Metadata["posterior/o/.zarray"], &array); err != nil || !slices.Equal(array.Shape, []int{2, 2}) || array.Dtype != "<f8" {
		t.Errorf("metadata %+v, %v", array, err)
	}
}

// No text makes the reader do anything but return what can be written again, or an error.
func FuzzReadPyerrors(f *testing.F) {
	var b bytes.Buffer
	if err := WritePyerrors(&b, "", two()); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"obsdata": [{"type": "List", "tag": [null, "x"], "value": [1, 2], "data": [{"id": "A", "replica": [{"name": "A", "deltas": [[1, 0, 2], [2, 1, 1e308]]}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, ensembles, err := ReadPyerrors(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, e := range ensembles {
			for _, o := range e.Observables {
				if err := o.check(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
