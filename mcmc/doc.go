// Package mcmc defines the Markov kernel, runs many chains of one in parallel,
// and provides the update algorithms that do not need molecular dynamics: local
// Metropolis, overrelaxation, cluster updates, Langevin dynamics, and the
// independence sampler that turns the proposals of a generative model into an
// exact Markov chain (the DM-MC of arXiv:2309.17082, section 4.4).
//
// Every kernel leaves exp(-S) invariant unless its comment says that it is
// approximate. Kernels hold scratch memory: one kernel belongs to one chain.
//
// # Kernels
//
//   - [Metropolis], [Overrelaxation], [LocalFlip]: site by site
//   - [Wolff], [SwendsenWang]: clusters of the signs of the field or of a direction of it
//   - [MALA], [GlobalShift]: global proposals; [Langevin]: without the accept step
//   - [Independence]: proposals of a generative model; [DMMC] for precomputed weights;
//     [Latent]: chains in the space of its latent fields; [Composite]: proposals and
//     transitions of another kernel in turn, many chains side by side
//   - [SignFlip]
//   - [Cycle], [Mixture]: combinations; [Recommended] is the one that suits an action
//
// They work for any action that has what they need, in small interfaces:
// [lattice.LocalAction] for local updates, [HoppingAction] for clusters, [Reflector]
// for overrelaxation, [RowAction] for a fast sweep.
//
// # Chains and ensembles
//
// A [Chain] can be stopped, saved and resumed bit by bit. [Generate] runs many of
// them for an equilibrated ensemble: it tunes the kernels, measures how long they
// take to decorrelate, thins accordingly, and compares the chains with each other:
// hot and cold starts that disagree, chains that stay where they are, and runs that
// would take too long are a [NotEquilibratedError]. A [Generator] is such a run that
// can be stopped, saved and resumed too.
//
// # Partition functions
//
//   - [ThermodynamicIntegration]: simulations along a path of actions
//   - [Anneal]: annealed importance sampling and sequential Monte Carlo along it, from
//     equilibrium or from the draws of a model
package mcmc
