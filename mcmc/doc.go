// Package mcmc defines the Markov kernel, runs many chains of one in parallel,
// and provides the update algorithms that do not need molecular dynamics: local
// Metropolis, the embedded cluster update, Langevin dynamics, and the
// independence sampler that turns the proposals of a generative model into an
// exact Markov chain (the DM-MC of arXiv:2309.17082, section 4.4).
//
// Every kernel leaves exp(-S) invariant unless its comment says that it is
// approximate. Kernels hold scratch memory: one kernel belongs to one chain.
package mcmc
