package selftrain

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/lattice"
)

// draws returns n independent fields of a free theory on 4×4, and its action.
func draws(t *testing.T, n int) (*lattice.Ensemble, *lattice.Phi4) {
	t.Helper()
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lattice.NewFreeField(lat, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.FreeSpectrum(nil)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	ens := lattice.NewEnsemble(a.Layout(), n)
	phi, fourier := make([]float64, 16), lattice.NewFourier(lat)
	for range n {
		ens.Append(fourier.Gaussian(phi, c, rng))
	}
	return ens, a
}

// Draws of the theory pass the guards; a spectrum that has collapsed, a tail that is missing, one
// sign alone, and weights with a heavy tail do not, each for its reason.
func TestJudge(t *testing.T) {
	const n = 4096
	for name, c := range map[string]struct {
		change func(ens *lattice.Ensemble, logw []float64)
		fault  string
	}{
		"the theory": {func(*lattice.Ensemble, []float64) {}, ""},
		"collapsed": {func(ens *lattice.Ensemble, _ []float64) {
			for i := range ens.Data {
				ens.Data[i] *= 0.85
			}
		}, "collapsed"},
		"no tail": {func(ens *lattice.Ensemble, logw []float64) {
			for i, phi := range ens.All() {
				if math.Abs(lattice.Magnetization(phi)) > 0.5 {
					logw[i] = math.Inf(-1)
				}
			}
		}, "missing"},
		"one sign": {func(ens *lattice.Ensemble, _ []float64) {
			for _, phi := range ens.All() {
				if lattice.Magnetization(phi) < 0 {
					for x := range phi {
						phi[x] = -phi[x]
					}
				}
			}
		}, "signs"},
		"a heavy tail": {func(_ *lattice.Ensemble, logw []float64) {
			for i := range logw {
				logw[i] = -0.85 * math.Log((float64(i)+0.5)/n)
			}
		}, "k̂"},
		"few weights": {func(_ *lattice.Ensemble, logw []float64) {
			for i := range logw {
				logw[i] = float64(i % 256)
			}
		}, "effective sample size"},
	} {
		ens, action := draws(t, n)
		logw := make([]float64, n)
		c.change(ens, logw)
		var r Rung
		if err := r.judge(action, ens, logw, 0.01, true); err != nil {
			t.Fatal(err)
		}
		if c.fault == "" && r.Fault != "" || !strings.Contains(r.Fault, c.fault) {
			t.Errorf("%s: the fault is %q", name, r.Fault)
		}
	}
}

// Resampled draws have the weighted mean of M², with copies in neighbouring places, and the bound
// on the weights holds.
func TestResampled(t *testing.T) {
	const n = 1024
	ens, _ := draws(t, n)
	logw, sum, mean := make([]float64, n), 0.0, 0.0
	for i, phi := range ens.All() {
		m := lattice.Magnetization(phi)
		logw[i] = 2 * m
		sum, mean = sum+math.Exp(2*m), mean+math.Exp(2*m)*m*m
	}
	out, err := resampled(rand.New(rand.NewPCG(1, 0)), ens, logw)
	if err != nil {
		t.Fatal(err)
	}
	got, last := 0.0, 0.0
	for _, phi := range out.All() {
		m := lattice.AbsMagnetization(phi)
		if m < last {
			t.Fatal("not in the order of the magnetisation")
		}
		got, last = got+m*m/n, m
	}
	// Sorted systematic resampling leaves an error of the order of one draw of the largest value.
	if want := mean / sum; math.Abs(got-want) > last*last/n {
		t.Errorf("⟨M²⟩ is %v, weighted %v", got, want)
	}
	logw[3] = 20
	total := 0.0
	for _, l := range logw {
		total += math.Exp(l)
	}
	if c := clipped(logw, 20); math.Abs(c[3]-math.Log(20*total/n)) > 1e-12 || c[4] != logw[4] {
		t.Errorf("the bound is %v", c[3])
	}
}
