// Package gauge holds compact U(1) lattice gauge theory: links, actions, loops, gauge
// transformations, and the exact solution in two dimensions.
//
// The links are a field of d components on a lattice of d ≥ 2 dimensions, the layout
// lattice.Vector(lat, d): component µ of site x is the angle φ_µ(x) of the link
// U_µ(x) = exp(iφ_µ(x)) from x to x+µ̂, in radians. Angles are real numbers modulo 2π: every
// function takes any of them, and those that return links return them in (-π, π]. The
// angle of a plaquette in the plane µ < ν is
//
//	θ_µν(x) = φ_µ(x) + φ_ν(x+µ̂) - φ_µ(x+ν̂) - φ_ν(x),
//
// and the weight of a configuration is Π_p exp(-s(θ_p)) with the Haar measure, which is
// flat in the angles. A [Weight] is the function s, [Wilson] and [Villain] are those of the
// literature; [Action] is the lattice.Action that any sampler takes.
//
// [Links] has what is independent of the weight in any dimension, [Torus] what exists in two
// dimensions only: the topological charge, and links from plaquettes and holonomies. [Exact]
// solves the two-dimensional theory on any L₀×L₁: log Z, plaquette, Wilson loops, ⟨Q²⟩ and
// P(Q).
//
// The theory is that of K. G. Wilson, Phys. Rev. D 10 (1974) 2445; Villain's weight is from
// J. Villain, J. Phys. (Paris) 36 (1975) 581.
package gauge
