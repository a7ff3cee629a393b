// Package latdiff is the root of a library for lattice field theory with
// diffusion models.
//
// The library simulates a lattice field theory, learns the score of the
// ensemble with a diffusion model, generates configurations by the reverse
// stochastic differential equation or by the probability-flow ordinary
// differential equation, computes their likelihood, and uses them as global
// proposals of an exact Markov chain. It follows
//
//	L. Wang, G. Aarts, K. Zhou, Diffusion Models as Stochastic Quantization
//	in Lattice Field Theory, JHEP 05 (2024) 060, arXiv:2309.17082,
//
// called "the paper" throughout; equation numbers in comments are its own.
//
// The root package holds no code. The packages are
//
//   - lattice: periodic lattices, actions and drifts, observables, ensemble files
//   - stats: errors, autocorrelation and diagnostics of Markov chains and log-weights
//   - mcmc: the Markov-kernel interface, chains and ensembles, Metropolis,
//     cluster and Langevin updates, the independence sampler
//   - hmc: hybrid Monte Carlo
//   - diffusion: noise processes, score models, training and the reverse-time sampler
//   - unet: the periodic U-Net, and the published network
//   - hollow: a score network with an exact divergence
//   - flow: the probability-flow ODE and its likelihood
//
// # Conventions
//
// Fields are dimensionless, in lattice units, and stored as []float64 in row-major
// order (the last coordinate runs fastest, as in NumPy). The weight of a field is
// exp(-S). White noise follows the machine-learning convention ⟨ηη⟩ = δ, that is
// dφ = f dt + g dW with α = 1/2 in (2.3). Integrated autocorrelation times are
// τ_int = 1/2 + Σ C(t)/C(0), so that independent samples have τ_int = 1/2.
package latdiff
