//go:build !goexperiment.simd && amd64

package program

// simdHint tells a user of the plain build how to get the vectorised kernels, which
// go.mod cannot ask for.
const simdHint = "hint: built without GOEXPERIMENT=simd; matrix products are about ten times slower"
