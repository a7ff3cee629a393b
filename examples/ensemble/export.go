package main

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/export"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
)

// export writes the series that the errors in the results come from. Those of the paper's
// protocol are independent configurations.
func (e *ensemble) export(r *mcmc.EnsembleResult) error {
	var replicas []measure.Series
	if e.o.Algorithm == "paper" {
		replicas = append(replicas, measure.FromEnsemble(e.action, r.Ensemble))
	} else {
		replicas = measure.FromRun(r)
	}
	description := fmt.Sprintf("φ⁴ on %v, κ = %v, λ = %v, seed %d", e.lat, e.o.Kappa, e.o.Lambda, e.o.Seed)
	return export.Save(e.folder, description, measure.Interchange(e.o.Algorithm, replicas...))
}

// exported returns an error for a finished run that did not export what is asked for now.
func (e *ensemble) exported() error {
	if e.o.Export && !e.folder.Exists(export.File) {
		return fmt.Errorf("expected -export with the run that makes the series, got a finished one in %s, which keeps configurations only; choose another folder with -out", e.o.Out)
	}
	return nil
}
