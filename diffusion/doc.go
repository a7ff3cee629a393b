// Package diffusion learns the score of a lattice ensemble and samples with it.
//
// # Noise
//
// Data φ₀ with the weight exp(-S) are perturbed to φ = φ₀ + σ z, z ~ N(0, 1). The
// score is s(φ, σ) = ∇ log p_σ(φ), with p_σ the density of φ: for σ → 0 it is the
// drift K = -∂S/∂φ of stochastic quantization (2.5). A score model is a function of
// the noise level σ, not of a diffusion time; an [SDE] says which σ belongs to
// which time. The noise convention is that of machine learning, dφ = g dW with
// ⟨ηη⟩ = δ (α = 1/2 in (2.3)); where the paper sets ᾱ = 1 its (3.14) and (B.2) lack
// the factor 1/2 that stands here.
//
// What noise does to a field is a matter of the [Space] of the fields: real numbers
// ([Euclidean]), or angles on the real line with a conserved sum ([LiftedAngles]). It has
// the directions z, the distribution at large noise, and what a density is one of.
//
// # Models
//
// A [ScoreModel] is a function that builds a GoMLX graph. [Gaussian] is the exact
// score of Gaussian data. [Model] adds to the exact Gaussian part of an ensemble
// with power spectrum C_k a [Network] that learns the rest,
//
//	s(φ, σ)_k = -φ_k/(C_k + σ²) + r(φ, σ)_k.
//
// The divergence of r is known exactly if the network is an [ExactNetwork].
//
// A [Trainer] fits r by denoising score matching (3.4) or, when the action is
// known, by target score matching with a spectral control variate.
//
// The backend (pure Go, or XLA for GPUs) is an argument everywhere; see
// github.com/gomlx/compute.
package diffusion
