// Package flow integrates the probability-flow ordinary differential equation of a
// score model and computes the likelihood of configurations under it.
//
// With ℓ = log σ as the variable, the flow of a score s(φ, σ) = ∇ log p_σ(φ) and the
// change of the density along it are
//
//	dφ/dℓ = -σ² s(φ, σ),   d log p/dℓ = +σ² ∇·s(φ, σ),
//
// which is dφ/dt = -½ g² s for every variance-expanding process, independent of its
// clock. This is (3.14), (3.15) and (B.2) of arXiv:2309.17082 in the noise
// convention of machine learning; the printed equations lack the factor ½.
//
// [ProbabilityFlow.Sample] maps latent noise to configurations and returns the
// density q of the very map that made them, which is what an exact independence
// sampler needs; [ProbabilityFlow.LogProb] maps given configurations back and
// returns their density.
//
// Every log q comes with two errors, which are different in kind and kept apart in
// [Likelihood]. One is that of the steps: fixed steps in log σ or nearly so, by default those
// of [Adams] with one evaluation each, compared with finer ones, or adaptive [DormandPrince]
// steps that keep a tolerance. The other is that of the divergence, which is exact where the
// model knows it, and else one of these:
//
//   - [Rademacher] and [GaussianProbes]: the Skilling–Hutchinson estimate
//     (B.1) with random vectors that stay fixed along a trajectory;
//   - [Probing]: the same with vectors on one colour of the lattice at a time, the default where there are colours, which for
//     eight or more vectors is far better, since the Jacobian of a network decays
//     with distance;
//   - [Jacobian]: exact, one reverse pass per site.
package flow
