// Package unet provides the U-Net score network: convolutions with the periodic
// boundary conditions of the lattice, at several resolutions joined by skip
// connections, after arXiv:1505.04597 and appendix A of arXiv:2309.17082.
//
// [Network] is odd under φ → -φ by construction (no biases in the field path, an odd
// activation, the noise level entering through multiplicative gates), and it
// commutes with translations by multiples of 2^levels sites, the stride of its
// coarsest level. It works in any dimension and for any extents that 2^levels
// divides.
package unet
