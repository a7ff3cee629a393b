// Package host moves fields between Go slices of float64 and GoMLX tensors of
// either floating-point type.
package host

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Tensor returns a tensor of the given type and shape that begins with data; where
// data are fewer than the shape holds, the rest is zero.
func Tensor(dtype dtypes.DType, data []float64, dims ...int) *tensors.Tensor {
	size := volume(dims)
	if dtype == dtypes.Float64 {
		flat := make([]float64, size)
		copy(flat, data)
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	}
	flat := make([]float32, size)
	for i, v := range data {
		flat[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(flat, dims...)
}

// Normal returns a tensor of independent N(0, 1) numbers. Both types consume the
// generator alike.
func Normal(dtype dtypes.DType, rng *rand.Rand, dims ...int) *tensors.Tensor {
	return fill(dtype, rng.NormFloat64, dims)
}

// Rademacher returns a tensor of independent random signs.
func Rademacher(dtype dtypes.DType, rng *rand.Rand, dims ...int) *tensors.Tensor {
	return fill(dtype, func() float64 { return 1 - 2*float64(rng.Uint64()&1) }, dims)
}

func fill(dtype dtypes.DType, draw func() float64, dims []int) *tensors.Tensor {
	size := volume(dims)
	if dtype == dtypes.Float64 {
		flat := make([]float64, size)
		for i := range flat {
			flat[i] = draw()
		}
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	}
	flat := make([]float32, size)
	for i := range flat {
		flat[i] = float32(draw())
	}
	return tensors.FromFlatDataAndDimensions(flat, dims...)
}

// Scalar returns v as a Go number of the given type, an argument for a graph.
func Scalar(dtype dtypes.DType, v float64) any {
	if dtype == dtypes.Float64 {
		return v
	}
	return float32(v)
}

// Read copies the first len(dst) elements of t into dst.
func Read(dst []float64, t *tensors.Tensor) error {
	switch t.DType() {
	case dtypes.Float64:
		return tensors.ConstFlatData(t, func(flat []float64) { copy(dst, flat) })
	case dtypes.Float32:
		return tensors.ConstFlatData(t, func(flat []float32) {
			for i := range dst {
				dst[i] = float64(flat[i])
			}
		})
	}
	return fmt.Errorf("expected a floating-point tensor, got %v", t.DType())
}

func volume(dims []int) int {
	size := 1
	for _, n := range dims {
		size *= n
	}
	return size
}
