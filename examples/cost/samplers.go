package main

import (
	"context"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// Names of the samplers.
const (
	unitHMC    = "hmc"
	longHMC    = "hmc_long"
	fourierHMC = "hmc_fourier"
	cluster    = "cluster"
	smc        = "smc"
	smcCluster = "smc_cluster"
	smcModel   = "smc_model"
	gaussian   = "gaussian"
	exact      = "dmmc"
	latent     = "latent"
	hybrid     = "hybrid"
	thermo     = "thermodynamic"
)

var titles = map[string]string{
	unitHMC: "HMC, length 1", longHMC: "HMC, long", fourierHMC: "HMC, Fourier-accelerated", cluster: "cluster cycle",
	smc: "SMC, trajectories", smcCluster: "SMC, cluster", smcModel: "SMC from a model", gaussian: "Gaussian MC",
	exact: "DM-MC", latent: "latent space of DM", hybrid: "DM-MC and cluster", thermo: "thermodynamic integration",
}

// sampler is one way to configurations.
type sampler struct {
	name string
	// prepares tells that it needs an equilibrated ensemble, to start from or for its spectrum.
	prepares bool
	measure  func(ctx context.Context, c *cost, j *job) (outcome, error)
}

var samplers = []sampler{
	{unitHMC, true, chainsOf(func(j *job) ([]variant, error) {
		return []variant{
			hybridMC("10 leapfrog steps", j.action, hmc.Config{Steps: 10, Flip: true}),
			hybridMC("Omelyan", j.action, hmc.Config{Integrator: hmc.Omelyan, Flip: true}),
		}, nil
	})},
	{longHMC, true, chainsOf(func(j *job) ([]variant, error) {
		return []variant{
			hybridMC("length 5", j.action, long(5)), hybridMC("length 10", j.action, long(10)),
			hybridMC("length 20", j.action, long(20)), hybridMC("length 40", j.action, long(40)),
		}, nil
	})},
	{fourierHMC, true, chainsOf(accelerated)},
	{cluster, true, chainsOf(func(j *job) ([]variant, error) {
		return []variant{{"", func() (mcmc.Kernel, error) { return mcmc.Recommended(j.action) }}}, nil
	})},
	{smc, false, anneal(trajectories, false)},
	{smcCluster, false, anneal(nil, false)},
	{smcModel, false, anneal(trajectories, true)},
	{gaussian, true, withoutNetwork},
	{exact, true, withModel(proposals)},
	{latent, true, withModel(latentChains)},
	{hybrid, true, withModel(hybridChains)},
	{thermo, false, thermodynamic},
}

// names returns those of all samplers.
func names() []string {
	var out []string
	for _, s := range samplers {
		out = append(out, s.name)
	}
	return out
}

// variant is a kernel with one choice of its parameters.
type variant struct {
	name   string
	kernel func() (mcmc.Kernel, error)
}

func hybridMC(name string, action lattice.Action, cfg hmc.Config) variant {
	return variant{name, func() (mcmc.Kernel, error) { return hmc.New(action, cfg) }}
}

// long are trajectories whose number of steps adapts.
func long(length float64) hmc.Config {
	return hmc.Config{Integrator: hmc.Omelyan, Length: length, Jitter: 0.5, Flip: true}
}

// accelerated are trajectories with the masses M_k = 1/⟨|φ_k|²⟩, under which every mode of a
// Gaussian field turns once in a time of 2π.
func accelerated(j *job) ([]variant, error) {
	spectrum := j.ens.PowerSpectrum().Symmetrized(nil)
	for k, c := range spectrum {
		spectrum[k] = 1 / c
	}
	mass, err := hmc.NewMass(j.action.Layout().Lattice, spectrum)
	if err != nil {
		return nil, err
	}
	var out []variant
	for _, v := range []struct {
		name   string
		length float64
	}{{"length 1", 1}, {"length 2", 2}, {"length 4", 4}} {
		cfg := long(v.length)
		cfg.Mass = mass
		out = append(out, hybridMC(v.name, j.action, cfg))
	}
	return out, nil
}

// trajectories are the moves of sequential Monte Carlo by molecular dynamics.
func trajectories(a lattice.Action) (mcmc.Kernel, error) {
	return hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Length: 4, Steps: 8, Jitter: 0.5, Flip: true})
}
