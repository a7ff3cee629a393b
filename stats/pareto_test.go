package stats

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// gaussianGrid returns the quantiles of n Gaussian log-weights of standard deviation s.
func gaussianGrid(n int, s float64) []float64 {
	l := make([]float64, n)
	for i := range l {
		l[i] = s * math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(n)-1)
	}
	return l
}

// paretoGrid returns the logarithms of the quantiles of a generalised Pareto distribution.
func paretoGrid(n int, k float64) []float64 {
	l := make([]float64, n)
	for i := range l {
		l[i] = math.Log(paretoTail{k: k, sigma: 1}.quantile((float64(i) + 0.5) / float64(n)))
	}
	return l
}

// The values of psislw(l, normalize=False) of the Python package arviz 0.23.4: k̂, and the
// largest and the third largest smoothed log-weight.
func TestParetoSmoothAgainstArviz(t *testing.T) {
	for _, c := range []struct {
		name              string
		logw              []float64
		k, largest, third float64
	}{
		{"Gaussian 25, sd 1", gaussianGrid(25, 1), 0.4501548211848337, 2.0537489106318225, 1.2430212180402131},
		{"Gaussian 100, sd 0.5", gaussianGrid(100, 0.5), 0.22143019106785536, 1.2879146517744502, 1.0528746590405789},
		{"Gaussian 1000, sd 0.1", gaussianGrid(1000, 0.1), -0.03557347266733864, 0.32905267314919256, 0.2980916207018059},
		{"Gaussian 1000, sd 1", gaussianGrid(1000, 1), 0.290753024475596, 3.2905267314919255, 2.8497104991649382},
		{"Gaussian 1000, sd 3", gaussianGrid(1000, 3), 1.0524199736573676, 9.871580194475776, 8.325265266729955},
		{"Gaussian 10000, sd 1.5", gaussianGrid(10000, 1.5), 0.42272625531715863, 5.835887829619681, 5.266878989150053},
		{"Pareto 200, k -0.3", paretoGrid(200, -0.3), -0.09642789928347482, 1.022783365404239, 0.99582097485686},
		{"Pareto 2000, k 0.2", paretoGrid(2000, 0.2), 0.2267561866075469, 3.0570756038158966, 2.682543549666782},
		{"Pareto 2000, k 0.7", paretoGrid(2000, 0.7), 0.6786439979721498, 6.077171934067893, 4.976620392505937},
		{"Pareto 5000, k 1.2", paretoGrid(5000, 1.2), 1.1548441872152995, 10.648138113453884, 8.789117641873865},
	} {
		smoothed, k, err := ParetoSmooth(c.logw)
		if err != nil {
			t.Fatal(err)
		}
		n := len(smoothed)
		for what, pair := range map[string][2]float64{
			"k": {k, c.k}, "largest": {smoothed[n-1], c.largest}, "third": {smoothed[n-3], c.third},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-9 {
				t.Errorf("%s: %s = %.12g, arviz has %.12g", c.name, what, pair[0], pair[1])
			}
		}
	}
}

// On the quantiles of an exact generalised Pareto distribution the fit finds its shape, up to
// the weak prior, 10(1/2 - k)/(n + 10), and the coarseness of the grid at its end; its scale
// it finds without a prior.
func TestFitParetoExact(t *testing.T) {
	const n = 4000
	for _, k := range []float64{-0.4, 0.1, 0.5, 0.9, 1.5} {
		x := make([]float64, n)
		for i := range x {
			x[i] = 3 * paretoTail{k: k, sigma: 1}.quantile((float64(i)+0.5)/n)
		}
		got, sigma := fitPareto(x)
		if want := (n*k + 5) / (n + 10); math.Abs(got-want) > 5e-3 || math.Abs(sigma/3-1) > 5e-3 {
			t.Errorf("k = %v: fit %.4f and scale %.4f, want %.4f and 3", k, got, sigma, want)
		}
	}
}

// Random weights with a Pareto tail: k̂ scatters about the shape with the error (1+k)/√M of
// the largest likelihood, and the sum of smoothed weights is nearer to the mean than the plain
// sum where that has no variance.
func TestParetoSmoothScatter(t *testing.T) {
	const n, repeats, k = 1000, 200, 0.7
	m := math.Ceil(3 * math.Sqrt(n))
	rng := newRand(11)
	logw := make([]float64, n)
	var ks []float64
	plain, smooth := 0.0, 0.0
	for range repeats {
		for i := range logw {
			// A Pareto tail on a constant: the mean of w is 1 + 1/(1-k).
			logw[i] = math.Log1p(paretoTail{k: k, sigma: 1}.quantile(rng.Float64()))
		}
		smoothed, fit, err := ParetoSmooth(logw)
		if err != nil {
			t.Fatal(err)
		}
		ks = append(ks, fit)
		want := math.Log(1 + 1/(1-k))
		a, _ := LogMeanExp(logw)
		b, _ := LogMeanExp(smoothed)
		plain += (a.Value - want) * (a.Value - want)
		smooth += (b.Value - want) * (b.Value - want)
	}
	spread := (1 + k) / math.Sqrt(m)
	shift := priorTail * (priorK - k) / (m + priorTail)
	within(t, "mean k̂", average(ks), k+shift, spread/math.Sqrt(repeats), 5)
	within(t, "variance of k̂ over that of the largest likelihood", sampleVariance(ks)*(m+priorTail)*(m+priorTail)/m/m/spread/spread, 1, math.Sqrt(2.0/repeats), 5)
	if smooth > plain {
		t.Errorf("mean squared error of log⟨w⟩ %.3g with smoothed weights, %.3g without", smooth/repeats, plain/repeats)
	}
}

func TestParetoEdges(t *testing.T) {
	inf := math.Inf(-1)
	for name, logw := range map[string][]float64{
		"one": {2}, "equal": make([]float64, 100), "twenty": gaussianGrid(20, 1), "one above zero": {inf, 3, inf, inf},
		"a gap": append(make([]float64, 100), 1e4, 2e4, 3e4),
	} {
		smoothed, k, err := ParetoSmooth(logw)
		if err != nil || !math.IsNaN(k) || !slices.Equal(smoothed, logw) {
			t.Errorf("%s: %v, k = %v, %v", name, smoothed, k, err)
		}
	}
	// A shift changes nothing, the order neither, and zeros count in the number.
	l := append(gaussianGrid(1000, 2), inf, inf)
	_, want, err := ParetoSmooth(l)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(l)
	for i := range l {
		l[i] += 1e4
	}
	smoothed, k, err := ParetoSmooth(l)
	if err != nil || math.Abs(k-want) > 1e-8 || !math.IsInf(smoothed[0], -1) {
		t.Errorf("shifted: k = %v, want %v (%v)", k, want, err)
	}
	if s, err := LogWeightStats(l); err != nil || s.ParetoK != k {
		t.Errorf("LogWeightStats has k = %v, want %v (%v)", s.ParetoK, k, err)
	}
	if _, _, err := ParetoSmooth(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("no weights: %v", err)
	}
	for n, want := range map[int]float64{1: inf, 10: 0, 100: 0.5, 1000: 2.0 / 3, 1e6: 0.7} {
		if got := ParetoKThreshold(n); math.Abs(got-want) > 1e-12 && got != want {
			t.Errorf("threshold of %d weights %v, want %v", n, got, want)
		}
	}
}
