package stats

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// grid is a source whose Float64 is (k + 1/2)/2^bits, k = 0, 1, …
type grid struct {
	next uint64
	bits int
}

func (g *grid) Uint64() uint64 {
	g.next++
	return (2*g.next - 1) << (52 - g.bits)
}

// The mean over the offset is an integral of a step function, which a fine grid of
// offsets gives to its spacing: n w_i/Σw for the number of times that i comes, Σwf/Σw for
// the mean of f. For each offset that number is rounded up or down.
func TestResampleIsExact(t *testing.T) {
	const bits = 12
	for _, tt := range []struct{ samples, n int }{{7, 5}, {5, 23}, {40, 1}, {30, 30}} {
		logw := gaussianLogWeights(3, tt.samples, 1.3, -700)
		logw[0], logw[3] = math.Inf(-1), math.Inf(-1)
		f := ar1(newRand(4), tt.samples, 0)
		total, want := 0.0, 0.0
		for i, l := range logw {
			total += math.Exp(l + 700)
			want += math.Exp(l+700) * f[i]
		}
		want /= total
		rng := rand.New(&grid{bits: bits})
		counts := make([]float64, tt.samples)
		mean := 0.0
		for range 1 << bits {
			idx, err := Resample(rng, logw, tt.n)
			if err != nil || len(idx) != tt.n || !slices.IsSorted(idx) {
				t.Fatalf("%v, %v", idx, err)
			}
			once := make([]float64, tt.samples)
			for _, i := range idx {
				once[i]++
				mean += f[i] / float64(tt.n) / (1 << bits)
			}
			for i, c := range once {
				if e := float64(tt.n) * math.Exp(logw[i]+700) / total; !(math.Abs(c-e) < 1) {
					t.Fatalf("index %d came %v times, expected %v", i, c, e)
				}
				counts[i] += c / (1 << bits)
			}
		}
		// Each index has two ends on the axis of the offsets.
		for i, c := range counts {
			if e := float64(tt.n) * math.Exp(logw[i]+700) / total; math.Abs(c-e) > 2.0/(1<<bits) {
				t.Errorf("%+v: index %d comes %v times on average, want %v", tt, i, c, e)
			}
		}
		bound := 0.0
		for _, v := range f {
			bound += 2 * math.Abs(v) / (1 << bits) / float64(tt.n)
		}
		if math.Abs(mean-want) > bound {
			t.Errorf("%+v: the mean of f is %v, want %v", tt, mean, want)
		}
	}
}

// Samples of N(0, 1.5²) resampled to N(0, 1): moments are right within the error that
// reweighting gives, and nearer to the weighted mean than independent draws would be.
func TestResampleMoments(t *testing.T) {
	const seeds, n, draws = 200, 4000, 1000
	var pulls, excess []float64
	for seed := range uint64(seeds) {
		rng := newRand(seed)
		x, logw := make([]float64, n), make([]float64, n)
		for i := range x {
			v := 1.5 * rng.NormFloat64()
			x[i], logw[i] = v*v, -v*v/2+v*v/4.5
		}
		e, err := ReweightedMean(x, logw, 100)
		if err != nil {
			t.Fatal(err)
		}
		idx, err := Resample(rng, logw, draws)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, i := range idx {
			mean += x[i] / draws
		}
		pulls = append(pulls, e.Pull(1))
		excess = append(excess, mean-e.Value)
	}
	within(t, "mean pull of the weighted mean", average(pulls), 0, 1/math.Sqrt(seeds), 5)
	// Independent draws of x² have the variance 2/draws.
	within(t, "mean distance from the weighted mean", average(excess), 0, math.Sqrt(2.0/draws/seeds), 5)
	if v := sampleVariance(excess); !(v < 2.0/draws) {
		t.Errorf("variance %v about the weighted mean, that of independent draws is %v", v, 2.0/draws)
	}
}

func TestResampleEdges(t *testing.T) {
	inf := math.Inf(-1)
	rng := newRand(1)
	same := make([]float64, 1000)
	idx, err := Resample(rng, same, len(same))
	for i := range idx {
		if err != nil || idx[i] != i {
			t.Fatalf("equal weights: entry %d is %d, %v", i, idx[i], err)
		}
	}
	for range 1000 {
		idx, err := Resample(rng, []float64{inf, -1e5, inf, inf}, 3)
		if err != nil || !slices.Equal(idx, []int{1, 1, 1}) {
			t.Fatalf("one weight: %v, %v", idx, err)
		}
	}
	again, err := Resample(newRand(7), same[:10], 4)
	other, err2 := Resample(newRand(7), same[:10], 4)
	if err != nil || err2 != nil || !slices.Equal(again, other) {
		t.Errorf("one seed gives %v, %v and %v, %v", again, err, other, err2)
	}
	for _, tt := range []struct {
		logw []float64
		want error
	}{{nil, ErrEmpty}, {[]float64{inf, inf}, ErrZeroWeight}, {[]float64{0, math.NaN()}, ErrNotFinite}} {
		if idx, err := Resample(rng, tt.logw, 2); !errors.Is(err, tt.want) || idx != nil {
			t.Errorf("%v gives %v, %v, want %v", tt.logw, idx, err, tt.want)
		}
	}
	for _, n := range []int{0, -1} {
		if _, err := Resample(rng, same, n); err == nil {
			t.Errorf("%d draws give no error", n)
		}
	}
}
