package lanes

import (
	"math"
	"math/rand/v2"
	"testing"
)

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// near fails unless got agrees with want to rounding of sums whose terms have the given size.
func near(t *testing.T, what string, got []float32, want []float64, size float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(float64(got[i])-w) > 1e-6*size || got[i] != got[i] {
			t.Fatalf("%s: number %d: expected %v, got %v", what, i, w, got[i])
		}
	}
}

func TestProduct(t *testing.T) {
	for _, k := range Available() {
		for _, size := range []struct{ rows, inner, cols, gap int }{{1, 1, 16, 0}, {4, 9, 48, 16}, {6, 33, 64, 0}, {48, 48, 32, 32}} {
			rng := rand.New(rand.NewPCG(1, uint64(size.rows)))
			w, start := normal(rng, size.rows*size.inner), normal(rng, size.rows)
			row := size.cols + size.gap
			x := normal(rng, size.inner*row)
			m := k.NewMatrix(w, size.rows, start)
			got := make([]float32, m.Rows()*size.cols)
			k.ProductRows(got, m, x, row, size.cols)
			want := make([]float64, size.rows*size.cols)
			for r := range size.rows {
				for c := range size.cols {
					want[r*size.cols+c] = float64(start[r])
					for i := range size.inner {
						want[r*size.cols+c] += float64(w[r*size.inner+i]) * float64(x[i*row+c])
					}
				}
			}
			near(t, k.Name+" product", got, want, float64(size.inner))
		}
	}
}

func TestDots(t *testing.T) {
	const n, cols = 7, 48
	rng := rand.New(rand.NewPCG(2, 0))
	w, x, y, start := normal(rng, n), normal(rng, n*cols), normal(rng, n*cols), normal(rng, cols)
	dot, product := make([]float64, cols), make([]float64, cols)
	for c := range cols {
		dot[c], product[c] = float64(start[c]), float64(start[c])
		for i := range n {
			dot[c] += float64(w[i]) * float64(x[i*cols+c])
			product[c] += float64(w[i]) * float64(x[i*cols+c]) * float64(y[i*cols+c])
		}
	}
	for _, k := range Available() {
		got := append([]float32{}, start...)
		k.Dot(got, w, x)
		near(t, k.Name+" dot", got, dot, n)
		copy(got, start)
		k.DotProduct(got, w, x, y)
		near(t, k.Name+" dot product", got, product, n)
	}
}

// The sigmoid and its derivative to the relative error that is stated, from small to
// large arguments.
func TestSigmoid(t *testing.T) {
	const n, bound = 1 << 12, 5e-7
	p, a := make([]float32, n), float32(-1.5)
	for i := range p {
		p[i] = float32(math.Exp(40*(float64(i)/n-0.5)) * float64(1-2*(i%2)))
	}
	b := [Width]float32{}
	for l := range b {
		b[l] = float32(l) / 3
	}
	for _, k := range Available() {
		value, slope := make([]float32, n), make([]float32, n)
		compare := func(arg func(i int) float64) {
			t.Helper()
			for i := range p {
				x := arg(i)
				v, s := x/math.Hypot(1, x), math.Pow(1+x*x, -1.5)
				if math.Abs(float64(value[i])-v) > bound*math.Abs(v) || math.Abs(float64(slope[i])-s) > 3*bound*s+1e-37 {
					t.Fatalf("%s at %v: expected %v and %v, got %v and %v", k.Name, x, v, s, value[i], slope[i])
				}
			}
		}
		k.Sigmoid(value, slope, p)
		compare(func(i int) float64 { return float64(p[i]) })
		k.Site(value, slope, p, a, &b)
		for i, v := range p {
			// Where p = a·x + b cancels, its rounding is magnified: compare at the rounded one.
			x := float64(a)*float64(v) + float64(b[i%Width])
			if math.Abs(float64(value[i])-x/math.Hypot(1, x)) > bound*(1+math.Abs(float64(a*v))) {
				t.Fatalf("%s at %v: got %v", k.Name, x, value[i])
			}
		}
	}
}

// The transform against its definition, for odd and even extents, and as its own inverse.
func TestTransform(t *testing.T) {
	for _, dims := range [][]int{{1}, {2}, {3}, {8}, {5, 1, 4}, {6, 7}, {4, 8, 2}, {16, 12}, {2, 3, 2, 3}} {
		for _, k := range Available() {
			tr := NewTransform(k, dims)
			rng := rand.New(rand.NewPCG(3, 0))
			x := normal(rng, tr.sites*Width)
			got := append([]float32{}, x...)
			scratch := make([]float32, tr.Scratch())
			tr.Apply(got, scratch)
			want := make([]float64, len(x))
			for a := range tr.sites {
				for b := range tr.sites {
					w, i, j := 1.0, a, b
					for mu := len(dims) - 1; mu >= 0; mu-- {
						n := dims[mu]
						angle := 2 * math.Pi * float64(i%n*(j%n)) / float64(n)
						w *= (math.Cos(angle) + math.Sin(angle)) / math.Sqrt(float64(n))
						i, j = i/n, j/n
					}
					for l := range Width {
						want[a*Width+l] += w * float64(x[b*Width+l])
					}
				}
			}
			near(t, k.Name+" transform", got, want, 4)
			tr.Apply(got, scratch)
			back := make([]float64, len(x))
			for i, v := range x {
				back[i] = float64(v)
			}
			near(t, k.Name+" inverse", got, back, 6)
		}
	}
}

func TestScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	x, f := normal(rng, 5*Width), normal(rng, 5)
	want := make([]float64, len(x))
	for i, v := range x {
		want[i] = float64(v) * float64(f[i/Width])
	}
	for _, k := range Available() {
		got := make([]float32, len(x))
		k.Scale(got, x, f)
		near(t, k.Name+" scale", got, want, 1)
		y, b := normal(rng, len(x)), [Width]float32{}
		copy(b[:], normal(rng, Width))
		k.Along(got, x, y, 0.3, &b)
		product := make([]float64, len(x))
		for i, v := range x {
			product[i] = float64(v) * (float64(float32(0.3)) + float64(b[i%Width])*float64(y[i]))
		}
		near(t, k.Name+" along", got, product, 10)
	}
}

func BenchmarkProduct(b *testing.B) {
	const n, cols = 48, 32
	rng := rand.New(rand.NewPCG(1, 2))
	w, x, y := normal(rng, n*n), normal(rng, n*cols), make([]float32, n*cols)
	for _, k := range Available() {
		m := k.NewMatrix(w, n, nil)
		b.Run(k.Name, func(b *testing.B) {
			for b.Loop() {
				k.Product(y, m, x, cols)
			}
			b.ReportMetric(2*n*n*cols/float64(b.Elapsed().Nanoseconds())*float64(b.N), "GFLOP/s")
		})
	}
}

func BenchmarkSigmoid(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := normal(rng, 48*32)
	v, s := make([]float32, len(x)), make([]float32, len(x))
	for _, k := range Available() {
		b.Run(k.Name, func(b *testing.B) {
			for b.Loop() {
				k.Sigmoid(v, s, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/number")
		})
	}
}

func BenchmarkTransform(b *testing.B) {
	for _, k := range Available() {
		b.Run(k.Name, func(b *testing.B) {
			t := NewTransform(k, []int{32, 32})
			x, scratch := normal(rand.New(rand.NewPCG(1, 2)), 1024*Width), make([]float32, t.Scratch())
			for b.Loop() {
				t.Apply(x, scratch)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/Width, "µs/field")
		})
	}
}
