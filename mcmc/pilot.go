package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/stats"
)

// Pilot is the measurement of autocorrelation times, in steps, that [Generate]
// chooses the thinning by.
type Pilot struct {
	// Steps is the number of steps of each chain.
	Steps int
	// AbsM and Action are the τ_int of |M| and S.
	AbsM, Action stats.Tau
	// Reliable is false if the limit of steps was reached before τ was known to 10 %
	// with each chain longer than 20 τ: the thinning is then a guess, most likely
	// too low. It is also false if |M| never changed.
	Reliable bool
}

const (
	pilotStart = 250
	pilotLimit = 16000
)

// runPilot measures τ_int over the chains as replicas and sets the thinning.
func (g *Generator) runPilot(ctx context.Context) error {
	for {
		err := g.each(ctx, g.measurePilot)
		if err != nil {
			return err
		}
		p, err := g.analysePilot(g.pilotSteps)
		if err != nil {
			return err
		}
		if !p.Reliable && g.cfg.PilotSteps == 0 && 2*g.pilotSteps <= pilotLimit {
			g.pilotSteps *= 2
			continue
		}
		g.pilot = p
		tau := max(p.AbsM.Value, p.Action.Value)
		g.thin = max(1, int(math.Ceil(g.cfg.Decorrelation*tau)))
		for _, w := range g.workers {
			w.pilot = [2][]float64{}
		}
		return nil
	}
}

// measurePilot makes the pilot steps of a chain that are left.
func (g *Generator) measurePilot(ctx context.Context, w *worker) error {
	for len(w.pilot[0]) < g.pilotSteps {
		if err := w.chain.Run(ctx, 1); err != nil {
			return err
		}
		w.pilot[0] = append(w.pilot[0], lattice.AbsMagnetization(w.chain.phi))
		w.pilot[1] = append(w.pilot[1], g.cfg.Action.Value(w.chain.phi))
	}
	return nil
}

func (g *Generator) analysePilot(steps int) (*Pilot, error) {
	p := &Pilot{Steps: steps}
	m, mOK, err := g.pilotTau(0)
	if err != nil {
		return nil, err
	}
	s, sOK, err := g.pilotTau(1)
	if err != nil {
		return nil, err
	}
	p.AbsM, p.Action, p.Reliable = m, s, mOK && sOK
	return p, nil
}

func (g *Generator) pilotTau(i int) (tau stats.Tau, ok bool, err error) {
	replicas := make([][]float64, len(g.workers))
	for c, w := range g.workers {
		replicas[c] = w.pilot[i]
	}
	r, err := stats.GammaMethod(replicas, stats.GammaConfig{})
	var short *stats.TooShortError
	switch {
	case errors.As(err, &short) && finite(r.Tau.Value):
		return r.Tau, false, nil
	case errors.Is(err, stats.ErrNegativeVariance):
		// Too short to resolve a strong anticorrelation, which needs no thinning.
		return stats.Tau{Estimate: stats.Estimate{Value: 0.5, Error: math.NaN()}}, false, nil
	case err != nil:
		return stats.Tau{}, false, fmt.Errorf("mcmc: autocorrelation time of the pilot run: %w", err)
	}
	known := r.Tau.Error <= 0.1*r.Tau.Value && float64(len(replicas[0])) >= 20*r.Tau.Value
	return r.Tau, known && r.Variance > 0, nil
}
