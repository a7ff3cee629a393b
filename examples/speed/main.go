// Speed times on a backend what programs do with the networks: a training step with its
// batch, a configuration of the probability flow with its density, and one of the reverse
// SDE, each with all that the host has to do for it. Beside them stand, for comparison with
// other programs, the score and the score with one divergence (exact where the network
// knows it, else by one Hutchinson probe) of inputs that stay on the device.
//
//	GOEXPERIMENT=simd go run ./examples/speed
//	go build -tags xla ./examples/speed && ./speed -backend xla:/path/to/plugin.so -batch 64,1024 -json speed.json
//
// Times are medians, in milliseconds.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/internal/meter"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
)

func main() {
	program.Main("speed", func(ctx context.Context) error { return run(ctx, os.Args[1:], os.Stdout) })
}

// bench is what all measurements share.
type bench struct {
	ctx     context.Context
	backend compute.Backend
	meter   *meter.Backend // the backend too, or nil
	lattice *lattice.Lattice
	// chunks is the number of batches that the flow and the reverse process evolve: as many
	// as run side by side.
	chunks                  int
	repeats                 int
	limit                   time.Duration
	flowSteps, reverseSteps int
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	fs := program.NewFlagSet("speed", "Speed times training step, flow, reverse SDE, score and divergence of the networks on a backend.")
	name := fs.String("backend", "go", "GoMLX backend: go, or xla:PLUGIN in a build with -tags xla")
	dims := fs.String("dims", "32x32", "extents of the lattice")
	batches := fs.String("batch", "64", "batch sizes, separated by commas")
	models := fs.String("models", "unet,unet-large,paper-strided,hollow", "networks: unet, unet-large, paper, paper-strided, hollow")
	repeats := fs.Int("n", 10, "timed repetitions")
	limit := fs.Duration("limit", 20*time.Second, "time for each number after its warm-up; a flow or a reverse process that takes\nlonger is cut and its time extrapolated from the steps done")
	flowSteps := fs.Int("flow-steps", 12, "RK4 steps of the flow")
	reverseSteps := fs.Int("reverse-steps", 100, "steps of the reverse SDE")
	host := fs.Bool("host", false, "measure, too, the part of the time in which the backend executes nothing")
	file := fs.String("json", "", "write all numbers, with machine and versions, to this `file`")
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	extents, err := lattice.ParseDims(*dims)
	if err != nil {
		return err
	}
	b := &bench{ctx: ctx, chunks: 1, repeats: *repeats, limit: *limit, flowSteps: *flowSteps, reverseSteps: *reverseSteps}
	if b.lattice, err = lattice.New(extents...); err != nil {
		return err
	}
	if *repeats < 1 || *flowSteps < 1 || *reverseSteps < 1 || *limit <= 0 {
		return fmt.Errorf("expected positive -n, -flow-steps, -reverse-steps and -limit, got %d, %d, %d and %v", *repeats, *flowSteps, *reverseSteps, *limit)
	}
	sizes, err := parseSizes(*batches)
	if err != nil {
		return err
	}
	names := strings.Split(*models, ",")
	for _, n := range names {
		if _, ok := networks[n]; !ok {
			return fmt.Errorf("expected known networks, got %q", n)
		}
	}
	if b.backend, err = backend.Open(*name); err != nil {
		return err
	}
	if strings.HasPrefix(*name, "go") {
		b.chunks = runtime.GOMAXPROCS(0)
	}
	if *host {
		b.meter = meter.Wrap(b.backend)
		b.backend = b.meter
	}
	r := newRecord(b)
	fmt.Fprintf(stdout, "%s, %v, %s, load %s\n", b.backend.Description(), b.lattice, r.Machine.CPU, r.Machine.Load)
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "network\tweights\tbatch\ttraining step\tflow/configuration\treverse SDE/configuration\tscore\tscore and divergence")
	for _, n := range names {
		for _, size := range sizes {
			row, err := b.measure(n, size)
			if err != nil {
				// The rows that are there count.
				w.Flush()
				return fmt.Errorf("%s, batch %d: %w", n, size, err)
			}
			r.Rows = append(r.Rows, row)
			fmt.Fprintf(w, "%s\t%d\t%d\t%v\t%v\t%v\t%v\t%v\n", n, row.Weights, size, row.Training, row.Flow, row.Reverse, row.Score, row.Divergence)
			if *file != "" {
				// What is measured is kept if a later row does not end.
				if err := r.write(*file); err != nil {
					return err
				}
			}
		}
	}
	return w.Flush()
}

func parseSizes(list string) ([]int, error) {
	var sizes []int
	for _, s := range strings.Split(list, ",") {
		size, err := strconv.Atoi(s)
		if err != nil || size < 1 {
			return nil, fmt.Errorf("expected positive batch sizes, got %q", list)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}
