package stats

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"
)

func mean0(m []float64) float64 { return m[0] }

// The jackknife of a mean with one sample per block is s/√n exactly.
func TestJackknifeOfMean(t *testing.T) {
	x := ar1(newRand(1), 101, 0)
	want, err := Mean(x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Jackknife([][]float64{x}, len(x), mean0)
	if err != nil || math.Abs(got.Value-want.Value) > 1e-15 || math.Abs(got.Error-want.Error) > 1e-15 {
		t.Errorf("jackknife of the mean = %+v, %v, want %+v", got, err, want)
	}
}

// For ⟨x⟩² with one sample per block the replicates, the bias s²/n and the error have
// closed forms in the central moments.
func TestJackknifeOfSquaredMean(t *testing.T) {
	x := []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}
	n := float64(len(x))
	r, err := JackknifeReplicates([][]float64{x}, len(x), func(m []float64) float64 { return m[0] * m[0] })
	if err != nil {
		t.Fatal(err)
	}
	mean := average(x)
	m2, m3, m4 := 0.0, 0.0, 0.0
	for i, v := range x {
		d := v - mean
		m2 += d * d / n
		m3 += d * d * d / n
		m4 += d * d * d * d / n
		if want := (n*mean - v) / (n - 1); math.Abs(r.Samples[i]-want*want) > 1e-12 {
			t.Errorf("replicate %d = %v, want %v", i, r.Samples[i], want*want)
		}
	}
	// θ_i - ⟨θ⟩ = -2x̄ d/(n-1) + (d² - m2)/(n-1)².
	a, b := -2*mean/(n-1), 1/((n-1)*(n-1))
	variance := (n - 1) / n * n * (a*a*m2 + 2*a*b*m3 + b*b*(m4-m2*m2))
	if math.Abs(r.Error-math.Sqrt(variance)) > 1e-12 {
		t.Errorf("error = %v, want %v", r.Error, math.Sqrt(variance))
	}
	if want := m2 / (n - 1); math.Abs(r.Bias-want) > 1e-12 {
		t.Errorf("bias = %v, want s²/n = %v", r.Bias, want)
	}
	if r.Value != mean*mean {
		t.Errorf("value = %v, want %v", r.Value, mean*mean)
	}
}

// Blocks of different lengths: the delete-m_j jackknife of a mean has the closed
// form (1/B) Σ_j (x̄_j - x̄)²/(h_j - 1) with h_j = n/m_j, and the estimator that sees index sets agrees with the one that sees means.
func TestJackknifeUnequalBlocks(t *testing.T) {
	const n, blocks = 103, 10
	x := ar1(newRand(2), n, 0.3)
	y := ar1(newRand(3), n, 0.3)
	mean := average(x)
	want := 0.0
	for j := range blocks {
		lo, hi := blockBounds(n, blocks, j)
		if hi-lo != 10 && hi-lo != 11 {
			t.Fatalf("block %d has length %d", j, hi-lo)
		}
		d := average(x[lo:hi]) - mean
		want += d * d / (float64(n)/float64(hi-lo) - 1) / blocks
	}
	if _, hi := blockBounds(n, blocks, blocks-1); hi != n {
		t.Fatalf("the last block ends at %d, want %d", hi, n)
	}
	got, err := Jackknife([][]float64{x}, blocks, mean0)
	if err != nil || math.Abs(got.Error-math.Sqrt(want)) > 1e-13 {
		t.Errorf("error = %v, %v, want %v", got, err, math.Sqrt(want))
	}
	ratio, err := Jackknife([][]float64{x, y}, blocks, func(m []float64) float64 { return math.Exp(m[0]) / (2 + m[1]) })
	if err != nil {
		t.Fatal(err)
	}
	byIndex, err := JackknifeFunc(n, blocks, func(keep []int) float64 {
		a, b := 0.0, 0.0
		for _, i := range keep {
			a += x[i] / float64(len(keep))
			b += y[i] / float64(len(keep))
		}
		return math.Exp(a) / (2 + b)
	})
	if err != nil || math.Abs(ratio.Value-byIndex.Value) > 1e-14 || math.Abs(ratio.Error-byIndex.Error) > 1e-14 {
		t.Errorf("by means %v, by index sets %v, %v", ratio, byIndex, err)
	}
}

// On n Gaussian values U_L has the error √(8/(3n)) and expectation 2/n to leading order.
func TestBinderOfGaussians(t *testing.T) {
	const seeds, n = 300, 5000
	var pulls, errs []float64
	for seed := range seeds {
		e, err := BinderCumulant(ar1(newRand(uint64(seed)), n, 0), 100)
		if err != nil {
			t.Fatal(err)
		}
		pulls = append(pulls, e.Pull(2.0/n))
		errs = append(errs, e.Error)
	}
	v := sampleVariance(pulls)
	t.Logf("pulls: mean %.3f, variance %.3f", average(pulls), v)
	within(t, "mean pull", average(pulls), 0, 1/math.Sqrt(seeds), 5)
	// Pulls with an error from 100 blocks follow Student's t, of variance 1.02.
	within(t, "variance of the pulls", v, 99.0/97, math.Sqrt(2.0/seeds), 5)
	want := math.Sqrt(8.0 / 3 / n)
	within(t, "error of U_L", average(errs), want, want/math.Sqrt(2*99*seeds)+0.01*want, 5)
}

func TestMagnetizationPullsWithAutocorrelation(t *testing.T) {
	const seeds, n, a, volume = 200, 20_000, 0.7, 64
	var chi, conn, abs, binder []float64
	for seed := range seeds {
		m := ar1(newRand(uint64(seed)), n, a)
		one := func(e Estimate, err error) Estimate {
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		tau := ar1Tau(a)
		// ⟨M⟩² on n entries has expectation 2τ/n.
		chi = append(chi, one(Susceptibility(m, volume, 0)).Pull(volume*(1-2*tau/n)))
		conn = append(conn, one(ConnectedSusceptibility(m, volume, 0)).Pull(volume*(1-2/math.Pi)))
		abs = append(abs, one(AbsMean(m, 0)).Pull(math.Sqrt(2/math.Pi)))
		binder = append(binder, one(BinderCumulant(m, 0)).Pull(0))
	}
	for what, p := range map[string][]float64{"χ₂": chi, "connected χ": conn, "⟨|M|⟩": abs, "U_L": binder} {
		within(t, "mean pull of "+what, average(p), 0, 1/math.Sqrt(seeds), 5)
		within(t, "variance of the pulls of "+what, sampleVariance(p), 1.05, math.Sqrt(2.0/seeds), 5)
	}
}

// corrected is what a jackknife with a given number of blocks becomes when they are the
// automatic ones for that τ.
func corrected(e Estimate, n, blocks int, tau float64) Estimate {
	b := float64(n) / float64(blocks)
	deficit := (tau - 1/(4*tau)) / b * float64(blocks) / float64(blocks-1)
	return Estimate{e.Value, e.Error / math.Sqrt(1-deficit)}
}

// agree reports whether two estimates agree to rounding.
func agree(a, b Estimate) bool {
	return a.Value == b.Value && math.Abs(a.Error-b.Error) <= 1e-12*a.Error
}

// The squared error that the jackknife of AR(1) gives on average, by sums over the exact
// autocorrelations, is that of the mean once it is corrected.
func TestAutomaticBlocksDeficit(t *testing.T) {
	const n = 4000
	for _, a := range []float64{0, 0.5, 0.9, 0.96} {
		variance := func(length int) float64 {
			v := 1.0
			for k := 1; k < length; k++ {
				v += 2 * (1 - float64(k)/float64(length)) * math.Pow(a, float64(k))
			}
			return v / float64(length)
		}
		tau := ar1Tau(a)
		blocks := min(int(n/(4*tau)), 100)
		b := float64(blocks)
		// Σ_j (x̄_j - x̄)²/(B(B-1)) for blocks of equal length.
		jackknife := math.Sqrt((variance(n/blocks) - variance(n)) / (b - 1))
		got := corrected(Estimate{0, jackknife}, n, blocks, tau)
		if want := math.Sqrt(variance(n)); math.Abs(got.Error/want-1) > 0.01 {
			t.Errorf("a = %v: error %v from %d blocks, want %v", a, got.Error, blocks, want)
		}
	}
}

// The automatic blocks are as long as documented, and the error is corrected.
func TestAutomaticBlocks(t *testing.T) {
	const n, a = 2000, 0.9
	x, y := ar1(newRand(1), n, a), ar1(newRand(2), n, 0)
	tau, err := IntegratedAutocorrelation(x, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	blocks := int(n / (4 * tau.Value))
	if blocks < 20 || blocks > 99 {
		t.Fatalf("%d blocks say nothing about the rule", blocks)
	}
	want, err := Jackknife([][]float64{y, x}, blocks, func(m []float64) float64 { return m[0] + m[1] })
	got, err2 := Jackknife([][]float64{y, x}, 0, func(m []float64) float64 { return m[0] + m[1] })
	if err != nil || err2 != nil || !agree(got, corrected(want, n, blocks, tau.Value)) {
		t.Errorf("automatic blocks: %+v, %v, %d blocks: %+v, %v", got, err2, blocks, want, err)
	}
	free, err := IntegratedAutocorrelation(y, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	want, err = Jackknife([][]float64{y}, 100, mean0)
	if got, err2 := Jackknife([][]float64{y}, 0, mean0); err != nil || err2 != nil || !agree(got, corrected(want, n, 100, max(free.Value, 0.5))) {
		t.Errorf("automatic blocks without correlation: %+v, %v, 100 blocks: %+v, %v", got, err2, want, err)
	}
	// What matters for reweighting are the correlations of w (y - ⟨y⟩), which are
	// shorter here than those of y.
	z := make([]float64, n)
	mean, total := 0.0, 0.0
	for i := range y {
		y[i] += 3 * x[i]
		z[i] = math.Exp(x[i])
		mean += y[i] * z[i]
		total += z[i]
	}
	mean /= total
	for i := range z {
		z[i] *= y[i] - mean
	}
	tau, err = IntegratedAutocorrelation(z, GammaConfig{})
	if err != nil {
		t.Fatal(err)
	}
	blocks = min(int(n/(4*tau.Value)), 100)
	own, err := IntegratedAutocorrelation(y, GammaConfig{})
	if err != nil || blocks <= int(n/(4*own.Value)) {
		t.Fatalf("%d blocks say nothing about the rule, %v", blocks, err)
	}
	want, err = ReweightedMean(y, x, blocks)
	if got, err2 := ReweightedMean(y, x, 0); err != nil || err2 != nil || !agree(got, corrected(want, n, blocks, tau.Value)) {
		t.Errorf("reweighting: %+v, %v, %d blocks: %+v, %v", got, err2, blocks, want, err)
	}
}

// χ₂ is the jackknife of ⟨M²⟩ and ⟨M⟩.
func TestSusceptibilityReplicates(t *testing.T) {
	m := ar1(newRand(6), 60, 0.5)
	square := make([]float64, len(m))
	for i := range m {
		m[i] += 0.4
		square[i] = m[i] * m[i]
	}
	want, err := Jackknife([][]float64{m, square}, 6, func(a []float64) float64 { return 9 * (a[1] - a[0]*a[0]) })
	got, err2 := Susceptibility(m, 9, 6)
	if err != nil || err2 != nil || math.Abs(got.Value-want.Value) > 1e-13 || math.Abs(got.Error-want.Error) > 1e-13 {
		t.Errorf("χ₂ = %+v, %v, want %+v, %v", got, err2, want, err)
	}
}

func TestSusceptibilityKeepsDigits(t *testing.T) {
	m := []float64{1e9 + 1, 1e9 - 1, 1e9 + 1, 1e9 - 1, 1e9 + 1, 1e9 - 1, 1e9 + 1, 1e9 - 1}
	e, err := Susceptibility(m, 10, 4)
	if err != nil || e.Value != 10 {
		t.Errorf("χ₂ of 1e9 ± 1 = %v, %v, want 10", e, err)
	}
	if e, err := ConnectedSusceptibility([]float64{3, -3, 3, -3}, 7, 2); err != nil || e != (Estimate{}) {
		t.Errorf("connected χ of ±3 = %v, %v, want 0", e, err)
	}
	if e, err := BinderCumulant([]float64{3, -3, 3, -3}, 2); err != nil || math.Abs(e.Value-2.0/3) > 1e-15 {
		t.Errorf("U_L of ±3 = %v, %v, want 2/3", e, err)
	}
	if _, err := BinderCumulant(make([]float64, 16), 4); !errors.Is(err, ErrNotFinite) {
		t.Errorf("U_L of 0 gives %v", err)
	}
	if _, err := Susceptibility(m, 0, 4); err == nil {
		t.Error("χ₂ on no sites gives no error")
	}
}

func TestJackknifeErrors(t *testing.T) {
	x := []float64{1, 2, 3, 4}
	for _, tt := range []struct {
		cols   [][]float64
		blocks int
	}{{[][]float64{x}, 1}, {[][]float64{x}, 5}, {[][]float64{x, x[:3]}, 2}, {nil, 2}, {[][]float64{{}}, 2}} {
		if e, err := Jackknife(tt.cols, tt.blocks, mean0); err == nil || !math.IsNaN(e.Value) {
			t.Errorf("Jackknife(%v, %d) = %v, %v, want an error", tt.cols, tt.blocks, e, err)
		}
	}
	if _, err := Jackknife([][]float64{{1, math.NaN()}}, 2, mean0); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN gives %v", err)
	}
	if _, err := Jackknife([][]float64{x}, 2, func([]float64) float64 { return math.NaN() }); !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN from the estimator gives %v", err)
	}
	if _, err := JackknifeFunc(0, 2, func([]int) float64 { return 0 }); !errors.Is(err, ErrEmpty) {
		t.Errorf("no samples give %v", err)
	}
	var short *TooShortError
	e, err := Jackknife([][]float64{{7}}, 0, mean0)
	if !errors.As(err, &short) || e.Value != 7 || short.Estimate.Value != 7 {
		t.Errorf("one sample gives %v, %v", e, err)
	}
	e, err = Jackknife([][]float64{ar1(newRand(1), 300, 0.99)}, 0, mean0)
	if !errors.As(err, &short) || short.Estimate != e || !(e.Error > 0) {
		t.Errorf("a short chain gives %v, %v", e, err)
	}
}

func TestBootstrap(t *testing.T) {
	const n, a = 20_000, 0.5
	x := ar1(newRand(4), n, a)
	f := func(m []float64) float64 { return math.Exp(m[0]) }
	cfg := BootstrapConfig{Samples: 2000, BlockLength: 100, Seed: 9}
	r, err := Bootstrap([][]float64{x}, cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	// The error of exp(x̄) to first order.
	want := f([]float64{average(x)}) * math.Sqrt(2*ar1Tau(a)/n)
	// 2000 replicates and 200 blocks both limit the precision.
	within(t, "bootstrap error", r.Error, want, want*math.Sqrt(1/4000.0+1/400.0), 5)
	lo, hi := r.Interval(math.Erf(1 / math.Sqrt2))
	within(t, "width of the 1σ interval", (hi-lo)/2, r.Error, r.Error*0.03, 5)

	again, _ := Bootstrap([][]float64{x}, cfg, f)
	if !slices.Equal(r.Samples, again.Samples) {
		t.Error("the same seed gives other replicates")
	}
	cfg.Seed++
	other, _ := Bootstrap([][]float64{x}, cfg, f)
	if slices.Equal(r.Samples, other.Samples) {
		t.Error("another seed gives the same replicates")
	}
	// Means of blocks, and means over index sets, are the same replicates.
	cfg = BootstrapConfig{Samples: 20, BlockLength: 7, Seed: 3}
	short := x[:100]
	byMeans, err := Bootstrap([][]float64{short}, cfg, f)
	if err != nil {
		t.Fatal(err)
	}
	byIndex, err := BootstrapFunc(len(short), cfg, func(idx []int) float64 {
		s := 0.0
		for _, i := range idx {
			s += short[i] / float64(len(idx))
		}
		return math.Exp(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	for k := range byMeans.Samples {
		if math.Abs(byMeans.Samples[k]-byIndex.Samples[k]) > 1e-13 {
			t.Errorf("replicate %d: %v by means, %v by index sets", k, byMeans.Samples[k], byIndex.Samples[k])
		}
	}
	idx, err := BootstrapIndices(nil, len(short), 0, cfg)
	if err != nil || len(idx) != len(short) || (idx[0]+6)%len(short) != idx[6] {
		t.Errorf("index set %v, %v", idx, err)
	}
	// Every sample is drawn equally often, also across the ends of the series. Counts
	// of blocks of 7 have 7 times the variance of single draws, at most.
	const sets = 3000
	counts := make([]float64, len(short))
	for k := range sets {
		if idx, err = BootstrapIndices(idx, len(short), k, cfg); err != nil {
			t.Fatal(err)
		}
		for _, i := range idx {
			counts[i]++
		}
	}
	for i, c := range counts {
		within(t, "draws of sample "+strconv.Itoa(i), c, sets, math.Sqrt(7*sets), 5)
	}
	for _, bad := range []BootstrapConfig{{BlockLength: 101}, {BlockLength: -1}, {Samples: 1}, {Samples: -5}} {
		if _, err := Bootstrap([][]float64{short}, bad, f); err == nil {
			t.Errorf("%+v gives no error", bad)
		}
	}
}

// The message names what is too few, and what to do.
func TestMessages(t *testing.T) {
	three := []float64{1, 2, 3}
	_, jackknife := Jackknife([][]float64{three}, 20, mean0)
	_, reweight := ReweightedMean(three, three, 20)
	_, one := Jackknife([][]float64{three}, 1, mean0)
	_, bootstrap := Bootstrap([][]float64{three}, BootstrapConfig{BlockLength: 5}, mean0)
	_, infinite := NewHistogram(three, 10, -1e308, 1e308)
	_, tiny := NewHistogram(three, 10, 0, 5e-324)
	_, order := NewHistogram(three, 10, 1, 1)
	_, single := R2Coefficient(three[:1], three[:1])
	for _, tt := range []struct {
		err  error
		want string
	}{
		{jackknife, "stats: expected at least 20 configurations for 20 jackknife blocks, got 3: measure more of them, or ask for at most 3 blocks (0 chooses the number)"},
		{reweight, "stats: expected at least 20 configurations for 20 jackknife blocks, got 3: measure more of them, or ask for at most 3 blocks (0 chooses the number)"},
		{one, "stats: expected at least 2 jackknife blocks, or 0 for the automatic number, got 1"},
		{bootstrap, "stats: expected at least 5 samples for bootstrap blocks of that length, got 3: take more of them, or shorter blocks"},
		{infinite, "stats: expected a histogram with a bin width (hi-lo)/bins that is finite and above 0 in float64, got +Inf for 10 bins from -1e+308 to 1e+308"},
		{tiny, "stats: expected a histogram with a bin width (hi-lo)/bins that is finite and above 0 in float64, got 0 for 10 bins from 0 to 5e-324"},
		{order, "stats: expected finite ends lo < hi of a histogram, got 1 and 1"},
		{single, "stats: expected at least 2 samples for R², got 1"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("got  %v\nwant %s", tt.err, tt.want)
		}
	}
}
