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
// returns their density. The divergence is exact where the model knows it, and else
// the Skilling–Hutchinson estimate (B.1) with random signs that stay fixed along a
// trajectory. Every log q comes with estimates of its errors.
package flow
