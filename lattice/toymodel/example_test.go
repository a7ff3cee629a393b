package toymodel_test

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/toymodel"
)

// The double well pushes a field at φ = 1 outwards. With much noise there is one well,
// and the drift points inwards.
func Example() {
	action, err := lattice.NewToy(-1, 0.4)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := toymodel.New(action)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("⟨φ²⟩ = %.4f\n", d.Moment(2))
	for _, sigma := range []float64{0, 3, 10} {
		fmt.Printf("σ = %2.0f: drift %+.4f\n", sigma, d.Noisy(1, sigma).Score)
	}
	// Output:
	// ⟨φ²⟩ = 13.6730
	// σ =  0: drift +0.9333
	// σ =  3: drift +0.0291
	// σ = 10: drift -0.0086
}
