package schwinger_test

import (
	"fmt"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/lattice/schwinger"
)

// The free theory: determinant, condensate, and the effective mass of the pion, which is that
// of two quarks, 2 log(1+m), up to the size of the box.
func Example() {
	lat, err := lattice.New(16, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := gauge.NewWilson(lat, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	action, err := schwinger.New(g, 0.24)
	if err != nil {
		fmt.Println(err)
		return
	}
	links := make([]float64, action.Layout().Size())
	logDet, sign := action.Dirac().LogDet(links)
	fmt.Printf("m = %.4f, log|det D| = %.4f, sign %d, S = %.4f\n", action.Dirac().Mass(), logDet, sign, action.Value(links))
	p, err := action.Dirac().Propagator(links)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("condensate %.4f, pion mass %.4f\n", p.Condensate(), lattice.EffectiveMass(nil, p.Pion(nil))[8])
	// Output:
	// m = 0.0833, log|det D| = 5.6785, sign 1, S = -267.3570
	// condensate 0.8236, pion mass 0.1611
}
