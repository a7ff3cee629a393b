//go:build !(goexperiment.simd && amd64)

package hmc

// available lists the implementations for rows of cols sites, the fastest last.
func available(cols int) []*loops { return []*loops{&scalarLoops} }

func fastest(cols int) *loops { return &scalarLoops }
