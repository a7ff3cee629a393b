// Langevin shows stochastic quantization at work, sections 2 and 3.4 of
// arXiv:2309.17082: processes that forget a naive prior and end in e^{-S} (figure 1),
// their relaxation against the Fokker–Planck equation (2.6) and the gap of its
// Hamiltonian (2.12), and the O(Δτ) bias of the discretised equation (2.15) with its
// extrapolation to Δτ = 0.
//
//	GOEXPERIMENT=simd go run ./examples/langevin -out langevin
//
// The noise is that of field theory, ⟨ηη⟩ = 2: dφ = K dτ + √2 dW with K = -∂S/∂φ. In the
// convention of machine learning, ⟨ηη⟩ = 1, which the diffusion models of this library
// have, the same process is dφ = K/2 dt + dW with the time t = 2τ; eigenvalues and rates
// per unit of t are half of those given here.
//
// The program prints its tables and writes plots and results.json into the output
// folder. Interrupted with Ctrl-C it keeps every finished stage, one part of the work on
// a toy potential or one ensemble, in the folder stages, and the same command continues
// behind the last of them to the results that it would have had without the
// interruption. A stage is not repeated while its file is there. With -task several processes
// share the stages, in their order: stage k is of share k mod n; and merge/n makes of them the
// results of one process.
//
// Beside the names of observables that all programs share, results.json has
//
//   - ks_d, ks_p: the Kolmogorov–Smirnov test of the final processes against e^{-S}
//   - eigenvalue_1 …: the spectrum of the Fokker–Planck Hamiltonian, eigenvalue_1 its gap
//   - decay_rate: the rate at which ⟨φ⟩_τ decays
//   - tau_exp: the exponential autocorrelation time of φ in units of τ
//   - pull_m, pull_phi2: the largest deviation of ⟨φ⟩_τ and ⟨φ²⟩_τ from the
//     Fokker–Planck equation, in standard errors
//   - degree_NAME, p_NAME: the degree of the polynomial in Δτ that fits NAME best, and
//     the p-value of its χ²; the extrapolation averages over degrees
//
// Its ensembles are langevin, extrapolated to Δτ = 0, langevin_dtau_X at one Δτ, mala
// and reference (cluster and Metropolis updates), which are exact; the same for the free
// field as langevin_free, langevin_free_dtau_X and, in closed form, exact_free and
// exact_free_dtau_X; and for every toy potential langevin_mu2_X and fokker_planck_mu2_X.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("langevin", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	program.Flags
	Mu2       string
	G         float64
	ToyStep   float64
	Prior     float64
	Processes int
	Steps     string
	Time      float64
	task      program.Task
}

func run(ctx context.Context, args []string) error {
	var o options
	fs := flag.NewFlagSet("langevin", flag.ContinueOnError)
	o.Register(fs, program.Flags{Out: "langevin", Seed: 1, Dims: "8x8", Kappa: 0.2, Lambda: 0.022})
	fs.StringVar(&o.Mu2, "mu2", "-1,1", "μ² of the toy potentials, a list")
	fs.Float64Var(&o.G, "g", 0.4, "coupling g of the toy potentials")
	fs.Float64Var(&o.ToyStep, "toy-dtau", 0.01, "largest time step Δτ for the toy potentials; short runs take smaller ones")
	fs.Float64Var(&o.Prior, "prior", 3, "standard deviation of the prior of figure 1")
	fs.IntVar(&o.Processes, "processes", 16384, "Langevin processes to average over, rounded up to a multiple of 16")
	fs.StringVar(&o.Steps, "dtau", "0.02,0.04,0.06,0.08,0.1,0.12", "time steps Δτ for φ⁴, a list")
	fs.Float64Var(&o.Time, "time", 128000, "Langevin time to measure φ⁴ at each Δτ, over 16 chains together")
	o.task.Register(fs, false)
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "Langevin compares the Langevin equation with the Fokker–Planck equation and with exact algorithms.")
		fs.PrintDefaults()
	}
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	l, err := newLangevin(o)
	if err != nil {
		return err
	}
	return l.run(ctx)
}
