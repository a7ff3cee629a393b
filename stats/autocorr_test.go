package stats

import (
	"errors"
	"math"
	"testing"
)

func autocorrelationByDefinition(x []float64, t int) float64 {
	mean := average(x)
	c0, ct := 0.0, 0.0
	for i, v := range x {
		c0 += (v - mean) * (v - mean) / float64(len(x))
		if i+t < len(x) {
			ct += (v - mean) * (x[i+t] - mean) / float64(len(x)-t)
		}
	}
	return ct / c0
}

func TestAutocorrelationByDefinition(t *testing.T) {
	for _, n := range []int{2, 3, 30, 100, 1001, 5000} {
		x := ar1(newRand(uint64(n)), n, 0.8)
		for _, tmax := range []int{1, n / 3, n - 1} {
			rho, err := Autocorrelation(x, tmax)
			if err != nil || len(rho) != tmax+1 || rho[0] != 1 {
				t.Fatalf("n = %d: %d lags, %v", n, len(rho), err)
			}
			for lag := 0; lag <= tmax; lag += 1 + tmax/50 {
				if want := autocorrelationByDefinition(x, lag); math.Abs(rho[lag]-want) > 1e-11 {
					t.Errorf("n = %d, tmax = %d: ρ(%d) = %v, want %v", n, tmax, lag, rho[lag], want)
				}
			}
		}
	}
}

// Replicas of unequal length, with lags beyond the end of some of them, by direct sums
// and by Fourier transforms of whole and of cut replicas.
func TestCovariancesOfReplicas(t *testing.T) {
	for _, tt := range []struct {
		lengths []int
		tmax    int
	}{
		{[]int{5, 30, 1}, 20}, {[]int{2, 3}, 2}, {[]int{100, 7, 300}, 250}, {[]int{5000, 90, 1200}, 100}, {[]int{4097}, 64},
	} {
		var dev [][]float64
		for r, n := range tt.lengths {
			dev = append(dev, ar1(newRand(uint64(r)), n, 0.7))
		}
		got := covariances(dev, tt.tmax)
		for lag, g := range got {
			s, pairs := 0.0, 0
			for _, d := range dev {
				for i := 0; i+lag < len(d); i++ {
					s += d[i] * d[i+lag]
					pairs++
				}
			}
			if want := s / float64(pairs); math.Abs(g-want) > 1e-12*(1+math.Abs(want)) {
				t.Errorf("lengths %v: Γ(%d) = %v, want %v", tt.lengths, lag, g, want)
			}
		}
	}
}

// ρ is the same for x and a + bx, whatever the size of a and b.
func TestAutocorrelationScale(t *testing.T) {
	x := []float64{0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0}
	want, err := Autocorrelation(x, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, ab := range [][2]float64{{0, 1e300}, {0, -1e-300}, {1e15, 1}, {-8e307, 1.6e308}, {0, 5e-324}} {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = ab[0] + ab[1]*v
		}
		rho, err := Autocorrelation(y, 5)
		if err != nil {
			t.Fatal(err)
		}
		for lag := range rho {
			if math.Abs(rho[lag]-want[lag]) > 1e-12 {
				t.Errorf("%v + %v x: ρ(%d) = %v, want %v", ab[0], ab[1], lag, rho[lag], want[lag])
			}
		}
	}
}

func TestAutocorrelationEdges(t *testing.T) {
	rho, err := Autocorrelation([]float64{0.3, 0.3, 0.3}, 2)
	if err != nil || rho[0] != 1 || rho[1] != 0 || rho[2] != 0 {
		t.Errorf("constant series: %v, %v", rho, err)
	}
	if _, err := Autocorrelation(nil, 0); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty series gives %v", err)
	}
	for _, tmax := range []int{-1, 3} {
		if _, err := Autocorrelation([]float64{1, 2, 3}, tmax); err == nil {
			t.Errorf("tmax = %d gives no error", tmax)
		}
	}
	if _, err := Autocorrelation([]float64{1, math.NaN()}, 0); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN gives %v", err)
	}
}

func TestFourierLength(t *testing.T) {
	for n := 1; n < 3000; n++ {
		m := fourierLength(n)
		rest := m
		for _, p := range []int{2, 3, 5} {
			for rest%p == 0 {
				rest /= p
			}
		}
		if m < n || m%2 != 0 || rest != 1 || float64(m) > 1.2*float64(n)+2 {
			t.Errorf("fourierLength(%d) = %d", n, m)
		}
	}
}
