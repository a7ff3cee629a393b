package selftrain_test

import (
	"math"
	"slices"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/flow/selftrain"
	"github.com/latdiff/latdiff/internal/backendtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// wells is the path from a harmonic potential of a site, at t = 0, to one with a second, shallower
// well, eleven widths of the first away.
type wells struct{ lat *lattice.Lattice }

const (
	wellsDistance, wellsBarrier, wellsTilt = 3.0, 4.0, 1.0
	wellsKappa                             = 0.05
)

func (w wells) coefficients(t float64) []float64 {
	a := 16 * wellsBarrier / math.Pow(wellsDistance, 4) // of φ²(φ-d)²
	return []float64{0, t * wellsTilt, a * wellsDistance * wellsDistance, -2 * t * a * wellsDistance, t * a}
}

func (w wells) action(t float64) (lattice.Action, error) {
	c := w.coefficients(t)
	if t == 0 {
		c = c[:3]
	}
	return lattice.NewPolynomial(w.lat, wellsKappa, c)
}

// logZ returns log Z at t = 1, log tr Tⁿ of the transfer matrix T on the points of a sum.
func (w wells) logZ() float64 {
	const points, from, to = 60, -1.5, 4.5
	const step = (to - from) / points
	at := func(i int) float64 { return from + (float64(i)+0.5)*step }
	potential := make([]float64, points)
	for i := range potential {
		for n, c := range w.coefficients(1) {
			potential[i] += c * math.Pow(at(i), float64(n))
		}
	}
	transfer := make([]float64, points*points)
	for i := range points {
		for j := range points {
			transfer[i*points+j] = step * math.Exp(2*wellsKappa*at(i)*at(j)-(potential[i]+potential[j])/2)
		}
	}
	power := slices.Clone(transfer)
	for range w.lat.Volume() - 1 {
		next := make([]float64, points*points)
		for i := range points {
			for k := range points {
				for j := range points {
					next[i*points+j] += power[i*points+k] * transfer[k*points+j]
				}
			}
		}
		power = next
	}
	trace := 0.0
	for i := range points {
		trace += power[i*points+i]
	}
	return math.Log(trace)
}

// Draws that never see a second well look good from their own side, with a log Z that lacks it. The
// comparison of both sides raises the alarm, the rung is repeated with polish, passes, and the ladder ends
// with the exact log Z.
func TestAlarm(t *testing.T) {
	lat, err := lattice.New(4)
	if err != nil {
		t.Fatal(err)
	}
	w := wells{lat}
	cfg := selftrain.Config{
		Network: small(), N: 512, Keep: 0.2, LastN: 512, GaussianESS: 1, FirstSteps: 20, Steps: 20, LastSteps: []int{20}, Check: 48, CheckSteps: 20, Seed: 1,
		Train: diffusion.TrainConfig{Batch: 16},
	}
	r, err := selftrain.Run(t.Context(), backendtest.Open(), mcmc.ThermodynamicPath{From: 0, To: 1, Action: w.action}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	failed := slices.IndexFunc(r.Rungs, func(r selftrain.Rung) bool { return r.Fault != "" })
	if failed < 0 || failed+1 >= len(r.Rungs) {
		t.Fatalf("none of %d rungs failed", len(r.Rungs))
	}
	exact := w.logZ()
	bad, again, last := r.Rungs[failed], r.Rungs[failed+1], r.Rungs[len(r.Rungs)-1]
	if bad.T != 1 || bad.Polished != 0 || !(bad.ESS.Value > 0.8) || !(exact-bad.LogZ.Value > 5*bad.LogZ.Error) {
		t.Errorf("the rung that failed, %s, is at %v with ESS/N %v and log Z %v, exact %v", bad.Fault, bad.T, bad.ESS, bad.LogZ, exact)
	}
	if again.T != bad.T || again.Polished == 0 || again.Fault != "" || again.Sides == nil {
		t.Errorf("after it comes one at %v with %d trajectories: %s", again.T, again.Polished, again.Fault)
	}
	if !(math.Abs(last.LogZ.Value-exact) < 4.5*last.LogZ.Error) || last.Fault != "" {
		t.Errorf("log Z is %v at the end, exact %v: %s", last.LogZ, exact, last.Fault)
	}
}
