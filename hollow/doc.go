// Package hollow provides a score network whose divergence is exact, in the same pass.
//
// The density of a continuous flow needs the divergence of the score, for which a
// general network takes one reverse pass per lattice site, or a noisy estimate. A
// [Network] has two parts for which it is a by-product of the forward pass, and, being
// made of the same operations, differentiable in the parameters.
//
// The hollow part is r(x) = G(u(x), c(x), σ), where u is the field in units of its
// standard deviation and the context c(x) depends on other sites only, through
// convolutions of site features with kernels that vanish at distance zero. Its
// divergence is Σ_x ∂G/∂u(x) (Chen and Duvenaud, arXiv:1912.03579; in lattice field
// theory de Haan et al., arXiv:2110.02673, Gerdes et al., arXiv:2207.00283). For
// σ → 0 the score of a local action has this form: it is the drift
// K(x) = 2κ Σ_± φ(x±µ̂) - V'(φ(x)).
//
// The smoothed part is r = W ∗ g(û), with the Wiener filter W_k = C_k/(C_k + σ²),
// filtered fields û_a = W_a ∗ φ, and a pointwise g. Its divergence is
// Σ_x Σ_a ∂g/∂û_a(x) times the return amplitude (1/V) Σ_k W_k W_a,k. It is the form of
// perturbation theory around the Gaussian model, to first order in λ. To second order
// there are products of functions at two places, Σ_j A_j(ψ) (P_j ∗ B_j(ψ)) with the expected
// clean field ψ ∝ W ∗ φ, joined by kernels P_j that are made of powers of the propagator and
// of learned short ranges; their divergence takes one more convolution. Functions of the differences
// between neighbouring sites, as a potential Σ_xµ S(û(x+µ̂) - û(x)) has them, can be added.
//
// A field with the O(N) symmetry is a vector at every site, and so are the features and the
// context; all sigmoids become s(p) = p/√(1+|p|²), so that the network is equivariant, and
// its divergence is a trace over pairs of components. Components of other theories have
// weights of their own: they meet in G, which depends on all components at a site and has
// one output for each. For actions that are not even there are offsets in the sigmoids, and
// terms in g that are even. A [Network] makes these choices when it meets the theory; for
// one component of an even action all of them coincide.
//
// The convolutions are done in the basis of the Hartley transform. Translations,
// reflections, the exchange of directions, φ → -φ and the rotations of components are
// symmetries of every network that has chosen them, whatever its weights, as far as they
// are symmetries of the spectrum C_k.
//
// A field of one component is evaluated without a graph on CPUs, sixteen at a time in
// float32 ([Network.Host]): the flow and the samplers use that by themselves.
package hollow
