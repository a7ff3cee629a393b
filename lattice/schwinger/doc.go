// Package schwinger holds the Schwinger model, quantum electrodynamics in two dimensions, with
// two flavours of Wilson fermions and the exact determinant:
//
//	S = S_g - 2 log|det D|,
//	D = 1 - κ Σ_µ [ (1-σ_µ) U_µ(x) δ_{x+µ̂,y} + (1+σ_µ) U_µ*(y) δ_{x-µ̂,y} ]
//
// (K. G. Wilson, Phys. Rev. D 10 (1974) 2445; the model on the lattice: C. Gattringer,
// I. Hip and C. B. Lang, Nucl. Phys. B 508 (1997) 329). The links are those of package
// lattice/gauge. σ_0 and σ_1 are the first two Pauli matrices, and γ_5 = σ_3 makes γ_5D
// Hermitian, so that det D is real and its square, the weight of two flavours, positive.
// Fermions are antiperiodic in direction 0, the time, and periodic in direction 1.
// The bare mass is m = 1/(2κ) - 2 in lattice units.
//
// [Dirac] is the operator: determinant, its gradient, propagator. [Action] is the
// lattice.Action for hybrid Monte Carlo. All is dense linear algebra of order V³ for V
// sites, exact, and meant for lattices up to about 16².
package schwinger
