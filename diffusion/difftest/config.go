package difftest

import (
	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
)

// Config says on what theory a network or a score model is tested.
type Config struct {
	// Layout is that of the fields. It is needed by [TestNetwork] only; small extents, such
	// as 4×6, keep tests quick.
	Layout lattice.Layout
	// Symmetries are those of the theory, to which a network adapts; nil: not known.
	Symmetries *lattice.Symmetries
	// Keeps are the symmetries that the network must have, whatever its weights; those
	// that it is not said to keep it must break visibly. Nil: Symmetries, or where these
	// are nil too, nothing is tested.
	Keeps *lattice.Symmetries
	// Stride is the least translation in every direction that Keeps.Translation means.
	// Default 1. With a larger one, reflections are those about the middle of the lattice,
	// x → n-1-x, and translations by one site must be broken.
	Stride int
	// Order is the order μ of the model, see package diffusion.
	Order float64
	// Space is that of the fields; nil: [diffusion.Euclidean].
	Space diffusion.Space
	// Plain tests a network in a model without Gaussian part.
	Plain bool
	// Alive allows a network that does not vanish with fresh weights.
	Alive bool
	// Other is a lattice of the same dimension to which the model is moved; nil: none.
	Other *lattice.Lattice
	// Gain is the standard deviation of the random weights. Default 0.3.
	Gain float64
	// Curvature bounds the relative error of differences of the weights. Default 0.01.
	Curvature float64
}

func (c *Config) setDefaults() {
	if c.Keeps == nil {
		c.Keeps = c.Symmetries
	}
	if c.Stride == 0 {
		c.Stride = 1
	}
	if c.Gain == 0 {
		c.Gain = 0.3
	}
	if c.Curvature == 0 {
		c.Curvature = 0.01
	}
}

// levels are the noise levels at which functions are compared.
var levels = []float64{0.1, 0.7, 4}
