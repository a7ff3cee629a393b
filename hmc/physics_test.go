package hmc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// blocks averages a chain in blocks that are long against its autocorrelation.
type blocks struct {
	length int
	n      int
	sum    []float64
	means  [][]float64
}

func (b *blocks) add(values ...float64) {
	if b.sum == nil {
		b.sum = make([]float64, len(values))
		b.means = make([][]float64, len(values))
	}
	for i, v := range values {
		b.sum[i] += v
	}
	if b.n++; b.n == b.length {
		for i, s := range b.sum {
			b.means[i] = append(b.means[i], s/float64(b.length))
			b.sum[i] = 0
		}
		b.n = 0
	}
}

// result returns the mean of quantity i and its standard error.
func (b *blocks) result(i int) (mean, err float64) {
	n := float64(len(b.means[i]))
	for _, m := range b.means[i] {
		mean += m / n
	}
	for _, m := range b.means[i] {
		err += (m - mean) * (m - mean)
	}
	return mean, math.Sqrt(err / (n * (n - 1)))
}

// expect fails unless quantity i agrees with want, known up to wantErr, within five
// standard errors.
func (b *blocks) expect(t *testing.T, name string, i int, want, wantErr float64) {
	t.Helper()
	mean, err := b.result(i)
	if bound := 5 * math.Hypot(err, wantErr); !(math.Abs(mean-want) <= bound) {
		t.Errorf("%s: expected %.6f ± %.6f, got %.6f", name, want, bound, mean)
	}
}

// quadrature returns ⟨φ₀²⟩, ⟨φ₀⁴⟩, ⟨φ₀φ_last⟩ and ⟨S⟩ of an action of n ≤ 4 variables
// by the trapezoidal rule on [-bound, bound]ⁿ, which converges exponentially.
func quadrature(action lattice.Action, n, points int, bound float64) [4]float64 {
	phi := make([]float64, n)
	var norm float64
	var sum [4]float64
	var visit func(k int)
	visit = func(k int) {
		if k < n {
			for i := range points {
				phi[k] = bound * (2*float64(i)/float64(points-1) - 1)
				visit(k + 1)
			}
			return
		}
		s := action.Value(phi)
		w := math.Exp(-s)
		q := phi[0] * phi[0]
		norm += w
		for i, v := range [4]float64{q, q * q, phi[0] * phi[n-1], s} {
			sum[i] += w * v
		}
	}
	visit(0)
	for i := range sum {
		sum[i] /= norm
	}
	return sum
}

// Small systems against quadrature, with step sizes so large that a wrong accept
// step shows. Much larger steps would be as exact, but ⟨exp(-ΔH)⟩ would then live on
// starting points too rare to be sampled: those that unstable trajectories lead back
// from.
func TestAgainstQuadrature(t *testing.T) {
	square, site := mustLattice(t, 2, 2), mustPhi4(t, 0.1, 0.3, 1, 1)
	phi4, err := lattice.NewPhi4(square, 0.27, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	mass, err := NewFreeMass(square, 0.2, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	double, err := lattice.NewToy(-1, 0.4)
	if err != nil {
		t.Fatal(err)
	}
	exactSite, exactDouble := quadrature(site, 1, 400, 6), quadrature(double, 1, 400, 10)
	exactSquare := quadrature(phi4, 4, 41, 4.5)
	for _, c := range []struct {
		name   string
		action lattice.Action
		n      int
		want   [4]float64
		cfg    Config
	}{
		{"one site", site, 1, exactSite, Config{Length: 1.5, Steps: 3}},
		{"double well", double, 1, exactDouble, Config{Length: 2.2, Steps: 2, Jitter: 0.5}},
		{"2x2 leapfrog", phi4, 4, exactSquare, Config{Steps: 2, Length: 1.5}},
		{"2x2 omelyan with flips", phi4, 4, exactSquare, Config{Integrator: Omelyan, Steps: 1, Length: 1.5, Flip: true}},
		{"2x2 fourth order", phi4, 4, exactSquare, Config{Integrator: Omelyan4, Steps: 1, Length: 1.9}},
		{"2x2 jitter, generic", opaque{phi4}, 4, exactSquare, Config{Steps: 3, Length: 2, Jitter: 0.8}},
		{"2x2 masses", phi4, 4, exactSquare, Config{Steps: 1, Length: 1, Mass: mass}},
	} {
		h := mustNew(t, c.action, c.cfg)
		rng := rand.New(rand.NewPCG(21, 22))
		phi := make([]float64, c.n)
		b := blocks{length: 2000}
		rejected := 0
		for i := range 100*b.length + 500 {
			info, err := h.Step(t.Context(), rng, phi)
			if err != nil {
				t.Fatal(err)
			}
			if i < 500 {
				continue
			}
			if !info.Accepted {
				rejected++
			}
			q := phi[0] * phi[0]
			b.add(q, q*q, phi[0]*phi[c.n-1], c.action.Value(phi), math.Exp(-info.DeltaH), info.AcceptProb)
		}
		for i, name := range []string{"φ²", "φ⁴", "φφ", "S"} {
			b.expect(t, c.name+": "+name, i, c.want[i], 0)
		}
		// Creutz's identity, and the acceptance probability as what it says.
		b.expect(t, c.name+": exp(-ΔH)", 4, 1, 0)
		n := float64(100 * b.length)
		p, perr := b.result(5)
		if r := float64(rejected) / n; math.Abs(1-r-p) > 5*math.Hypot(perr, math.Sqrt(p*(1-p)/n)) {
			t.Errorf("%s: accepted %v of the proposals with mean probability %v", c.name, 1-r, p)
		}
		if p > 0.97 {
			t.Errorf("%s: acceptance %v is too high for a sharp test", c.name, p)
		}
	}
}

// Reference values of an independent implementation: 32², κ = 0.21, λ = 0.022.
func TestReferenceValues(t *testing.T) {
	action := mustPhi4(t, 0.21, 0.022, 32, 32)
	h := mustNew(t, action, Config{Flip: true, Steps: 6})
	rng := rand.New(rand.NewPCG(31, 32))
	phi := gaussian(rng, 1024)
	b := blocks{length: 1200}
	for i := range 50*b.length + 500 {
		info, err := h.Step(t.Context(), rng, phi)
		if err != nil {
			t.Fatal(err)
		}
		if i >= 500 {
			m := lattice.Magnetization(phi)
			b.add(math.Abs(m), 1024*m*m, m, action.Value(phi)/1024, math.Exp(-info.DeltaH))
		}
	}
	b.expect(t, "|M|", 0, 0.04003, 0.00007)
	b.expect(t, "V⟨M²⟩", 1, 2.574, 0.009)
	b.expect(t, "M", 2, 0, 0)
	b.expect(t, "S/V", 3, 0.47581, 0.00003)
	b.expect(t, "exp(-ΔH)", 4, 1, 0)
}

// In the broken phase only the flips connect the two signs of the magnetisation:
// half of the trajectories must change it.
func TestFlip(t *testing.T) {
	const n = 4000
	for _, flip := range []bool{false, true} {
		h := mustNew(t, mustPhi4(t, 0.5, 0.022, 8, 8), Config{Flip: flip})
		rng := rand.New(rand.NewPCG(41, 42))
		phi := make([]float64, 64)
		for x := range phi {
			phi[x] = 4.8
		}
		changes, before := 0.0, true
		for range n {
			if _, err := h.Step(t.Context(), rng, phi); err != nil {
				t.Fatal(err)
			}
			if after := lattice.Magnetization(phi) > 0; after != before {
				changes, before = changes+1, after
			}
		}
		want, bound := 0.0, 0.0
		if flip {
			want, bound = n/2, 5*math.Sqrt(n/4)
		}
		if math.Abs(changes-want) > bound {
			t.Errorf("flip %v: expected %v ± %v changes of sign, got %v", flip, want, bound, changes)
		}
	}
}

func TestDeterminism(t *testing.T) {
	run := func() []float64 {
		h := mustNew(t, mustPhi4(t, 0.27, 0.022, 8, 8), Config{Jitter: 0.3, Flip: true})
		rng := rand.New(rand.NewPCG(51, 52))
		phi := make([]float64, 64)
		for range 200 {
			if _, err := h.Step(t.Context(), rng, phi); err != nil {
				t.Fatal(err)
			}
		}
		return phi
	}
	want := run()
	got := make([][]float64, 4)
	done := make(chan struct{})
	for i := range got {
		go func() {
			defer func() { done <- struct{}{} }()
			got[i] = run()
		}()
	}
	for range got {
		<-done
	}
	for i := range got {
		if fmt.Sprint(got[i]) != fmt.Sprint(want) {
			t.Errorf("goroutine %d: the same seed gave another chain", i)
		}
	}
}

// The lengths of the trajectories with jitter j are uniform in Length·[1-j, 1+j):
// a free particle, S = 0, moves by length times momentum.
func TestJitter(t *testing.T) {
	const n, length, jitter = 20000, 2.0, 0.5
	h := mustNew(t, oscillators{[]float64{0}}, Config{Length: length, Steps: 7, Jitter: jitter})
	rng := rand.New(rand.NewPCG(61, 62))
	var sum, sum2 float64
	for range n {
		phi := []float64{0}
		if _, err := h.Step(t.Context(), rng, phi); err != nil {
			t.Fatal(err)
		}
		l := phi[0] / h.state.(*generic).pi[0]
		if l < length*(1-jitter)-1e-9 || l > length*(1+jitter)+1e-9 {
			t.Fatalf("expected a length in [1, 3], got %v", l)
		}
		sum += l
		sum2 += l * l
	}
	// Variance (2w)²/12 and fourth central moment w⁴/5 of the half-width w = 1.
	mean := sum / n
	variance := sum2/n - mean*mean
	if math.Abs(mean-length) > 5*math.Sqrt(1./3/n) {
		t.Errorf("expected the mean length %v, got %v", length, mean)
	}
	if math.Abs(variance-1./3) > 5*math.Sqrt((1./5-1./9)/n) {
		t.Errorf("expected the variance 1/3 of the length, got %v", variance)
	}
}
