package mcmc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/latdiff/latdiff/stats"
)

// Pilot is the measurement of autocorrelation times, in steps, that [Generate]
// chooses the thinning by.
type Pilot struct {
	// Steps is the number of steps of each chain.
	Steps int
	// AbsM and Action are the τ_int of |M| and S.
	AbsM, Action stats.Tau
	// Components is the largest τ_int among those of |M_c| and M_c·M_d of several components
	// and of the charge of a [lattice.ChargedAction]; zero without either.
	Components stats.Tau
	// Reliable is false if the limit of steps was reached before τ was known to 10 %:
	// the thinning is then a guess, most likely too low.
	Reliable bool
}

const (
	pilotStart = 250
	pilotLimit = 16000
	// perTau is the length in τ_int from which on a chain tells its τ_int.
	perTau = 20
	// hopeless is the length of a pilot run from which on chains are given up that
	// disagree as much as in the runs before, and trend how many runs are looked back.
	hopeless, trend = 4000, 2
)

// runPilot measures τ_int over the chains as replicas, and sets the thinning if the chains
// agree. If they do not, the run becomes part of a thermalisation that goes on for as
// long, and the next pilot run will be twice as long.
func (g *Generator) runPilot(ctx context.Context) error {
	for {
		g.enter(PhasePilot)
		if err := g.each(ctx, g.measurePilot); err != nil {
			return err
		}
		p, err := g.analysePilot(g.pilotSteps)
		if err != nil {
			return err
		}
		last := g.cfg.PilotSteps != 0 || 2*g.pilotSteps > pilotLimit
		if worst, ok := g.pilotAgreement(); !ok && !g.cfg.Unchecked {
			return g.extend(worst, last)
		}
		if !p.Reliable && !last {
			g.pilotSteps *= 2
			continue
		}
		thin, err := g.thinning(p)
		if err != nil {
			return err
		}
		g.pilot, g.thin = p, thin
		g.clearPilot()
		return nil
	}
}

// thinning returns the number of steps between configurations. It returns an error if τ
// is not known, or if the run would be too long or need too much memory.
func (g *Generator) thinning(p *Pilot) (int, error) {
	name, tau := "|M|", p.AbsM.Value
	if p.Action.Value > tau {
		name, tau = "S", p.Action.Value
	}
	if p.Components.Value > tau {
		name, tau = "the components or the charge", p.Components.Value
	}
	e := &NotEquilibratedError{
		Chain: -1, Observable: name, RHat: math.NaN(), Limit: math.NaN(), Z: math.NaN(),
		Steps: g.workers[0].chain.steps, Advice: adviseSlow,
	}
	if g.cfg.PilotSteps == 0 && perTau*tau > float64(p.Steps) && !g.cfg.Unchecked {
		e.Reason = fmt.Sprintf("a τ_int of %s near %.0f steps in a pilot run of %d, too short to tell it", name, tau, p.Steps)
		return 0, e
	}
	thin := max(1, math.Ceil(g.cfg.Decorrelation*tau))
	each := (g.cfg.N + g.cfg.Chains - 1) / g.cfg.Chains
	if steps := thin * float64(each); steps > float64(g.cfg.MaxSteps) {
		e.Reason = fmt.Sprintf("a τ_int of %s of %.0f steps, with which a chain of %d configurations takes %.3g steps, more than MaxSteps = %d",
			name, tau, each, steps, g.cfg.MaxSteps)
		return 0, e
	}
	return int(thin), g.cfg.checkMemory(int(thin))
}

// pilotAgreement compares the chains. If they do not agree, it returns the observable with
// the larger R̂.
func (g *Generator) pilotAgreement() (worst agreement, ok bool) {
	ok = true
	o := newCompared(g.cfg.Action)
	for i := range o.names {
		series := make([][]float64, len(g.workers))
		for c, w := range g.workers {
			series[c] = w.pilot[i]
		}
		if a := o.agreement(i, series, g.hot()); !a.ok() && (ok || a.rhat > worst.rhat || a.frozen) {
			worst, ok = a, false
		}
	}
	return worst, ok
}

// maxRounds bounds how often a thermalisation is extended by pilot runs of a given length.
const maxRounds = 3

// extend prolongs the thermalisation of chains that disagree, each time by twice as many
// steps, unless they have had all their time or their disagreement stays what it is.
func (g *Generator) extend(a agreement, last bool) error {
	n, given := len(g.rounds), g.cfg.PilotSteps != 0
	steps := g.pilotSteps
	if given {
		last = n >= maxRounds
		steps <<= n
	} else if n >= trend {
		before := g.rounds[n-trend]
		unchanged := a.rhat > 1.5 && a.rhat*a.rhat-1 > 0.8*(before*before-1)
		last = last || a.still >= 0 || unchanged && g.pilotSteps >= hopeless
	}
	if last {
		return g.failure(a)
	}
	g.rounds = append(g.rounds, a.rhat)
	g.clearPilot()
	for _, w := range g.workers {
		w.from = w.chain.steps
		w.until = w.from + steps
	}
	if !given {
		g.pilotSteps *= 2
	}
	return nil
}

func (g *Generator) clearPilot() {
	for _, w := range g.workers {
		clear(w.pilot)
	}
}

// measurePilot makes the pilot steps of a chain that are left.
func (g *Generator) measurePilot(ctx context.Context, w *worker) error {
	o := newCompared(g.cfg.Action)
	for len(w.pilot[0]) < g.pilotSteps {
		if err := w.chain.Run(ctx, 1); err != nil {
			return err
		}
		o.add(w.pilot, w.chain.phi, g.cfg.Action.Value(w.chain.phi))
	}
	g.reportSteps(w, 0)
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
	o := newCompared(g.cfg.Action)
	for i := 2; i < len(o.names); i++ {
		// A charge that is always the same needs no thinning.
		if o.isCharge(i) && g.constant(i) {
			continue
		}
		tau, ok, err := g.pilotTau(i)
		if err != nil {
			return nil, err
		}
		if tau.Value > p.Components.Value {
			p.Components = tau
		}
		p.Reliable = p.Reliable && ok
	}
	return p, nil
}

// constant says whether observable i was the same in all steps of all chains.
func (g *Generator) constant(i int) bool {
	first := g.workers[0].pilot[i][0]
	for _, w := range g.workers {
		if slices.ContainsFunc(w.pilot[i], func(x float64) bool { return x != first }) {
			return false
		}
	}
	return true
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
	known := r.Tau.Error <= 0.1*r.Tau.Value && float64(len(replicas[0])) >= perTau*r.Tau.Value
	return r.Tau, known && r.Variance > 0, nil
}
