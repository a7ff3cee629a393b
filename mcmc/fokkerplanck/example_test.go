package fokkerplanck_test

import (
	"fmt"
	"log"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
)

// The slow mode of the double well is the passage over the barrier.
func Example() {
	action, err := lattice.NewToy(-1, 0.4)
	if err != nil {
		log.Fatal(err)
	}
	e, err := fokkerplanck.New(action, fokkerplanck.Config{Lo: -7.5, Hi: 7.5})
	if err != nil {
		log.Fatal(err)
	}
	s, err := e.Spectrum()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("⟨φ²⟩ = %.3f\n", e.Mean(e.Equilibrium(nil), func(phi float64) float64 { return phi * phi }))
	fmt.Printf("E_1 = %.4f, E_2 = %.3f\n", s.Values[1], s.Values[2])
	// Output:
	// ⟨φ²⟩ = 13.673
	// E_1 = 0.0095, E_2 = 0.834
}
