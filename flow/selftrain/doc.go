// Package selftrain trains a model of a theory without any configuration of it, from the action
// alone.
//
// The action comes as a family S_t in one parameter, such as the hopping parameter κ, that begins
// where a Gaussian is a good proposal. [Run] climbs from there in rungs. A rung draws
// configurations with their exact density log q, weights them by w = exp(-S_t)/q, finds the
// farthest parameter t′ at which the effective sample size of the weights stays above a
// bound, resamples the draws with the weights at t′, and makes of them the model of the next
// rung: what can be measured is measured again ([diffusion.Measure]), and a network is trained on
// from the last weights towards the known drift, which at t′ is known exactly for every
// configuration. Every average over draws with their weights is exact whatever the model; the
// model only decides how much it fluctuates.
//
//   - In the Gaussian phase there is no network. It begins with the spectrum of the Hartree equation
//     ([lattice.HartreeSpectrum]), and goes on while the effective sample size of the Gaussian
//     of the measured spectrum is good, which is cheap and goes far.
//   - In the network phase the network keeps its weights from rung to rung, and sees
//     the new spectrum. At the end of the way further rounds draw and train with more steps.
//
// In the pure mode nothing moves the configurations: no Markov chain is run anywhere, but for
// the check below. In the polished mode a few short trajectories of hybrid Monte Carlo at t′ follow the
// resampling, which repairs local modes and tears copies apart.
//
// A model that trains on its own draws can lose a region of fields and not notice. The guards
// are those of [Rung]: effective sample size, tail of the weights, the signs of the magnetisation,
// the Schwinger–Dyson equation of every mode, which a spectrum that collapses or a tail that
// is missing violates, and the comparison of both sides ([stats.CompareLogWeights]) with some
// hundred configurations that classical moves have brought to equilibrium. A rung that fails the
// comparison is repeated with polish, one that fails another guard from the last good rung over half the way.
//
// Log Z of the theory at every rung comes for free, log⟨w⟩.
package selftrain
