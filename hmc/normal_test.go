package hmc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func newNormalSource(seed uint64) *normalSource {
	g := new(normalSource)
	g.seed(rand.New(rand.NewPCG(seed, 99)))
	return g
}

// The strips, built upwards from the base with equal areas, must close at the top
// of the density: the strip under x = 0 has the same area if and only if zigR is
// right.
func TestZigguratCloses(t *testing.T) {
	area := zigR*math.Exp(-zigR*zigR/2) + math.Sqrt(math.Pi/2)*math.Erfc(zigR/math.Sqrt2)
	top := math.Ldexp(zigTable[255].width, zigBits)
	if got := top * (1 - math.Exp(-top*top/2)); math.Abs(got/area-1) > 1e-9 {
		t.Errorf("expected the area %v of the top strip, got %v", area, got)
	}
	for i := 1; i < 255; i++ {
		edge := math.Ldexp(zigTable[i].width, zigBits)
		if got := edge * (zigDensity[i+1] - zigDensity[i]); math.Abs(got/area-1) > 1e-12 {
			t.Errorf("strip %d: expected the area %v, got %v", i, area, got)
		}
	}
}

// The moments of the normal distribution: ⟨x^n⟩ = (n-1)!! for even n, else 0, with
// variance ⟨x^2n⟩ - ⟨x^n⟩².
func TestNormalMoments(t *testing.T) {
	const n = 1 << 22
	x := make([]float64, n)
	newNormalSource(1).fill(x)
	moment := func(k int) float64 {
		m := 1.0
		for i := k - 1; i > 1; i -= 2 {
			m *= float64(i)
		}
		return m * float64(1-k%2)
	}
	for k := 1; k <= 8; k++ {
		sum := 0.0
		for _, v := range x {
			p := v
			for range k - 1 {
				p *= v
			}
			sum += p
		}
		got, want := sum/n, moment(k)
		if bound := 5 * math.Sqrt((moment(2*k)-want*want)/n); math.Abs(got-want) > bound {
			t.Errorf("moment %d: expected %v ± %v, got %v", k, want, bound, got)
		}
	}
	// Neighbours are uncorrelated, in value and in size.
	for lag := 1; lag <= 4; lag++ {
		c, s := 0.0, 0.0
		for i := lag; i < n; i++ {
			c += x[i] * x[i-lag]
			s += (x[i]*x[i] - 1) * (x[i-lag]*x[i-lag] - 1)
		}
		if z := c / math.Sqrt(n); math.Abs(z) > 5 {
			t.Errorf("correlation at distance %d: %.1f standard errors", lag, z)
		}
		if z := s / (2 * math.Sqrt(n)); math.Abs(z) > 5 {
			t.Errorf("correlation of squares at distance %d: %.1f standard errors", lag, z)
		}
	}
}

// Kolmogorov–Smirnov against the error function: √n·D exceeds 2.7 with probability
// 2exp(-2·2.7²) = 1e-6.
func TestNormalDistribution(t *testing.T) {
	const n = 1 << 20
	x := make([]float64, n)
	newNormalSource(2).fill(x)
	slices.Sort(x)
	d := 0.0
	for i, v := range x {
		f := math.Erfc(-v/math.Sqrt2) / 2
		d = max(d, math.Abs(f-float64(i)/n), math.Abs(f-float64(i+1)/n))
	}
	if d*math.Sqrt(n) > 2.7 {
		t.Errorf("expected √n·D below 2.7, got %v", d*math.Sqrt(n))
	}
}

// Numbers beyond ±a, on both sides of where the tail of the ziggurat begins, and
// the mean of the tail, where the sampling of its shape shows.
func TestNormalTails(t *testing.T) {
	const n = 1 << 24
	edges := []float64{1, 2, 3, 3.5, zigR, 3.8, 4, 4.5, 5}
	var above, below [9]float64
	tail, tail2 := 0.0, 0.0
	g := newNormalSource(3)
	x := make([]float64, 1<<12)
	for range n / len(x) {
		g.fill(x)
		for _, v := range x {
			for i, a := range edges {
				if math.Abs(v) <= a {
					break
				}
				if v > 0 {
					above[i]++
				} else {
					below[i]++
				}
			}
			if math.Abs(v) > zigR {
				tail += math.Abs(v)
				tail2 += v * v
			}
		}
	}
	for i, a := range edges {
		p := math.Erfc(a/math.Sqrt2) / 2
		bound := 5*math.Sqrt(n*p) + 1
		if math.Abs(above[i]-n*p) > bound || math.Abs(below[i]-n*p) > bound {
			t.Errorf("beyond ±%v: expected %.0f ± %.0f, got %v and %v", a, n*p, bound, above[i], below[i])
		}
	}
	count := above[4] + below[4]
	mean := tail / count
	err := math.Sqrt((tail2/count - mean*mean) / count)
	want := math.Exp(-zigR*zigR/2) * math.Sqrt(2/math.Pi) / math.Erfc(zigR/math.Sqrt2)
	if math.Abs(mean-want) > 5*err {
		t.Errorf("mean of the tail: expected %v ± %v, got %v", want, err, mean)
	}
}

func TestNormalSeed(t *testing.T) {
	a, b, c := make([]float64, 100), make([]float64, 100), make([]float64, 100)
	newNormalSource(5).fill(a)
	newNormalSource(5).fill(b)
	newNormalSource(6).fill(c)
	if !slices.Equal(a, b) {
		t.Error("expected the same numbers from the same seed")
	}
	if a[0] == c[0] {
		t.Error("expected other numbers from another seed")
	}
	// The numbers do not depend on how the array is cut.
	g := newNormalSource(5)
	for _, part := range [][]float64{b[:1], b[1:30], b[30:30], b[30:]} {
		g.fill(part)
	}
	if !slices.Equal(a, b) {
		t.Error("expected the same numbers in pieces")
	}
}

// zeros is a broken source, from which the generator must not take the zero state.
type zeros struct{}

func (zeros) Uint64() uint64 { return 0 }

func TestNormalZeroSeed(t *testing.T) {
	var g normalSource
	g.seed(rand.New(zeros{}))
	x := make([]float64, 64)
	g.fill(x)
	slices.Sort(x)
	if x[0] == x[63] {
		t.Errorf("expected different numbers, got %v throughout", x[0])
	}
}

// The first numbers of the authors' xoshiro256++ for the state 1, 2, 3, 4.
func TestXoshiro(t *testing.T) {
	g := normalSource{1, 2, 3, 4}
	for i, want := range []uint64{
		41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205,
		9973669472204895162, 14011001112246962877, 12406186145184390807,
		15849039046786891736, 10450023813501588000,
	} {
		if got := g.uint64(); got != want {
			t.Errorf("number %d: expected %d, got %d", i, want, got)
		}
	}
}
