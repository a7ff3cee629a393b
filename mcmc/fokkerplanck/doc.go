// Package fokkerplanck solves the Fokker–Planck equation (2.6) of arXiv:2309.17082 for
// one variable, which is what an average over many Langevin processes converges to:
//
//	∂P/∂τ = ∂/∂φ (α ∂/∂φ + ∂S/∂φ) P,
//
// with reflecting ends of the interval. The noise of the Langevin equation is that of
// (2.3), ⟨ηη⟩ = 2α. The field-theory convention α = 1 is the default, with
// dφ = K dτ + √2 dW and P → e^{-S}. The convention of machine learning, α = 1/2 with
// dφ = K/2 dt + dW, has the same equilibrium: its time is t = 2τ, so that a rate per unit
// of t is half of one per unit of τ.
//
// An [Equation] is the equation on a grid of cells. [Equation.Integrator] advances a
// density in time; [Equation.Spectrum] diagonalises the Fokker–Planck Hamiltonian (2.12),
// whose gap is the rate of the slowest approach to equilibrium. Both are of second order
// in the width of the cells, and both have P ∝ e^{-S/α} as their exact equilibrium and
// keep the probability whatever the grid. A density is a []float64 with its value in the
// middle of every cell; its integral is the sum times [Equation.Step].
package fokkerplanck
