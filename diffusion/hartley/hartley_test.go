package hartley_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/internal/backendtest"
)

// A filter in the Hartley basis must equal the same filter through a complex FFT.
func TestFilterAgainstFourier(t *testing.T) {
	backend := backendtest.Open()
	const batch, rows, cols = 2, 6, 5
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, batch*rows*cols)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	m := make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			m[i*cols+j] = math.Exp(math.Cos(2*math.Pi*float64(i)/rows) + 0.3*math.Cos(2*math.Pi*float64(j)/cols))
		}
	}
	exec := graph.MustNewExec(backend, func(x, m *graph.Node) *graph.Node { return hartley.Filter(x, m) })
	out, err := exec.Call(tensors.FromFlatDataAndDimensions(x, batch, 1, rows, cols), tensors.FromFlatDataAndDimensions(m, 1, 1, rows, cols))
	if err != nil {
		t.Fatal(err)
	}
	got := tensors.MustCopyFlatData[float64](out[0])
	for b := range batch {
		want := filter2D(x[b*rows*cols:(b+1)*rows*cols], m, rows, cols)
		for i, w := range want {
			if d := math.Abs(got[b*rows*cols+i] - w); d > 1e-12 {
				t.Fatalf("batch %d site %d: got %v, want %v", b, i, got[b*rows*cols+i], w)
			}
		}
	}
}

func filter2D(x, m []float64, rows, cols int) []float64 {
	z := make([]complex128, len(x))
	for i, v := range x {
		z[i] = complex(v, 0)
	}
	fftRows, fftCols := fourier.NewCmplxFFT(rows), fourier.NewCmplxFFT(cols)
	apply := func(inverse bool) {
		line := make([]complex128, rows)
		for i := range rows {
			if row := z[i*cols : (i+1)*cols]; inverse {
				fftCols.Sequence(row, row)
			} else {
				fftCols.Coefficients(row, row)
			}
		}
		for j := range cols {
			for i := range rows {
				line[i] = z[i*cols+j]
			}
			if inverse {
				fftRows.Sequence(line, line)
			} else {
				fftRows.Coefficients(line, line)
			}
			for i := range rows {
				z[i*cols+j] = line[i]
			}
		}
	}
	apply(false)
	for i := range z {
		z[i] *= complex(m[i], 0)
	}
	apply(true)
	out := make([]float64, len(x))
	for i := range out {
		out[i] = real(z[i]) / float64(len(x))
	}
	return out
}

// A mode is the field whose transform is one unit vector.
func TestMode(t *testing.T) {
	const size = 3 * 4 * 2
	exec := graph.MustNewExec(backendtest.Open(), hartley.Transform)
	var fields []float64
	for k := range size {
		fields = append(fields, hartley.Mode(k, 3, 4, 2)...)
	}
	got := tensors.MustCopyFlatData[float64](exec.MustCall1(tensors.FromFlatDataAndDimensions(fields, size, 1, 3, 4, 2)))
	for k := range size {
		for i, v := range got[k*size : (k+1)*size] {
			want := 0.0
			if i == k {
				want = 1
			}
			if math.Abs(v-want) > 1e-12 {
				t.Errorf("mode %d has the transform %v at %d", k, v, i)
			}
		}
	}
}
