package gauge_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// The exact values of a coupling at which hybrid Monte Carlo is frozen, and links of a
// given charge.
func Example() {
	lat, err := lattice.New(16, 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	exact, err := gauge.NewExact(gauge.Wilson{Beta: 7}, 16, 16)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := exact.Charges()
	fmt.Printf("⟨cos θ⟩ = %.6f, ⟨Q²⟩ = %.5f, P(0) = %.4f, P(3) = %.4f\n", exact.Plaquette(), exact.Q2(), p[0], p[3])

	torus, err := gauge.NewTorus(lat)
	if err != nil {
		fmt.Println(err)
		return
	}
	flux := make([]float64, lat.Volume())
	flux[0] = 2 * 3.141592653589793
	links, err := torus.FromPlaquettes(nil, flux, 0.1, -0.2)
	if err != nil {
		fmt.Println(err)
		return
	}
	torus.RandomGauge(rand.New(rand.NewPCG(1, 1)), links, nil)
	h0, h1 := torus.Holonomies(links)
	fmt.Printf("a flux of 2π through one plaquette: Q = %d, mean cos θ = %.1f, holonomies %.1f and %.1f\n",
		torus.Charge(links), torus.MeanPlaquette(links), h0, h1)
	// Output:
	// ⟨cos θ⟩ = 0.925532, ⟨Q²⟩ = 1.00641, P(0) = 0.3977, P(3) = 0.0046
	// a flux of 2π through one plaquette: Q = 0, mean cos θ = 1.0, holonomies 0.1 and -0.2
}
