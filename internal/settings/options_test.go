package settings

import (
	"flag"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
)

// Defaults follow the preset that the arguments name; the published model has the published
// recipe, of which flags change steps, batch and learning rate.
func TestPresets(t *testing.T) {
	flags := program.Flags{Out: "out", Backend: "go", Dims: "4x4", Kappa: 0.2, Lambda: 0.1}
	quick := Options{
		Flags: flags, Configurations: 100, Model: Hollow, Objective: "target", Steps: 30, Batch: 8, Samples: 50,
		ReverseSteps: 10, FlowSteps: 4, Probes: 2, SigmaMax: 20,
	}
	extra := 0
	parse := func(args ...string) Options {
		t.Helper()
		o, err := Parse("test", "about", args, quick, PaperOptions(flags), func(fs *flag.FlagSet, preset string) {
			fs.IntVar(&extra, "extra", map[string]int{Quick: 1, Paper: 2}[preset], "")
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Check(16); err != nil {
			t.Fatal(err)
		}
		return o
	}
	o := parse()
	if c := o.Training(100); o.Published() || extra != 1 || c.Steps != 30 || c.Process != nil || c.SigmaMax != 20 || o.Sampler().IsotropicPrior {
		t.Errorf("quick: %+v, %+v", o, c)
	}
	for _, args := range [][]string{{"-preset", "paper", "-steps", "7", "-lr", "0.5"}, {"--preset=paper", "-steps", "7", "-lr", "0.5"}} {
		o = parse(args...)
		c := o.Training(100)
		if !o.Published() || extra != 2 || c.Steps != 7 || c.LearningRate != 0.5 || c.Process == nil || c.EMA != -1 || !o.Sampler().IsotropicPrior {
			t.Errorf("paper: %+v, %+v", o, c)
		}
	}
}

// A model that is shipped is used with as many steps of the flow as its card says, any other with those of
// the program; the flag comes before both.
func TestFlowSteps(t *testing.T) {
	flags := program.Flags{Out: "out", Backend: "go", Dims: "64x64", Kappa: 0.33718, Lambda: 0.5}
	quick := Options{Flags: flags, Model: Pretrained, FlowSteps: 4}
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 60},
		{[]string{"-dims", "16x16", "-kappa", "0.27", "-lambda", "0.022"}, 18},
		{[]string{"-kappa", "0.3"}, 4},
		{[]string{"-model", Hollow}, 4},
		{[]string{"-flow-steps", "4"}, 4},
		{[]string{"-flow-steps=24"}, 24},
		{[]string{"-dims", "0x0"}, 4},
	} {
		o, err := Parse("test", "about", c.args, quick, PaperOptions(flags), nil)
		if err != nil {
			t.Fatal(err)
		}
		if o.FlowSteps != c.want {
			t.Errorf("%v: expected %d steps of the flow, got %d", c.args, c.want, o.FlowSteps)
		}
	}
}

func TestCheck(t *testing.T) {
	good := PaperOptions(program.Flags{})
	if err := good.Check(1 << 10); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(o *Options){
		"few configurations": func(o *Options) { o.Configurations = Least - 1 },
		"few samples":        func(o *Options) { o.Samples = Least - 1 },
		"memory":             func(o *Options) { o.Samples = 1<<20 + 1 },
		"preset":             func(o *Options) { o.Preset = "fast" },
		"probes":             func(o *Options) { o.Preset, o.Probes = Quick, 3 },
		"model":              func(o *Options) { o.Model = "" },
		"learning rate":      func(o *Options) { o.LearningRate = -1 },
		"objective":          func(o *Options) { o.Objective = "magic" },
		"published target":   func(o *Options) { o.Objective = "target" },
	} {
		o := good
		change(&o)
		if err := o.Check(1 << 10); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The coarsest resolution of a U-Net has four sites in every direction, or there is one.
func TestChannels(t *testing.T) {
	for _, c := range []struct{ dims, want []int }{
		{[]int{16, 16}, []int{8, 16, 32}}, {[]int{8, 16}, []int{8, 16}}, {[]int{4, 4}, []int{8}}, {[]int{9}, []int{8}}, {[]int{64}, []int{8, 16, 32}},
	} {
		lat, err := lattice.New(c.dims...)
		if err != nil {
			t.Fatal(err)
		}
		if got := channels(lat); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", lat, got, c.want)
		}
	}
}

// The model that a training begins with gets gradients where they are asked for and it has none.
func TestExtended(t *testing.T) {
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	network, err := hollow.New(hollow.Config{Range: 1, Features: 2, Channels: 2, Profiles: 1, Hidden: 2, Head: 2, Pairs: -1, Embedding: 4})
	if err != nil {
		t.Fatal(err)
	}
	backend := backendtest.Open()
	start, err := diffusion.NewModel(backend, network, diffusion.ModelConfig{Layout: lattice.Scalar(lat), Spectrum: slices.Repeat([]float64{1}, lat.Volume())})
	if err != nil {
		t.Fatal(err)
	}
	gradients := func(ask int, m *diffusion.Model) int {
		o := Options{Gradients: ask}
		more, err := o.Extended(backend, m)
		if err != nil {
			t.Fatal(err)
		}
		if more == nil {
			return -1
		}
		return more.Network().Config().(hollow.Config).Gradients
	}
	if got := gradients(3, start); got != 3 {
		t.Errorf("expected a model with 3 gradients, got %d", got)
	}
	if got := gradients(0, start); got != 0 {
		t.Errorf("expected the model without gradients, got one with %d", got)
	}
	if got := gradients(3, nil); got != -1 {
		t.Errorf("expected no model, got one with %d gradients", got)
	}
}
