package phi4_test

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

// The exact values that a simulation of a ring of 16 sites has to reproduce, and the
// correlation length of the same theory.
func Example() {
	chain, err := phi4.NewChain(1, 0.3, 0.5, 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := chain.Exact()
	fmt.Printf("log Z = %.8f, ⟨φ²⟩ = %.8f, χ = %.8f\n", e.LogZ, e.Phi2, e.Chi)
	fmt.Printf("G(3) = %.8f, ξ = %.8f\n", chain.Correlator(3), chain.CorrelationLength())
	// Output:
	// log Z = 12.99144556, ⟨φ²⟩ = 0.52963295, χ = 0.96997388
	// G(3) = 0.01341321, ξ = 0.81617275
}

// The limit λ → ∞ of φ⁴ on an 8x8 torus at the critical κ of the infinite lattice.
func ExampleIsing() {
	lat, err := lattice.New(8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := phi4.Ising(lat, 0.22034339675)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log Z = %.6f, Σ_µ φφ′ = %.6f\n", e.LogZ, e.Hopping)
	// Output:
	// log Z = 60.141781, Σ_µ φφ′ = 1.491589
}
