// Package unet provides the score networks that see the lattice as an image, and a
// small one for a single site.
//
// [Network] is the default: a U-Net (arXiv:1505.04597) with the periodic boundary
// conditions of the lattice in its convolutions and true changes of resolution. For an even
// action it is odd under φ → -φ by construction (no biases in the field path, an odd
// activation, the noise level entering through multiplicative gates, normalisations without
// a mean); for others there are shifts too. The components of a field are channels. It
// commutes with translations by multiples of 2^levels sites, the stride of its
// coarsest level; averaged over the point group it commutes with reflections and
// exchanges of axes too. It works in any dimension and for any extents that 2^levels
// divides.
//
// [Paper] is the network of appendix A of arXiv:2309.17082 exactly as published, to
// compare with. [Site] is a fully connected network for models of one site.
//
// On CPUs convolutions become matrix products with patches of the field, elsewhere they
// are the convolutions of the backend; both give the same numbers.
package unet
