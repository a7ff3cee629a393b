// Package hmc implements hybrid (Hamiltonian) Monte Carlo for lattice fields
// (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216).
//
// A transition draws Gaussian momenta π, follows the equations of motion of
//
//	H(φ, π) = ½ π M⁻¹ π + S(φ)
//
// for a trajectory of some length with a reversible, volume-preserving
// [Integrator], and accepts the end point with probability min(1, exp(-ΔH)). The
// weight exp(-S) is stationary whatever the step size.
//
// [Ensemble] is the road from an action to configurations in equilibrium: it chooses
// starts, step sizes, thermalisation and thinning, adds moves between the wells of a
// potential where the action has what they need ([Moves]), and returns an error that says
// why if the chains do not come to agree.
//
// [New] builds the kernel from a [Config], whose zero value is a trajectory of
// length 1 in leapfrog steps with unit masses. Their number adapts to a wanted acceptance
// while a chain thermalises; [HMC.Tune] does the same for chains that are run by hand. A
// [Mass] slows the fast modes down (Fourier acceleration).
//
// Any lattice.Action can be simulated. A [FusedAction] brings its own loops; those of φ⁴
// in two dimensions are vectorised on amd64 with AVX2 or AVX-512 in the build with
// GOEXPERIMENT=simd. Both builds draw the same random numbers; their trajectories
// differ by rounding.
package hmc
