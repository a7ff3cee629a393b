// Speed times the networks on a backend: a training step, an evaluation of the score,
// and the score with its divergence (exact where the network knows it, else by one
// Hutchinson probe). Times are medians, in milliseconds.
//
//	GOEXPERIMENT=simd go run ./examples/speed
//	go build -tags xla ./examples/speed && ./speed -backend xla:/path/to/plugin.so -batch 64,1024
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/host"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/unet"
)

func main() {
	program.Main("speed", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// networks are the architectures by name; plain ones have no Gaussian part.
var networks = map[string]struct {
	plain bool
	build func() (diffusion.Architecture, error)
}{
	"unet": {false, func() (diffusion.Architecture, error) { return unet.New(unet.Config{}) }},
	"unet-large": {false, func() (diffusion.Architecture, error) {
		return unet.New(unet.Config{Channels: []int{32, 64, 128, 256}, Stencil: unet.Box})
	}},
	"paper":         {true, func() (diffusion.Architecture, error) { return unet.NewPaper(unet.PaperConfig{}) }},
	"paper-strided": {true, func() (diffusion.Architecture, error) { return unet.NewPaper(unet.PaperConfig{Strided: true}) }},
	"hollow":        {false, func() (diffusion.Architecture, error) { return hollow.New(hollow.Config{}) }},
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("speed", flag.ContinueOnError)
	name := fs.String("backend", "go", "GoMLX backend: go, or xla:PLUGIN in a build with -tags xla")
	dims := fs.String("dims", "32x32", "extents of the lattice")
	batches := fs.String("batch", "64", "batch sizes, separated by commas")
	models := fs.String("models", "unet,unet-large,paper-strided,hollow", "networks: unet, unet-large, paper, paper-strided, hollow")
	repeats := fs.Int("n", 10, "timed repetitions")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Speed times training step, score and score with divergence of the networks on a backend.")
		fs.PrintDefaults()
	}
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	extents, err := lattice.ParseDims(*dims)
	if err != nil {
		return err
	}
	lat, err := lattice.New(extents...)
	if err != nil {
		return err
	}
	if *repeats < 1 {
		return fmt.Errorf("expected -n of at least 1, got %d", *repeats)
	}
	var sizes []int
	for _, b := range strings.Split(*batches, ",") {
		size, err := strconv.Atoi(b)
		if err != nil || size < 1 {
			return fmt.Errorf("expected positive batch sizes, got %q", *batches)
		}
		sizes = append(sizes, size)
	}
	names := strings.Split(*models, ",")
	for _, n := range names {
		if _, ok := networks[n]; !ok {
			return fmt.Errorf("expected known networks, got %q", n)
		}
	}
	b, err := backend.Open(*name)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %v\n", b.Description(), lat)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tweights\tbatch\ttraining step\tscore\tscore and divergence")
	for _, n := range names {
		for _, size := range sizes {
			if err := measure(ctx, w, b, lat, n, size, *repeats); err != nil {
				return fmt.Errorf("%s, batch %d: %w", n, size, err)
			}
		}
	}
	return w.Flush()
}

// measure prints the row of one network and batch.
func measure(ctx context.Context, w *tabwriter.Writer, b compute.Backend, lat *lattice.Lattice, name string, batch, repeats int) error {
	m, ens, err := newModel(b, lat, name, batch)
	if err != nil {
		return err
	}
	last := time.Now()
	var steps []time.Duration
	trainer, err := diffusion.NewTrainer(b, m, ens, diffusion.TrainConfig{
		Steps: repeats + 2, Batch: batch,
		Progress: func(diffusion.TrainProgress) {
			steps = append(steps, time.Since(last))
			last = time.Now()
		},
	})
	if err != nil {
		return err
	}
	if err := trainer.Run(ctx); err != nil {
		return err
	}
	trained, err := trainer.Model()
	if err != nil {
		return err
	}
	score, err := timed(ctx, b, trained, lat, batch, repeats, scoreOnly(trained))
	if err != nil {
		return err
	}
	both, err := timed(ctx, b, trained, lat, batch, repeats, scoreAndDivergence(trained))
	if err != nil {
		return err
	}
	// The first two steps compile the graph and fill the buffers.
	_, err = fmt.Fprintf(w, "%s\t%d\t%d\t%.2f\t%.2f\t%.2f\n", name, trained.NumParameters(), batch, median(steps[2:]), median(score), median(both))
	return err
}

// newModel returns a model on white noise, on which the speed does not depend.
func newModel(b compute.Backend, lat *lattice.Lattice, name string, n int) (*diffusion.Model, *lattice.Ensemble, error) {
	rng := rand.New(rand.NewPCG(1, 2))
	ens := lattice.NewEnsemble(lattice.Scalar(lat), n)
	for range n * lat.Volume() {
		ens.Data = append(ens.Data, rng.NormFloat64())
	}
	network, err := networks[name].build()
	if err != nil {
		return nil, nil, err
	}
	cfg := diffusion.ModelConfig{Layout: ens.Layout, Normalization: diffusion.Normalization{Scale: 1}, Unscaled: true}
	if !networks[name].plain {
		cfg = diffusion.ModelConfig{Layout: ens.Layout, Spectrum: ens.PowerSpectrum().Symmetrized(nil)}
	}
	m, err := diffusion.NewModel(b, network, cfg)
	return m, ens, err
}

type graphFunc = func(scope *model.Scope, in []*graph.Node) []*graph.Node

func scoreOnly(m *diffusion.Model) graphFunc {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		return []*graph.Node{m.Score(scope, in[0], in[1])}
	}
}

func scoreAndDivergence(m *diffusion.Model) graphFunc {
	return func(scope *model.Scope, in []*graph.Node) []*graph.Node {
		r := m.Remainder(scope, in[0], in[1])
		out := []*graph.Node{r.Sum()}
		if r.Divergence != nil {
			out = append(out, r.Divergence)
		}
		if r.Learned != nil {
			product := graph.Gradient(graph.ReduceAllSum(graph.Mul(r.Learned, in[2])), in[0])[0]
			out = append(out, graph.ReduceAllSum(graph.Mul(product, in[2])))
		}
		return out
	}
}

// timed returns the times of repeated calls of a graph after two that do not count.
func timed(ctx context.Context, b compute.Backend, m *diffusion.Model, lat *lattice.Lattice, batch, repeats int, build graphFunc) ([]time.Duration, error) {
	exec, err := model.NewExec(b, m.Store(), build)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(3, 4))
	dims := append([]int{batch, 1}, lat.Dims()...)
	phi, probe := host.Normal(dtypes.Float32, rng, dims...), host.Rademacher(dtypes.Float32, rng, dims...)
	sigma := make([]float32, batch)
	for i := range sigma {
		sigma[i] = 0.5
	}
	var times []time.Duration
	result := make([]float64, 1)
	for range repeats + 2 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		start := time.Now()
		out, err := exec.Call(phi, sigma, probe)
		if err != nil {
			return nil, err
		}
		// Reading a number waits for an asynchronous device.
		if err := host.Read(result, out[len(out)-1]); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
		for _, o := range out {
			if err := o.FinalizeAll(); err != nil {
				return nil, err
			}
		}
	}
	return times[2:], nil
}

func median(t []time.Duration) float64 {
	t = slices.Clone(t)
	slices.Sort(t)
	return t[len(t)/2].Seconds() * 1e3
}
