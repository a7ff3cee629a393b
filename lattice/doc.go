// Package lattice defines periodic lattices, field-theory actions on them, the
// observables of a configuration, and the files that hold ensembles.
//
// A field is a []float64 with a number per site and component, see [Layout], in row-major
// order: the last coordinate runs fastest, as in NumPy, and the component slowest.
// Everything is in lattice units.
//
// An [Action] gives the value S(φ) and the drift K(φ) = -∂S/∂φ of the Langevin
// equation (2.2) of arXiv:2309.17082; the weight of a configuration is exp(-S).
// The actions provided are [Phi4] (4.2), of which λ = 0 is the free field, its sister
// [ON] with several components, [Polynomial] with any potential that is bounded from
// below, and the one-variable [Toy] model (3.19).
//
// Observables of one configuration are functions that return a number or a slice of
// numbers, so that a series of them can be analysed with its autocorrelation. A
// [Fourier] transforms fields; [PowerSpectrum] averages |φ_k|² over an ensemble.
//
// An [Ensemble] is a set of configurations in memory. [WriteEnsemble] and
// [ReadEnsemble] exchange it with NumPy as .npz files with the array cfgs of shape
// (N, dims...) or (N, components, dims...); [EnsembleWriter] and [EnsembleReader] do
// the same one configuration at a time.
package lattice
