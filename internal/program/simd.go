//go:build goexperiment.simd || !amd64

package program

const simdHint = ""
