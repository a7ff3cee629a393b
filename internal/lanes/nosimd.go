//go:build !(goexperiment.simd && amd64)

package lanes

// Available lists the implementations, the fastest last.
func Available() []*Kernels { return []*Kernels{&scalarKernels} }

// Fastest returns the implementation to use.
func Fastest() *Kernels { return &scalarKernels }
