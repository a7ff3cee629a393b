//go:build goexperiment.simd && amd64

package plane

import (
	"simd/archsimd"
	"unsafe"
)

// Available lists the implementations for rows of cols sites, the fastest last. The
// vector loops need rows of whole vectors.
func Available(cols int) []*Loops {
	list := []*Loops{&scalarLoops}
	if archsimd.X86.AVX2() && archsimd.X86.FMA() && cols%4 == 0 {
		list = append(list, &avx2Loops)
	}
	if archsimd.X86.AVX512() && cols%8 == 0 {
		list = append(list, &avx512Loops)
	}
	return list
}

// Fastest returns the implementation to use for rows of cols sites.
func Fastest(cols int) *Loops {
	list := Available(cols)
	return list[len(list)-1]
}

// blocks4 and blocks8 view a slice as vectors; elements that do not fill a vector
// are left out. With blocks of equal number the compiler drops all bounds checks.
func blocks4(s []float64) [][4]float64 {
	return unsafe.Slice((*[4]float64)(unsafe.Pointer(unsafe.SliceData(s))), len(s)/4)
}

func blocks8(s []float64) [][8]float64 {
	return unsafe.Slice((*[8]float64)(unsafe.Pointer(unsafe.SliceData(s))), len(s)/8)
}
