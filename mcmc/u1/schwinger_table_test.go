package u1_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
	"github.com/latdiff/latdiff/stats"
)

var (
	schwingerPoint = flag.String("schwinger", "", "print the observables of two flavours on this lattice at this β and κ, such as 8x8,2,0.26")
	schwingerN     = flag.Int("schwinger-n", 4000, "configurations by hybrid Monte Carlo")
	schwingerDraws = flag.Int("schwinger-draws", 20000, "configurations of the pure theory for reweighting")
)

// Hybrid Monte Carlo and reweighting agree in every observable. With -schwinger it prints a
// column of the table of docs/gauge.md, without that of a small lattice.
func TestSchwingerTable(t *testing.T) {
	if *schwingerPoint == "" {
		*schwingerPoint, *schwingerN, *schwingerDraws = "4x2,1,0.2", 640, 2000
	}
	part := strings.Split(*schwingerPoint, ",")
	if len(part) != 3 {
		t.Fatalf("expected lattice, β and κ, got %q", *schwingerPoint)
	}
	dims := must[[]int](t)(lattice.ParseDims(part[0]))
	beta, kappa := must[float64](t)(strconv.ParseFloat(part[1], 64)), must[float64](t)(strconv.ParseFloat(part[2], 64))
	a := must[*schwinger.Action](t)(schwinger.New(newAction(t, gauge.Wilson{Beta: beta}, dims...), kappa))
	measure := fermionic(t, a)
	fmt.Printf("%s\n", lattice.Describe(a))

	begin := time.Now()
	series, logw := reweight(t, a, 1, *schwingerDraws, measure)
	// What is left of log w when log Z of the pure theory is divided out.
	pure := must[*gauge.Exact](t)(gauge.NewExact(gauge.Wilson{Beta: beta}, dims[0], dims[1]))
	logZ := pure.LogZ() + float64(a.Layout().Size())*math.Log(2*math.Pi)
	w := must[stats.LogWeights](t)(stats.LogWeightStats(logw))
	fmt.Printf("sd of 2 log|det D| %.3f, ESS/N %v, largest share %.4f, log⟨det²⟩ = %v\n", w.SD, w.ESS, w.MaxShare, stats.Estimate{Value: w.LogZ.Value - logZ, Error: w.LogZ.Error})
	var reweighted []stats.Estimate
	for k, o := range measure {
		reweighted = append(reweighted, must[stats.Estimate](t)(stats.ReweightedMean(series[k], logw, 100)))
		fmt.Printf("%s: %v reweighted, %v quenched\n", o.name, reweighted[k], must[stats.Estimate](t)(stats.Mean(series[k])))
	}
	fmt.Printf("(%v)\n", time.Since(begin).Round(time.Second))

	begin = time.Now()
	ens, run, err := hmc.Ensemble(context.Background(), a, hmc.EnsembleConfig{
		N: *schwingerN, Seed: 2, Thermalisation: 200,
		Moves: func(int) ([]mcmc.Kernel, error) { return u1.Moves(a) },
	})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%d trajectories between configurations, %v\n", run.Thin, run.Stats)
	for k, o := range measure {
		e := ensembleMean(t, run, ens.Measure(nil, o.f))
		fmt.Printf("%s: %v by hybrid Monte Carlo\n", o.name, e)
		if !(math.Abs(e.Sigma(reweighted[k])) < 5) {
			t.Errorf("%s: %v by hybrid Monte Carlo, %v reweighted", o.name, e, reweighted[k])
		}
	}
	negative := 0
	columns := make([][][]float64, len(run.Chains))
	for c, chain := range run.Chains {
		columns[c] = make([][]float64, dims[0])
		for i := chain.First; i < chain.First+chain.Len; i++ {
			if _, sign := a.Dirac().LogDet(ens.Config(i)); sign < 0 {
				negative++
			}
			for time, v := range must[*schwinger.Propagator](t)(a.Dirac().Propagator(ens.Config(i))).Pion(nil) {
				columns[c][time] = append(columns[c][time], v)
			}
		}
	}
	fmt.Printf("%d negative determinants of %d\n", negative, ens.Len())
	for time := 1; time <= dims[0]/2; time++ {
		m, err := stats.GammaFunc(columns, stats.GammaConfig{}, func(means []float64) float64 { return lattice.EffectiveMass(nil, means)[time] })
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("pion: m(%d) = %v\n", time, m.Mean)
	}
	fmt.Printf("(%v)\n", time.Since(begin).Round(time.Second))
}
