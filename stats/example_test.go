package stats_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/stats"
)

// The mean of a correlated series, with the error that the autocorrelation implies.
func Example() {
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 50_000)
	v := 0.0
	for i := range x {
		v = 0.9*v + rng.NormFloat64()
		x[i] = 1 + v
	}
	r, err := stats.GammaMethod([][]float64{x}, stats.GammaConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	naive, _ := stats.Mean(x)
	fmt.Println("mean      ", r.Mean)
	fmt.Println("naive     ", naive)
	fmt.Println("τ_int     ", r.Tau)
	fmt.Printf("ESS        %.0f of %d\n", r.ESS(), r.N)
	// Output:
	// mean       1.014(44)
	// naive      1.014(10)
	// τ_int      8.96(70)
	// ESS        2790 of 50000
}
