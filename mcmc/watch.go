package mcmc

// enter begins to report the steps of a phase, from what the chains have made of it.
func (g *Generator) enter(p Phase) {
	g.phase, g.phaseDone, g.phaseTotal = p, 0, 0
	for _, w := range g.workers {
		w.reported = w.chain.steps
		switch p {
		case PhaseThermalisation:
			g.phaseDone += max(0, w.chain.steps-w.from)
			g.phaseTotal += w.until - w.from
		case PhasePilot:
			g.phaseDone += len(w.pilot[0])
			g.phaseTotal += g.pilotSteps
		}
	}
}

// watch looks at a chain between two steps.
func (g *Generator) watch(w *worker) error {
	if err := checkRunaway(g.cfg.Action, w.chain.phi, g.cfg.ColdValue); err != nil {
		return err
	}
	g.reportSteps(w, 0)
	return nil
}

// reportSteps reports the steps of a chain before production, and more that are planned.
func (g *Generator) reportSteps(w *worker, more int) {
	steps := w.chain.steps - w.reported
	w.reported = w.chain.steps
	if g.cfg.PhaseProgress == nil || g.phase == PhaseProduction || steps == 0 && more == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.phaseDone += steps
	g.phaseTotal += more
	g.cfg.PhaseProgress(g.phase, g.phaseDone, g.phaseTotal)
}
