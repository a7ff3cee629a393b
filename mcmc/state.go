package mcmc

import "encoding"

// Stateful is implemented by kernels that carry state from step to step, such as
// a tuned width, a place in a pool of proposals or a cached weight. [Chain]
// stores that state with its own so that a restored chain goes on bit by bit.
// Scratch memory and everything given to the constructor is not state.
type Stateful interface {
	Kernel
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Adaptive is implemented by kernels that can tune their parameters from the
// steps they make. A chain whose transitions depend on its history does not have
// exp(-S) as its stationary distribution, so adaptation is off in a new kernel,
// [Chain.Thermalise] turns it on for the first half of its steps, and
// measurements are made with frozen parameters.
type Adaptive interface {
	Kernel
	// SetAdaptation starts or freezes the tuning.
	SetAdaptation(on bool)
}
