// Package measure turns configurations and Markov chains into the observables that are
// reported of a lattice field theory, all with errors that account for autocorrelation.
//
// A [Series] holds the primary observables of one chain, one entry per configuration: the
// magnetisation M, S/V, and the moments φ² and φ⁴ of a site. It comes from an ensemble
// ([FromEnsemble]) or from a run that measured [Observables] after every step ([FromRun]).
// From series follow estimates of the means and of what is made of them, such as
// susceptibilities and the Binder cumulant:
//
//   - [Chain]: of the replicas of a Markov chain, by the Γ-method, with τ_int of |M|
//   - [Independent]: of independent configurations, by the jackknife
//   - [Reweighted]: of independent configurations with log-weights
//   - [Response]: their shifts by a small change of the action
//
// and from the log-weights of a model [Likelihood], from a chain of its proposals
// [Proposals]. All return [Values], named estimates in a fixed order.
package measure
