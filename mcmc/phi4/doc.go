// Package phi4 holds what is special to the φ⁴ theories
//
//	S = Σ_x [ -2κ Σ_µ φ(x)·φ(x+µ̂) + (1-2λ) φ(x)·φ(x) + λ (φ(x)·φ(x))² ]
//
// of one or more components on a periodic lattice: [HoppingPath], the way from
// independent sites to any κ, and what is known exactly, reference values that
// simulations and generative models have to reproduce.
//
//   - [OneSite]: one site, which is every site of a lattice at κ = 0
//   - [NewChain]: one dimension by the transfer matrix, of any length and infinite
//   - [Plaquette]: the 2x2 lattice
//   - [FreeField]: λ = 0 in any dimension
//   - [Ising]: λ → ∞ for one component in one and two dimensions
//   - [Solve]: the one of these that a lattice and its couplings allow
//
// All return the expectation values as [Exact]; the sums over l and the quadratures
// behind them are refined until they agree, or end in an error.
//
// An extent of 1 makes every site its own neighbour. Its link -2κφ·φ is a part of the
// potential, whose quadratic coefficient becomes 1-2λ-2κu with u extents of 1, and adds
// ⟨φ·φ⟩ to [Exact.Hopping]. An extent of 2 joins the same two sites by two links.
package phi4
