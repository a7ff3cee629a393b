// Interop prints what the library makes of a pyerrors file, for check.py to compare with what
// pyerrors makes of it: a JSON list with the mean, error, τ_int and its spacing of every
// observable.
//
//	go run ./internal/interop series.json.gz
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
	"github.com/latdiff/latdiff/stats/interchange"
)

// analysed is an observable in the output.
type analysed struct {
	Ensemble, Name         string
	Value, Error           float64
	Tau, TauError          float64
	Spacing, Window, Count int
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "interop: expected the name of a file")
		os.Exit(2)
	}
	out, err := analyse(os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func analyse(path string) ([]analysed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, ensembles, err := interchange.ReadPyerrors(f)
	if err != nil {
		return nil, err
	}
	var out []analysed
	for _, e := range ensembles {
		for _, o := range e.Observables {
			g, err := stats.GammaMethodSteps(o.Series(), stats.GammaConfig{})
			if err := measure.Usable(err); err != nil {
				return nil, fmt.Errorf("%s of %s: %w", o.Name, e.Name, err)
			}
			out = append(out, analysed{e.Name, o.Name, g.Mean.Value, g.Mean.Error, g.Tau.Value, g.Tau.Error, g.Spacing, g.Tau.Window, g.N})
		}
	}
	return out, nil
}
