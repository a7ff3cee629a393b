package selftrain

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/stats"
)

// weights returns the log-weights of the draws at t.
func (p *position) weights(t float64) ([]float64, error) {
	s, err := p.actions.at(t)
	if err != nil {
		return nil, err
	}
	logw := make([]float64, len(s))
	for i, v := range s {
		logw[i] = -v - p.draws.LogQ[i]
		if math.IsNaN(logw[i]) || math.IsInf(logw[i], 1) {
			return nil, fmt.Errorf("selftrain: expected a finite action, got %v of draw %d at t = %v", v, i, t)
		}
	}
	return logw, nil
}

// next returns the farthest parameter on the way to target whose weights keep the effective
// sample size.
func (l *ladder) next(p *position, target float64) (float64, error) {
	bound := max(l.Least, l.Keep*p.ESS.Value)
	keeps := func(fraction float64) (bool, error) {
		logw, err := p.weights(p.t + fraction*(target-p.t))
		if err != nil {
			return false, err
		}
		ess, err := stats.LogWeightESS(logw)
		return ess >= bound, err
	}
	if ok, err := keeps(1); ok || err != nil {
		return target, err
	}
	// To 3 % of itself, on a logarithmic scale.
	const resolution, smallest = 0.03, 1e-4
	lo, hi := 0.0, 1.0
	for lo == 0 || hi-lo > resolution*hi {
		f := math.Sqrt(lo * hi)
		if lo == 0 {
			f = hi / 2
		}
		ok, err := keeps(f)
		if err != nil {
			return 0, err
		}
		if ok {
			lo = f
		} else if hi = f; hi < smallest {
			return 0, fmt.Errorf("selftrain: expected weights that vary little over a short way, got an effective sample size below %.3g at t = %v already", bound, p.t+hi*(target-p.t))
		}
	}
	return p.t + lo*(target-p.t), nil
}
