// Cost measures what an independent configuration costs with every sampler of the library, and
// an error of log Z where a sampler gives it, against the size of the lattice: φ⁴ theory near
// its critical point, κ = 0.27, λ = 0.022, on 16×16 to 128×128 by default.
//
//	GOEXPERIMENT=simd go run ./examples/cost -out out-cost
//
// The cost is the time of a step with all cores at work times 2τ_int of |M|, for samplers with
// weights the time that gives the error of ⟨|M|⟩ of one independent configuration. Training and
// the ensembles that models and spectra are measured on are not counted. The samplers are
//
//   - hmc: hybrid Monte Carlo in trajectories of length 1, by the cheaper of 10 leapfrog steps
//     and steps of Omelyan's integrator for an acceptance of 0.8
//   - hmc_long: trajectories of length 5, 10, 20 or 40, ± 50 %, with Omelyan's integrator, the
//     length that is cheapest in a short run
//   - hmc_fourier: the same with a mass matrix from the measured spectrum, of length 1, 2 or 4
//   - cluster: mcmc.Recommended, Metropolis and overrelaxation sweeps and Wolff clusters
//   - smc, smc_cluster: sequential Monte Carlo from κ = 0, where sites are independent, by
//     mcmc.Anneal, with moves by trajectories or by the cluster kernel
//   - smc_model: the same with trajectories, from draws of a model at -lower
//   - gaussian: the independence sampler with the proposals of a Gaussian with the measured
//     spectrum, or of two, without a network
//   - dmmc: that of a diffusion model
//   - latent: chains in the latent space of its flow, with a step size for an acceptance of 0.4
//   - hybrid: a proposal of the model and 4 cycles of the cluster kernel in each step
//   - thermodynamic: integration over κ by the cluster kernel, for log Z alone
//
// Models are those of -models that fit the lattice and the couplings, then those that ship
// with the library, and where there is none the weights of the nearest lattice with the
// spectrum measured on this one, which needs no training.
//
// Every sampler has -minutes on every lattice, and the times are those of the machine, so that
// no two runs agree to the last digit; the parameters hold the number of cores. In results.json
// SAMPLER_LATTICE is an ensemble, with the observables of other programs and
// seconds_per_step, seconds_per_independent_configuration, log_z_error_root_second, the error of
// log Z after a second, largest_weight_share and pareto_k of the weights, and reliable, 0 for a chain
// that is too short for its τ_int or weights of which few matter, by either of these: the cost and the error of log Z are then lower bounds. SAMPLER alone has the
// fit cost = A L^p, exponent and log_amplitude, to what is reliable, and dmmc_SAMPLER the extent
// crossing_extent where the fits are equal. cost.png and logz.png show both costs, the first with the
// fits up to twice the largest lattice and their crossings. Interrupted
// with Ctrl-C the program keeps the points that are finished, and the same command continues.
//
// With -task several processes share the points, one after the other on every lattice, and
// -task merge/n makes of them one table; the times are those of the machines of the shares,
// which have to have as many cores as that of the merging process.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
)

// options are the flags of the program.
type options struct {
	program.Flags
	samplers string
	models   string
	minutes  float64
	lower    float64
	n        int
	task     program.Task
}

const about = `Cost measures the time of an independent configuration of φ⁴ theory with every sampler of
the library against the size of the lattice, and fits its power. It prints one table and
writes cost.png, logz.png and results.json. With the defaults it takes two to three hours on
two cores.

`

func main() {
	program.Main("cost", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("cost", flag.ContinueOnError)
	o.Register(fs, program.Flags{Out: "out-cost", Seed: 1, Backend: "go", Dims: "16x16,32x32,64x64,128x128", Kappa: 0.27, Lambda: 0.022})
	fs.Lookup("dims").Usage = "lattices, a list of ascending size"
	fs.StringVar(&o.samplers, "samplers", strings.Join(names(), ","), "samplers, a list")
	fs.StringVar(&o.models, "models", "", "trained models, a list of `files`, preferred to those that ship")
	fs.Float64Var(&o.minutes, "minutes", 2, "time of every sampler on every lattice, about")
	fs.Float64Var(&o.lower, "lower", 0.21, "κ of the draws that smc_model starts from")
	fs.IntVar(&o.n, "n", 2048, "configurations that spectra are measured on, a half of it on 128x128")
	o.task.Register(fs, false)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), about)
		fs.PrintDefaults()
	}
	return o, program.Parse(fs, args)
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	c, err := newCost(o)
	if err != nil {
		return err
	}
	return c.run(ctx)
}
