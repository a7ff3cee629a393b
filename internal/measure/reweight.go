package measure

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/stats"
)

// AddReweighted adds the observables of independent configurations with the log-weights
// logw to the file: expectation values of the distribution that they are weighted to.
func AddReweighted(file *results.File, ensemble string, volume int, s Series, logw []float64) error {
	blocks := min(100, len(s.M))
	columns := s.columns()
	for _, d := range derived {
		e, err := stats.Reweight(columns, logw, blocks, func(m []float64) float64 { return d.f(float64(volume), m) })
		if err != nil {
			return fmt.Errorf("%s: %s: %w", ensemble, d.name, err)
		}
		file.Add(ensemble, d.name, e)
	}
	return nil
}
