// Package lattice defines periodic lattices, field-theory actions on them, the
// observables of a configuration, and the files that hold ensembles.
//
// A field is a []float64 of length Lattice.Volume, in row-major order: the last
// coordinate runs fastest, as in NumPy. Everything is in lattice units.
//
// An [Action] gives the value S(φ) and the drift K(φ) = -∂S/∂φ of the Langevin
// equation (2.2) of arXiv:2309.17082; the weight of a configuration is exp(-S).
// The actions provided are [Phi4] (4.2), of which λ = 0 is the free field, and
// the one-variable [Toy] model (3.19).
package lattice
