package interchange_test

import (
	"bytes"
	"fmt"

	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/stats/interchange"
)

// A series with a gap, written for pyerrors and read back.
func Example() {
	ensemble := interchange.Ensemble{Name: "phi4_8x8", Observables: []interchange.Observable{{
		Name: "abs_m",
		Replicas: []interchange.Replica{{Name: "r0", Replica: stats.Replica{
			Steps:  []int{10, 20, 30, 50, 60, 70, 80, 90, 100},
			Values: []float64{0.5, 0.25, 0.75, 0.5, 0.25, 0.5, 0.25, 0.75, 0.75},
		}}},
	}}}
	var file bytes.Buffer
	if err := interchange.WritePyerrors(&file, "κ = 0.25, λ = 0.022", ensemble); err != nil {
		fmt.Println(err)
		return
	}
	description, read, err := interchange.ReadPyerrors(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	o := read[0].Observables[0]
	fmt.Printf("%s: %s of %s on %d replica\n", description, o.Name, read[0].Name, len(o.Replicas))
	fmt.Println("a measurement at step", o.Replicas[0].Steps[3], "is", o.Replicas[0].Values[3])
	r, err := stats.GammaMethodSteps(o.Series(), stats.GammaConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("mean", r.Mean, "with τ_int in units of", r.Spacing, "steps")
	// Output:
	// κ = 0.25, λ = 0.022: abs_m of phi4_8x8 on 1 replica
	// a measurement at step 50 is 0.5
	// mean 0.500(66) with τ_int in units of 10 steps
}
