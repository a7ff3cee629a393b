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
// The root package holds no code but the example of the whole road below, from an action
// to an exact chain, and tests. The packages are
//
//   - lattice: periodic lattices, fields of one or more components, actions with drifts and
//     their measured symmetries, observables, ensemble files; lattice/toymodel: the exact
//     densities of one variable; lattice/gauge: compact U(1), exact in two dimensions;
//     lattice/schwinger: two flavours of fermions
//   - stats: errors, autocorrelation and diagnostics of Markov chains and log-weights;
//     stats/interchange: series for pyerrors and ArviZ
//   - mcmc: the Markov-kernel interface, chains and ensembles, Metropolis, overrelaxation,
//     cluster and Langevin updates, the independence sampler; mcmc/measure: observables
//     with errors; mcmc/phi4: exact values; mcmc/u1: links; mcmc/fokkerplanck: the Fokker–Planck equation
//     of one variable
//   - hmc: ensembles of any action by hybrid Monte Carlo
//   - diffusion: Fit; noise processes, score models, training and the reverse-time
//     samplers; diffusion/backend: the device; diffusion/nn, diffusion/hartley: pieces of
//     networks; diffusion/difftest: what a network, a score or a sampler must satisfy
//   - unet: the periodic U-Net, and the published network
//   - hollow: a score network with an exact divergence; hollow/pretrained: trained models;
//     hollow/plaquette: the score network of lifted plaquettes, with trained models
//   - flow: the probability-flow ODE and its likelihood; flow/selftrain: training without data
//
// A new action, kernel, network or reverse step is one new file, of yours: see
// docs/your-theory.md, and docs/theories.md for what ships. Runs of many processes: docs/cluster.md.
// Checkpoints, crashes and files from strangers: docs/robustness.md.
//
// # Where the paper's equations are
//
//   - Langevin equation (2.2), (2.15): mcmc.Langevin, mcmc.MALA; drift (2.5): lattice.Action
//   - Fokker–Planck equation (2.6)–(2.14): mcmc/fokkerplanck, examples/langevin
//   - forward process (3.1), (3.6): diffusion.SDE, diffusion.VE
//   - reverse process (3.2), (3.5), (3.7)–(3.9): diffusion.EulerMaruyama, diffusion.Ancestral
//   - score matching (3.4): diffusion.Denoising, diffusion.Fit, diffusion.Trainer,
//     diffusion.PaperTraining
//   - field-theory normalisation of the noise, (3.10)–(3.12): diffusion.FieldTheoryDiffusion
//   - probability flow (3.13)–(3.18): flow.ProbabilityFlow
//   - toy model (3.19), (3.20): lattice.Toy, lattice/toymodel, examples/toy
//   - action and parameters (4.1)–(4.4): lattice.Phi4, lattice.NewPhi4Bare
//   - M (4.5), |M| (4.12): lattice.Magnetization, lattice.AbsMagnetization (as printed:
//     lattice.MeanAbsField)
//   - χ₂ (4.6): stats.Susceptibility; U_L (4.7): stats.BinderCumulant
//   - effective action (4.8): flow.Likelihood; R² (4.9): stats.R2Coefficient, stats.PearsonR2
//   - C(t) (4.11), τ_int (4.14): stats.Autocorrelation, stats.IntegratedAutocorrelation
//   - DM-MC (4.13): mcmc.Independence, mcmc.DMMC, mcmc.Pool
//   - U-Net of appendix A: unet.NewPaper, unet.FitPaper
//   - Skilling–Hutchinson estimator (B.1)–(B.3): flow.Config
//
// # Where the paper's figures are
//
//   - figure 1: examples/langevin
//   - figure 2: the forward and the reverse process, a sketch: package diffusion
//   - figure 3: examples/toy
//   - figures 4 and 5: examples/broken
//   - figures 6, 7, 11, 12 and table 1: examples/symmetric
//   - figure 8 and the values of τ_int: examples/autocorrelation; why its training data
//     are not in equilibrium: examples/thermalisation
//   - figure 9, the correspondence of stochastic quantization and diffusion: docs/method.md
//   - figure 10: unet.Paper
//   - figures 13, 14, 15 and the training cost of appendix D: examples/acceptance
//
// The numbers, the paper's beside those of the library, are in docs/reproduction.md.
//
// # Conventions
//
// Fields are dimensionless, in lattice units, and stored as []float64 in row-major
// order (the last coordinate runs fastest, as in NumPy). The weight of a field is
// exp(-S). A field of several components holds them one after the other. White noise follows the machine-learning convention ⟨ηη⟩ = δ, that is
// dφ = f dt + g dW with α = 1/2 in (2.3). Integrated autocorrelation times are
// τ_int = 1/2 + Σ C(t)/C(0), so that independent samples have τ_int = 1/2.
package latdiff
