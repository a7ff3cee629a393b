//go:build !(goexperiment.simd && amd64)

package plane

// Available lists the implementations for rows of cols sites, the fastest last.
func Available(cols int) []*Loops { return []*Loops{&scalarLoops} }

// Fastest returns the implementation to use for rows of cols sites.
func Fastest(cols int) *Loops { return &scalarLoops }
