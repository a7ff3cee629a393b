package stats

import (
	"errors"
	"math"
	"testing"
)

// Halves 1…4 and 5…8, twice: W = 5/3, the means 2.5 and 6.5 have variance 16/3.
func TestSplitRHatByHand(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5, 6, 7, 8}
	got, err := SplitRHat([][]float64{x, x})
	if want := math.Sqrt(3.0/4 + 16.0/3/(5.0/3)); err != nil || math.Abs(got-want) > 1e-14 {
		t.Errorf("R̂ = %v, %v, want %v", got, err, want)
	}
	// An odd length loses its middle entry.
	y := []float64{1, 2, 3, 4, 1e6, 5, 6, 7, 8}
	if odd, err := SplitRHat([][]float64{y, y}); err != nil || odd != got {
		t.Errorf("R̂ = %v, %v without the middle entry, want %v", odd, err, got)
	}
}

// Ranks with ties: 1, 2.5, 2.5, 4 of 4.
func TestNormalScores(t *testing.T) {
	z := normalScores([][]float64{{3, 9}, {1, 3}})
	score := func(rank float64) float64 { return math.Sqrt2 * math.Erfinv(2*(rank-0.375)/4.25-1) }
	want := [][]float64{{score(2.5), score(4)}, {score(1), score(2.5)}}
	for k := range want {
		for i := range want[k] {
			if z[k][i] != want[k][i] {
				t.Errorf("score of entry %d, %d = %v, want %v", k, i, z[k][i], want[k][i])
			}
		}
	}
	if math.Abs(want[0][1]+want[1][0]) > 1e-15 || math.Abs(0.5*math.Erfc(-want[0][1]/math.Sqrt2)-3.625/4.25) > 1e-15 {
		t.Errorf("scores %v are no normal quantiles", want)
	}
}

func TestRankRHat(t *testing.T) {
	const n = 4000
	var same, wide, shifted, tails [][]float64
	for k := range 4 {
		x := ar1(newRand(uint64(k)), n, 0.5)
		y := make([]float64, n)
		for i, v := range x {
			y[i] = v * math.Exp(20*v*v)
		}
		same = append(same, x)
		tails = append(tails, y)
		w, s := make([]float64, n), make([]float64, n)
		for i, v := range x {
			w[i], s[i] = v, v
			if k == 0 {
				w[i], s[i] = 3*v, v+1
			}
		}
		wide = append(wide, w)
		shifted = append(shifted, s)
	}
	for _, tt := range []struct {
		name   string
		chains [][]float64
		split  bool
		lo, hi float64
	}{
		{"same, split", same, true, 0.999, 1.01},
		{"same, rank", same, false, 0.999, 1.01},
		{"wide, split", wide, true, 0.999, 1.01},
		{"wide, rank", wide, false, 1.05, 2},
		{"shifted, split", shifted, true, 1.05, 2},
		{"shifted, rank", shifted, false, 1.05, 2},
	} {
		f := RankRHat
		if tt.split {
			f = SplitRHat
		}
		if r, err := f(tt.chains); err != nil || r < tt.lo || r > tt.hi {
			t.Errorf("%s: R̂ = %v, %v, want between %v and %v", tt.name, r, err, tt.lo, tt.hi)
		}
	}
	// Ranks do not see a monotonic odd transformation, however heavy its tails.
	a, errA := RankRHat(same)
	b, errB := RankRHat(tails)
	if errA != nil || errB != nil || math.Abs(a-b) > 1e-3 {
		t.Errorf("R̂ = %v, %v before and %v, %v after a monotonic transformation", a, errA, b, errB)
	}
}

// essByDefinition evaluates the definition in arXiv:1903.08008 with plain sums.
func essByDefinition(chains [][]float64) float64 {
	m, n := float64(len(chains)), len(chains[0])
	grand := 0.0
	for _, x := range chains {
		grand += average(x) / m
	}
	w, b := 0.0, 0.0
	for _, x := range chains {
		b += math.Pow(average(x)-grand, 2) / (m - 1)
		for _, v := range x {
			w += math.Pow(v-average(x), 2) / float64(n-1) / m
		}
	}
	plus := w*float64(n-1)/float64(n) + b
	var rho []float64
	for t := range n {
		c := 0.0
		for _, x := range chains {
			mean := average(x)
			for i := range n - t {
				c += (x[i] - mean) * (x[i+t] - mean) / float64(n) / m
			}
		}
		rho = append(rho, 1-(w-c)/plus)
	}
	rho[0] = 1
	var pairs []float64
	end := 0
	for ; end+1 < n && rho[end]+rho[end+1] > 0; end += 2 {
		p := rho[end] + rho[end+1]
		if len(pairs) > 0 {
			p = math.Min(p, pairs[len(pairs)-1])
		}
		pairs = append(pairs, p)
	}
	tau := -1.0
	for _, p := range pairs {
		tau += 2 * p
	}
	if end+1 < n {
		tau += math.Max(rho[end], 0)
	}
	s := m * float64(n)
	return s / math.Max(tau, 1/math.Log10(s))
}

func TestESSByDefinition(t *testing.T) {
	for _, a := range []float64{-0.8, 0, 0.5, 0.95} {
		for _, n := range []int{8, 20, 501, 1200} {
			chains := [][]float64{ar1(newRand(1), n, a), ar1(newRand(2), n, a)}
			var halves [][]float64
			for _, x := range chains {
				halves = append(halves, x[:n/2], x[n-n/2:])
			}
			got, err := MeanESS(chains)
			if want := essByDefinition(halves); err != nil || math.Abs(got-want) > 1e-8*want {
				t.Errorf("a = %v, n = %d: ESS = %v, %v, want %v", a, n, got, err, want)
			}
			bulk, err := BulkESS(chains)
			if want := essByDefinition(normalScores(halves)); err != nil || math.Abs(bulk-want) > 1e-8*want {
				t.Errorf("a = %v, n = %d: bulk ESS = %v, %v, want %v", a, n, bulk, err, want)
			}
		}
	}
}

// ESS of AR(1) is N(1-a)/(1+a), for x itself; the error of τ_int gives the tolerance.
func TestESSOfAR1(t *testing.T) {
	const n = 40_000
	for _, a := range []float64{-0.5, 0, 0.6, 0.9} {
		chains := [][]float64{ar1(newRand(1), n, a), ar1(newRand(2), n, a), ar1(newRand(3), n, a), ar1(newRand(4), n, a)}
		want := 4 * n / (2 * ar1Tau(a))
		// Relative error 2√(W/N) with a window of ten decay times.
		w := 1 + 10*ar1Tau(math.Abs(a))
		err5 := want * 2 * math.Sqrt(w/(4*n))
		for name, f := range map[string]func([][]float64) (float64, error){"bulk": BulkESS, "mean": MeanESS} {
			got, err := f(chains)
			if err != nil {
				t.Fatal(err)
			}
			within(t, name+" ESS", got, want, err5, 5)
		}
		tail, err := TailESS(chains)
		if err != nil || !(tail > min(want, 4*n)/3) {
			t.Errorf("a = %v: tail ESS = %v, %v, the bulk should have %v", a, tail, err, want)
		}
	}
}

func TestConvergenceEdges(t *testing.T) {
	const n = 20
	stuck := make([]float64, n)
	other := make([]float64, n)
	for i := range other {
		other[i] = 1
	}
	moving := ar1(newRand(1), n, 0)
	ess := []func([][]float64) (float64, error){BulkESS, MeanESS, TailESS}
	rhat := []func([][]float64) (float64, error){SplitRHat, RankRHat}
	for _, f := range ess {
		if v, err := f([][]float64{stuck, stuck}); err != nil || v != 0 {
			t.Errorf("ESS of chains that never move = %v, %v, want 0", v, err)
		}
		if v, err := f([][]float64{stuck, other}); err != nil || v != 0 {
			t.Errorf("ESS of chains stuck in two places = %v, %v, want 0", v, err)
		}
	}
	for _, f := range rhat {
		if v, err := f([][]float64{stuck, stuck}); !errors.Is(err, ErrConstant) || !math.IsNaN(v) {
			t.Errorf("R̂ of chains that never move = %v, %v", v, err)
		}
		if v, err := f([][]float64{stuck, other}); err != nil || !math.IsInf(v, 1) {
			t.Errorf("R̂ of chains stuck in two places = %v, %v, want +Inf", v, err)
		}
	}
	for _, f := range append(ess, rhat...) {
		if _, err := f(nil); !errors.Is(err, ErrEmpty) {
			t.Errorf("no chains give %v", err)
		}
		if _, err := f([][]float64{moving, {}}); !errors.Is(err, ErrEmpty) {
			t.Errorf("an empty chain gives %v", err)
		}
		if _, err := f([][]float64{moving, moving[1:]}); err == nil {
			t.Error("chains of different lengths give no error")
		}
		if _, err := f([][]float64{moving[:8], {1, 2, 3, 4, 5, 6, 7, math.Inf(1)}}); !errors.Is(err, ErrNotFinite) {
			t.Errorf("infinity gives %v", err)
		}
		var short *TooShortError
		if _, err := f([][]float64{moving[:7]}); !errors.As(err, &short) {
			t.Errorf("seven entries give %v", err)
		}
		two := []float64{0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0}
		if v, err := f([][]float64{two}); err != nil || !(v > 0) || math.IsInf(v, 0) {
			t.Errorf("a series of two values gives %v, %v", v, err)
		}
	}
}

// What never moves adds nothing to the size of what does, wherever it sits; half a chain
// counts like a chain; R̂ is infinite.
func TestStuckChains(t *testing.T) {
	const n = 1000
	stuck := func(at float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = at
		}
		return x
	}
	moving := func(seed uint64) []float64 { return ar1(newRand(seed), n, 0) }
	frozen := moving(4)
	copy(frozen[n/2:], stuck(frozen[n/2]))
	// A start that is left late: the first half stands still.
	late := moving(5)
	copy(late, stuck(0)[:n/2])
	a, b, c := moving(1), moving(2), moving(3)
	for _, tt := range []struct {
		name   string
		chains [][]float64
		// size is that of the halves that move: their chains, or the number of draws.
		moving [][]float64
		draws  float64
	}{
		{"three stuck in the middle", [][]float64{a, stuck(0), stuck(0), stuck(0)}, [][]float64{a}, 0},
		{"three stuck in one place outside", [][]float64{a, stuck(5), stuck(5), stuck(5)}, [][]float64{a}, 0},
		{"three stuck in three places", [][]float64{a, stuck(-1), stuck(0.5), stuck(1)}, [][]float64{a}, 0},
		{"one stuck of four", [][]float64{a, b, c, stuck(0)}, [][]float64{a, b, c}, 0},
		{"a stuck chain alone with itself", [][]float64{stuck(1), a}, [][]float64{a}, 0},
		{"half a chain frozen", [][]float64{frozen}, nil, n / 2},
		{"half a chain late, another frozen", [][]float64{late, frozen}, nil, n},
	} {
		for name, f := range map[string]func([][]float64) (float64, error){"bulk": BulkESS, "mean": MeanESS, "tail": TailESS} {
			limit := tt.draws * 1.2
			if tt.moving != nil {
				var err error
				if limit, err = f(tt.moving); err != nil {
					t.Fatal(err)
				}
			}
			if v, err := f(tt.chains); err != nil || !(v > 0 && v <= limit) {
				t.Errorf("%s: %s ESS = %v, %v, want at most %v", tt.name, name, v, err, limit)
			}
		}
		for name, f := range map[string]func([][]float64) (float64, error){"split": SplitRHat, "rank": RankRHat} {
			if v, err := f(tt.chains); err != nil || !math.IsInf(v, 1) {
				t.Errorf("%s: %s R̂ = %v, %v, want +Inf", tt.name, name, v, err)
			}
		}
	}
	// Chains that sit apart from the others also tell that the mean is not known.
	if v, err := MeanESS([][]float64{a, b, c, stuck(5)}); err != nil || !(v < 20) {
		t.Errorf("one chain stuck far away: ESS = %v, %v", v, err)
	}
	// Distances from the median may be constant for a chain that moves.
	signs, spread := make([]float64, n), make([]float64, n)
	for i := range signs {
		signs[i] = float64(2*(i%2) - 1)
		spread[i] = float64(i%3 - 1)
	}
	if v, err := RankRHat([][]float64{signs, spread}); err != nil || math.IsInf(v, 1) {
		t.Errorf("±1 beside -1, 0, 1: R̂ = %v, %v", v, err)
	}
}
