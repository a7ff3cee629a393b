package lattice_test

import (
	"fmt"
	"io"

	"github.com/latdiff/latdiff/lattice"
)

// The free field on a lattice: its action, and the two lengths that its propagator
// knows of, ξ = 1/m₀ and the inverse of the pole mass.
func Example() {
	lat, err := lattice.New(8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	free, err := lattice.NewFreeField(lat, 0.24)
	if err != nil {
		fmt.Println(err)
		return
	}
	phi := make([]float64, lat.Volume())
	for x := range phi {
		phi[x] = 1
	}
	fmt.Printf("S = %.3f, K(0) = %.3f, M = %.3f\n", free.Value(phi), free.Drift(nil, phi)[0], lattice.Magnetization(phi))

	power, err := free.FreeSpectrum(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	m02, _, _, err := free.Bare()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("1/ξ² = %.4f, m₀² = %.4f\n", 1/(lat.CorrelationLength(power, 0)*lat.CorrelationLength(power, 0)), m02)

	g := lattice.NewFourier(lat).Propagator(nil, power)
	corr := make([]float64, 8)
	for x, v := range g {
		corr[x/8] += v
	}
	fmt.Printf("m(t = 3) = %.4f\n", lattice.EffectiveMass(nil, corr)[3])
	// Output:
	// S = 2.560, K(0) = -0.080, M = 1.000
	// 1/ξ² = 0.1667, m₀² = 0.1667
	// m(t = 3) = 0.4055
}

func ExampleOpenEnsemble() {
	r, err := lattice.OpenEnsemble("testdata/c64.npz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	fmt.Printf("%d configurations on %v, kappa = %v\n", r.Len(), r.Layout().Lattice, r.Params()["kappa"])
	for {
		phi, err := r.Next(nil)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("M = %.4f\n", lattice.Magnetization(phi))
	}
	// Output:
	// 3 configurations on 2x3, kappa = 0.21
	// M = -0.3867
	// M = 0.8385
	// M = -0.4354
}
