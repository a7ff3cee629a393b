package difftest_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/difftest"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
)

// local is a network as a user could write it: out = w₀ φ + w₁ φ³ at every site, with the
// faults that its name says.
type local struct {
	Fault string `json:"fault"`
}

const localKind = "difftest-local"

func init() {
	diffusion.RegisterNetwork(localKind, func(config json.RawMessage) (local, error) {
		var l local
		err := json.Unmarshal(config, &l)
		if l.Fault == "file" {
			l.Fault = "none"
		}
		return l, err
	})
}

func (l local) Kind() string { return localKind }

func (l local) Config() any { return l }

func (l local) Adapt(t diffusion.Theory) (diffusion.Architecture, error) {
	if l.Fault == "adapt" {
		return local{"adapted"}, nil
	}
	if l.Fault == "adapted" {
		return local{"adapt"}, nil
	}
	return l, nil
}

func (l local) ApplyDivergence(scope *model.Scope, in diffusion.Inputs) (out, divergence *graph.Node) {
	x := in.Field
	weight := func(name string, value float32) *graph.Node {
		v := scope.GetVariable(name)
		if v == nil {
			v = scope.VariableWithValue(name, []float32{value})
		}
		w := graph.ConvertDType(v.NodeValue(x.Graph()), x.DType())
		if l.Fault == "gradient" {
			w = graph.StopGradient(w)
		}
		ones := make([]int, x.Rank())
		for i := range ones {
			ones[i] = 1
		}
		return graph.BroadcastToDims(graph.Reshape(w, ones...), x.Shape().Dimensions...)
	}
	start := float32(0)
	if l.Fault == "alive" {
		start = 0.1
	}
	w0, w1 := weight("linear", start), weight("cubic", 0)
	square := graph.Square(x)
	out = graph.Add(graph.Mul(w0, x), graph.Mul(w1, graph.Mul(x, square)))
	slope := graph.Add(w0, graph.MulScalar(graph.Mul(w1, square), 3))
	switch l.Fault {
	case "divergence":
		slope = graph.MulScalar(slope, 1.001)
	case "sign":
		out = graph.Add(out, w0)
	case "translation":
		// One site is unlike the others.
		first := graph.Iota(x.Graph(), x.Shape(), 2)
		out, slope = graph.Mul(out, first), graph.Mul(slope, first)
	case "batch":
		out = graph.Add(out, graph.BroadcastToDims(graph.Mul(graph.ReduceAndKeep(x, graph.ReduceMean, 0), graph.SliceAxis(w0, 0, graph.AxisElem(0))), x.Shape().Dimensions...))
	}
	return out, graph.ReduceSum(graph.Reshape(slope, x.Shape().Dimensions[0], -1), 1)
}

// recorder notes what a test complains about.
type recorder struct {
	testing.TB
	messages []string
}

func (r *recorder) Errorf(format string, args ...any) { r.messages = append(r.messages, format) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Helper() {}

// complaints returns what TestNetwork has against a network.
func complaints(t *testing.T, network diffusion.Architecture, cfg difftest.Config) string {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		difftest.TestNetwork(r, backendtest.Open(), network, cfg)
	}()
	<-done
	return strings.Join(r.messages, "\n")
}

// A network that is right passes, and every fault is found.
func TestFaults(t *testing.T) {
	lat, err := lattice.New(3, 3)
	if err != nil {
		t.Fatal(err)
	}
	other, err := lattice.New(4, 2)
	if err != nil {
		t.Fatal(err)
	}
	symmetries := lattice.Symmetries{Sign: true, Translation: true, Reflection: true, Exchange: true}
	cfg := difftest.Config{Layout: lattice.Scalar(lat), Symmetries: &symmetries, Other: other}
	for fault, want := range map[string]string{
		"":            "",
		"alive":       "vanishes with fresh weights",
		"divergence":  "finite differences give",
		"sign":        "expected a score that is equivariant",
		"translation": "expected a score that is equivariant",
		"batch":       "shared by all samples",
		"gradient":    "along the gradient of",
		"adapt":       "expected an adapted network to stay as it is",
		"file":        "in the file",
	} {
		got := complaints(t, local{fault}, cfg)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("fault %q: expected a complaint about %q, got:\n%s", fault, want, got)
		}
	}
	// A network that keeps more than it is said to keep cannot describe the theory.
	uneven := symmetries
	uneven.Sign = false
	cfg.Symmetries = &uneven
	if got := complaints(t, local{}, cfg); !strings.Contains(got, "expected a score that is not equivariant") {
		t.Errorf("an odd network for a theory that is not even: got %q", got)
	}
}

// The models that need no network pass the tests of scores.
func TestGaussians(t *testing.T) {
	lat, err := lattice.New(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	even := lattice.Symmetries{Sign: true, Translation: true, Reflection: true}
	uneven := even
	uneven.Sign = false
	for _, c := range []struct {
		cfg   diffusion.ModelConfig
		keeps lattice.Symmetries
	}{
		{diffusion.ModelConfig{Layout: lattice.Scalar(lat)}, even},
		{diffusion.ModelConfig{Layout: lattice.Scalar(lat), Order: 3}, even},
		{diffusion.ModelConfig{Layout: lattice.Scalar(lat), Mean: []float64{0.4}}, uneven},
		{diffusion.ModelConfig{Layout: lattice.Layout{Lattice: lat, Components: 2}, Mean: []float64{0.4, -0.1}}, uneven},
	} {
		for i := range c.cfg.Layout.Size() {
			c.cfg.Spectrum = append(c.cfg.Spectrum, float64(i/lat.Volume()+1))
		}
		g, err := diffusion.NewGaussian(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		difftest.TestScore(t, backendtest.Open(), g, difftest.Config{Keeps: &c.keeps})
	}
}
