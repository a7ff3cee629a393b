// Package interchange exchanges measured series with other people's programs for their
// analysis: with pyerrors (Joswig, Kuberski, Kuhlmann, Neuendorf, Comp. Phys. Comm. 288 (2023)
// 108750, arXiv:2209.14371), whose files are written and read, and with ArviZ (Kumar, Carroll,
// Hartikainen, Martin, J. Open Source Softw. 4 (2019) 1143), whose InferenceData is written.
//
// An [Ensemble] has observables, an observable has replicas, and a replica values at
// numbered steps of its chain, with gaps or strides if need be. What is read goes into
// [stats.GammaMethodSteps], whose error for series without gaps is that of pyerrors.
//
//	description, ensembles, err := interchange.ReadPyerrors(file)
//	r, err := stats.GammaMethodSteps(ensembles[0].Observables[0].Series(), stats.GammaConfig{})
package interchange

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/latdiff/latdiff/stats"
)

// Ensemble is a set of observables that were measured on the same replicas of a simulation.
type Ensemble struct {
	// Name tells the ensemble from others, which it is statistically independent of. It is
	// not empty and has no "|".
	Name string
	// Observables are the measurements.
	Observables []Observable
}

// Observable is a series on every replica.
type Observable struct {
	// Name is the tag of the observable in pyerrors, and the variable in ArviZ.
	Name     string
	Replicas []Replica
}

// Replica is the series of an observable on one chain.
type Replica struct {
	// Name tells the replica from others of the ensemble.
	Name string
	stats.Replica
}

// Series returns the series of all replicas.
func (o Observable) Series() []stats.Replica {
	out := make([]stats.Replica, len(o.Replicas))
	for i, r := range o.Replicas {
		out[i] = r.Replica
	}
	return out
}

// step returns the number of the step of entry i.
func (r Replica) step(i int) int {
	if r.Steps == nil {
		return i + 1
	}
	return r.Steps[i]
}

// check returns an error unless all names and series are such as can be written.
func (e Ensemble) check() error {
	if e.Name == "" || strings.Contains(e.Name, "|") {
		return fmt.Errorf("interchange: expected a name of the ensemble without |, got %q", e.Name)
	}
	if len(e.Observables) == 0 {
		return fmt.Errorf("interchange: expected at least one observable of %s, got none", e.Name)
	}
	seen := map[string]bool{}
	for _, o := range e.Observables {
		if o.Name == "" || seen[o.Name] {
			return fmt.Errorf("interchange: expected different names of the observables of %s, got %q twice or empty", e.Name, o.Name)
		}
		seen[o.Name] = true
		if err := o.check(); err != nil {
			return fmt.Errorf("interchange: %s of %s: %w", o.Name, e.Name, err)
		}
	}
	return nil
}

func (o Observable) check() error {
	if len(o.Replicas) == 0 {
		return errors.New("expected at least one replica, got none")
	}
	seen := map[string]bool{}
	for _, r := range o.Replicas {
		switch {
		case r.Name == "" || seen[r.Name]:
			return fmt.Errorf("expected different names of the replicas, got %q twice or empty", r.Name)
		case len(r.Values) == 0:
			return fmt.Errorf("expected measurements on replica %s, got none", r.Name)
		case r.Steps != nil && len(r.Steps) != len(r.Values):
			return fmt.Errorf("expected a step for each of %d values of replica %s, got %d", len(r.Values), r.Name, len(r.Steps))
		}
		seen[r.Name] = true
		for i, v := range r.Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("expected finite values, got %v at step %d of replica %s", v, r.step(i), r.Name)
			}
			if i > 0 && r.step(i) <= r.step(i-1) {
				return fmt.Errorf("expected ascending steps of replica %s, got %d after %d", r.Name, r.step(i), r.step(i-1))
			}
		}
	}
	return nil
}
