package measure_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// A Markov chain of φ⁴ theory, measured after every step.
func Example() {
	lat, err := lattice.New(4, 4)
	if err != nil {
		log.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.2, 0.1)
	if err != nil {
		log.Fatal(err)
	}
	run, err := mcmc.Generate(context.Background(), mcmc.EnsembleConfig{
		Action: action, N: 64, Thin: 400, Seed: 1, Observables: measure.Observables(action),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	values, err := measure.Chain(measure.FromRun(run)...)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{measure.AbsM, measure.Chi2, measure.Binder} {
		v, _ := values.Get(name)
		fmt.Printf("%-7s %.1f\n", name, v.Value)
	}
	// Output:
	// abs_m   0.3
	// chi2    1.7
	// binder  0.1
}
