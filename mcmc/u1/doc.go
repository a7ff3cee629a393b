// Package u1 holds Markov kernels for compact U(1) gauge theory, the links and actions of
// package lattice/gauge.
//
//   - [HeatBath], [Overrelaxation]: link by link, with Wilson's action in any dimension
//   - [FluxHop]: adds a uniform flux ±2π/V to all plaquettes of two dimensions, which changes
//     the charge by ±1 where every local algorithm and molecular dynamics are frozen
//   - [RandomGauge]: a random gauge transformation and, optionally, random holonomies
//   - [Exact]: independent configurations of the pure theory in two dimensions, with their
//     density
//
// Local Metropolis is mcmc.NewMetropolis, and hybrid Monte Carlo is package hmc: both take a
// gauge.Action as it is. Their links leave (-π, π], which nothing minds; RandomGauge brings
// them back. [Moves] are the moves to make beside trajectories, for
// hmc.EnsembleConfig.Moves, and [Recommended] is the cycle that decorrelates best.
//
// Every kernel leaves exp(-S) invariant. Kernels hold scratch memory: one kernel belongs to
// one chain.
package u1
