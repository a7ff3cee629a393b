//go:build goexperiment.simd && amd64

package lanes

import (
	"simd/archsimd"
	"unsafe"
)

// Available lists the implementations, the fastest last.
func Available() []*Kernels {
	list := []*Kernels{&scalarKernels}
	if archsimd.X86.AVX2() && archsimd.X86.FMA() {
		list = append(list, &avx2Kernels)
	}
	if archsimd.X86.AVX512() {
		list = append(list, &avx512Kernels)
	}
	return list
}

// Fastest returns the implementation to use.
func Fastest() *Kernels {
	list := Available()
	return list[len(list)-1]
}

// at8 and at16 view the numbers from index i on as a vector. The exported functions check
// the lengths of slices.
func at8(s []float32, i int) *[8]float32 {
	return (*[8]float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), 4*i))
}

func at16(s []float32, i int) *[16]float32 {
	return (*[16]float32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(s)), 4*i))
}
