// Package plaquette is a score network for lifted angles, see [lattice.LiftedAction]: for the
// plaquettes of U(1) gauge theory in two dimensions.
//
// In the pure theory plaquettes are independent but for their sum. The output at a plaquette is
// therefore a function of its own angle θ, of the mean δ of all, which tells the winding
// number, and of the noise level:
//
//	f(θ) = Σ_k o_k(θ) M_k(e(θ), σ),
//
// with odd functions o_k, a perceptron M of even ones e, and W = C/(C+σ²), the Wiener filter of
// the model, which makes Wθ the expected clean angle:
//
//	o = θ/√(C+σ²), sin Wθ/√C, sin 2Wθ/√C, sin Wθ, δ/√C,
//	e = (1 - cos Wθ)/C, cos Wθ, cos 2Wθ, θ²/(C+σ²), δ²/C  (three of them bounded).
//
// So f is odd under charge conjugation, and the weights fit any lattice.
//
// In a theory with fermions plaquettes know of each other. Config.Context adds combinations
// c of odd and of even functions of the plaquettes around, which are odd functions o and, by
// themselves or times sin Wθ, even ones e. They leave the plaquette itself out (R. T. Q. Chen and
// D. Duvenaud, arXiv:1912.03579): the diagonal of the Jacobian J is that of fixed c, and the
// divergence in the directions without sum, tr J - (1/V) Σ_xy J(x,y), needs besides the
// derivative along the constant field only. It is exact, in the same pass.
//
// A model from diffusion.Measure knows the solution of independent angles
// (diffusion.LiftedAngles.Lift); the network then learns what is left. Without, it learns
// everything beyond a Gaussian.
package plaquette
