package u1_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/stats"
)

var (
	table      = flag.String("table", "", "print the table of autocorrelation times for these β, a list like 1,2,7")
	tableSize  = flag.Int("table-size", 16, "extent of the lattice of the table")
	tableSteps = flag.Int("table-steps", 32768, "steps of each of the four chains of the table")
)

// The mean plaquette of every row is the exact one. With -table it prints the autocorrelation
// times of docs/gauge.md, without a small one.
func TestTable(t *testing.T) {
	if *table == "" {
		*table, *tableSize, *tableSteps = "1", 4, 1000
	}
	fmt.Println("| β | algorithm | hop | changes of Q in 1000 steps | τ_int(Q) | τ_int(Q²) | τ_int(cos θ) | ms a step |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, s := range strings.Split(*table, ",") {
		beta, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		a := newAction(t, gauge.Wilson{Beta: beta}, *tableSize, *tableSize)
		for _, c := range []struct {
			name string
			make func() mcmc.Kernel
		}{
			{"hybrid Monte Carlo", func() mcmc.Kernel {
				return must[*hmc.HMC](t)(hmc.New(a, hmc.Config{Integrator: hmc.Omelyan, Jitter: 0.5}))
			}},
			{"Metropolis", func() mcmc.Kernel { return metropolis(t, a) }},
			{"heat bath", func() mcmc.Kernel { return heatBath(t, a) }},
			{"heat bath, 2 overrelaxation", func() mcmc.Kernel {
				return cycle(t, heatBath(t, a), overrelaxation(t, a), overrelaxation(t, a))
			}},
		} {
			row(t, a, c.name, "no", c.make)
			row(t, a, c.name, "yes", func() mcmc.Kernel { return cycle(t, c.make(), fluxHop(t, a)) })
		}
		row(t, a, "independent draws", "", func() mcmc.Kernel { return newExact(t, a) })
	}
}

// row runs four chains that start in equilibrium and prints what they measure.
func row(t *testing.T, a *gauge.Action, name, hop string, kernel func() mcmc.Kernel) {
	torus, exact := newTorus(t, a), newExact(t, a)
	var q, q2, cos [][]float64
	changes := 0
	var spent time.Duration
	for c := range uint64(4) {
		start := make([]float64, a.Layout().Size())
		if err := exact.Draw(rand.New(rand.NewPCG(1, c)), start); err != nil {
			t.Fatal(err)
		}
		chain := must[*mcmc.Chain](t)(mcmc.NewChain(kernel(), start, 2, c))
		if err := chain.Thermalise(context.Background(), 1000); err != nil {
			t.Fatal(err)
		}
		x, y, z := make([]float64, *tableSteps), make([]float64, *tableSteps), make([]float64, *tableSteps)
		for i := range x {
			begin := time.Now()
			if err := chain.Run(context.Background(), 1); err != nil {
				t.Fatal(err)
			}
			spent += time.Since(begin)
			x[i] = float64(torus.Charge(chain.Field()))
			y[i] = x[i] * x[i]
			z[i] = a.MeanPlaquette(chain.Field())
			if i > 0 && x[i] != x[i-1] {
				changes++
			}
		}
		q, q2, cos = append(q, x), append(q2, y), append(cos, z)
	}
	steps := float64(4 * *tableSteps)
	want := must[*gauge.Exact](t)(gauge.NewExact(a.Weight(), *tableSize, *tableSize)).Plaquette()
	if r, err := stats.GammaMethod(cos, stats.GammaConfig{}); err != nil || !(math.Abs(r.Mean.Pull(want)) < 5) {
		t.Errorf("%s, hop %q: ⟨cos θ⟩ = %v, expected %v (%v)", name, hop, r.Mean, want, err)
	}
	fmt.Printf("| %v | %s | %s | %.4g | %s | %s | %s | %.3f |\n", a.Params()["beta"], name, hop,
		1000*float64(changes)/steps, tau(t, q, changes), tau(t, q2, changes), tau(t, cos, -1), 1e3*spent.Seconds()/steps)
}

// tau formats τ_int. What changes fewer than twenty times has none that can be measured.
func tau(t *testing.T, series [][]float64, changes int) string {
	if changes >= 0 && changes < 20 {
		return "frozen"
	}
	r, err := stats.GammaMethod(series, stats.GammaConfig{})
	var short *stats.TooShortError
	switch {
	case errors.As(err, &short):
		return "above " + r.Tau.String()
	case err != nil:
		t.Fatal(err)
	}
	return r.Tau.String()
}
