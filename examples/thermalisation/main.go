// Thermalisation shows why the training ensemble of arXiv:2309.17082 (section 4.1) is
// biased near the critical point: V⟨M²⟩ of φ⁴ theory at κ = 0.27, λ = 0.022 against the
// number of trajectories, averaged over many independent chains from hot and from cold
// starts.
//
//	GOEXPERIMENT=simd go run ./examples/thermalisation -out out-thermalisation
//
// In the paper every configuration ends a chain of its own: 100 trajectories of burn-in
// and 64 more, 164 in all (the published code takes the configuration at 128). Hybrid
// Monte Carlo with trajectories of length 1 has an exponential autocorrelation time
// longer than that, so that the ensemble still remembers its start. The program measures
//
//   - the bias of the protocol, from both starts;
//   - integrated and exponential autocorrelation times of |M| in equilibrium, from chains
//     that a cluster algorithm has started there;
//   - the relaxation time of V⟨M²⟩ from the hot start, and how many steps leave a bias of
//     1 %;
//   - the same for what may cure it: flips φ → -φ, which repair ⟨M⟩ but nothing that is
//     even in φ; trajectories of length 10 ± 50 % (Omelyan's integrator); and cluster
//     updates (mcmc.Recommended).
//
// A hot start is independent Gaussian noise, a cold one the constant field of smallest
// action. Preset quick (the default, some minutes on two cores) averages over 512 chains
// of each start and makes unit trajectories in 10 leapfrog steps of 0.1, with the same
// autocorrelation as the paper's; preset paper has the 5120 chains of the paper and its 100
// leapfrog steps of 0.01, and takes about 40 minutes on two cores. There is no model and no
// network.
//
// Interrupted with Ctrl-C it keeps every finished stage, and the same command continues. With
// -task several processes share the stages, stage k being of share k mod n: hot, cold and equilibrium
// of the first algorithm, then of the next; merge/n makes of them the results of one process.
//
// In results.json the ensembles hmc, hmc_flip, hmc_long and cluster have tau_int_abs_m,
// tau_exp_abs_m, relaxation_time (of V⟨M²⟩ from the hot start) and steps_to_1_percent,
// all in steps; with the suffixes _hot and _cold they have v_m2_N, abs_m_N and m_N, the
// averages over all chains after N = 100, 128 and 164 steps, and bias_v_m2_N, the relative
// deviation from the ensemble reference, the cluster updates.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("thermalisation", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	program.Flags
	Preset       string
	Chains       int
	Trajectories int
	Steps        int
	Equilibrium  int
	task         program.Task
}

const about = `Thermalisation follows V<M²> of φ⁴ theory from hot and cold starts, at κ = 0.27 where the
protocol of arXiv:2309.17082 (a configuration after 164 trajectories) is biased, and tells
how many trajectories are needed and what cures it. It prints two tables and writes
thermalisation.png and results.json.

  -preset quick  512 chains from each start, 10 leapfrog steps a trajectory: 2 minutes on
                 two cores with GOEXPERIMENT=simd
  -preset paper  5120 chains from each start, the paper's 100 leapfrog steps of 0.01:
                 40 minutes on two cores

`

func parse(args []string) (options, error) {
	o := options{Preset: "quick", Chains: 512, Trajectories: 2048, Steps: 10, Equilibrium: 65536}
	for i, a := range args {
		a, value, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		if value == "" && i+1 < len(args) {
			value = args[i+1]
		}
		if a == "preset" && value == "paper" {
			o = options{Preset: "paper", Chains: 5120, Trajectories: 2048, Steps: 100, Equilibrium: 262144}
		}
	}
	fs := flag.NewFlagSet("thermalisation", flag.ContinueOnError)
	o.Register(fs, program.Flags{Out: "out-thermalisation", Seed: 1, Dims: "32x32", Kappa: 0.27, Lambda: 0.022})
	fs.StringVar(&o.Preset, "preset", o.Preset, "quick or paper, see above")
	fs.IntVar(&o.Chains, "chains", o.Chains, "independent chains from each start")
	fs.IntVar(&o.Trajectories, "trajectories", o.Trajectories, "unit trajectories of each chain (an eighth of it for what decorrelates in a few steps)")
	fs.IntVar(&o.Steps, "leapfrog", o.Steps, "leapfrog steps of a unit trajectory")
	fs.IntVar(&o.Equilibrium, "equilibrium", o.Equilibrium, "trajectories of each of the 16 chains that start in equilibrium (an eighth of it for\nwhat decorrelates in a few steps)")
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
	t, err := newThermalisation(o)
	if err != nil {
		return err
	}
	return t.run(ctx)
}
