package measure

import (
	"fmt"

	"github.com/latdiff/latdiff/stats/interchange"
)

// Names of the observables that others are functions of, beside [M], [AbsM],
// [ActionDensity], [Phi2] and [Phi4].
const (
	M2 = "m2" // M²
	M4 = "m4" // M⁴
)

// Interchange returns the series of chains, one replica each, for other programs: M, |M|, M²,
// M⁴, S/V, φ² and φ⁴ after every step. The observables of [Chain] are functions of their means.
func Interchange(ensemble string, replicas ...Series) interchange.Ensemble {
	e := interchange.Ensemble{Name: ensemble}
	for _, name := range []string{M, AbsM, M2, M4, ActionDensity, Phi2, Phi4} {
		e.Observables = append(e.Observables, interchange.Observable{Name: name})
	}
	for r, s := range replicas {
		for k, values := range s.columns() {
			rep := interchange.Replica{Name: fmt.Sprintf("r%d", r)}
			rep.Values = values
			e.Observables[k].Replicas = append(e.Observables[k].Replicas, rep)
		}
	}
	return e
}
