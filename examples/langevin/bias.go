package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// interval is the Langevin time between measurements.
const interval = 0.5

// observables are those extrapolated to Δτ = 0.
var observables = []struct{ name, title, label string }{
	{measure.Phi2, "⟨φ²⟩", "⟨φ²⟩"},
	{measure.ActionDensity, "⟨S⟩/V", "⟨S⟩/V"},
	{measure.Chi2, "χ₂", "χ_2"},
}

// theory is a lattice action and its expectation values at every Δτ.
type theory struct {
	ensemble string
	action   *lattice.Phi4
	omega    []float64 // of S = Σ_k ω_k |φ_k|², nil with interaction
	values   [][]stats.Estimate
	fits     []extrapolation
}

func newTheory(action *lattice.Phi4, ensemble string, free bool) *theory {
	t := &theory{ensemble: ensemble, action: action, values: make([][]stats.Estimate, len(observables))}
	if free {
		// FreeSpectrum fails only beyond the critical κ, where no free field is made.
		spectrum, _ := action.FreeSpectrum(nil)
		for _, c := range spectrum {
			t.omega = append(t.omega, 1/(2*c))
		}
	}
	return t
}

// exact returns the stationary values of the observables of the free field at the time
// step dtau: every mode has ⟨|φ_k|²⟩ = 1/(2ω_k (1 - ω_kΔτ)).
func (t *theory) exact(dtau float64) []float64 {
	var phi2, action float64
	for _, w := range t.omega {
		c := 1 / (2 * w * (1 - w*dtau))
		phi2 += c
		action += w * c
	}
	v := float64(len(t.omega))
	return []float64{phi2 / v, action / v, 1 / (2 * t.omega[0] * (1 - t.omega[0]*dtau))}
}

// checkSteps refuses time steps beyond the stability of the explicit scheme, which
// amplifies a mode by 1 - 2ω_kΔτ.
func (l *langevin) checkSteps() error {
	for _, t := range l.theories {
		omega := 1 + 2*math.Abs(t.action.Kappa())*float64(t.action.Layout().Dim())
		if dtau := l.dtau[len(l.dtau)-1]; omega*dtau >= 1 {
			return fmt.Errorf("expected -dtau below %.3g, the stability of the free field, got %v", 1/omega, dtau)
		}
	}
	return nil
}

// Bounds on the size of a run.
const (
	mostUpdates = 100_000 // between two measurements
	maxMemory   = 8 << 30 // bytes
)

// checkSize refuses runs that would never end or not fit into memory. The estimates count
// what the analysis holds at a time: the values of all processes at all times of figure 1,
// as configurations and as rows, and the series of every observable with their deviations.
func (l *langevin) checkSize() error {
	if least := interval / mostUpdates; l.dtau[0] < least {
		return fmt.Errorf("expected -dtau of at least %.3g, at most %d updates between measurements, got %v", least, mostUpdates, l.dtau[0])
	}
	const rows, series = 2 * trajectoryRecords, 4 + 2*14
	for _, need := range []struct {
		flag  string
		value any
		bytes float64
	}{
		{"processes", l.o.Processes, 8 * rows * float64(l.o.Processes)},
		{"time", l.o.Time, 8 * series * l.o.Time / interval},
	} {
		if need.bytes > maxMemory {
			return fmt.Errorf("expected a smaller -%s, for up to %d GiB of memory, got %v, which takes %.3g GiB",
				need.flag, maxMemory>>30, need.value, need.bytes/(1<<30))
		}
	}
	return nil
}

// measure is the stage that adds the observables of an ensemble to the table, from the
// given numbers of steps of each chain, and the acceptance of an algorithm that has one.
func (l *langevin) measure(ctx context.Context, ensemble string, action *lattice.Phi4, seed uint64, steps, thermalisation int, accepts bool, kernel func() (mcmc.Kernel, error)) error {
	return l.stage(ctx, ensemble, func() error {
		return l.folder.Task(ctx, ensemble, func(task *progress.Task) error {
			// A run is cut into parts that show its progress.
			const parts = 10
			r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
				Action: action, N: parts * chains, Chains: chains, Seed: seed,
				Thermalisation: thermalisation, Thin: (steps + parts - 1) / parts,
				Observables: measure.Observables(action), Progress: task.Set,
				Checkpoint: stage.State(l.folder.Path(stagePath(ensemble))),
			}, func(int) (mcmc.Kernel, error) { return kernel() })
			if err != nil {
				return err
			}
			if err := l.table.Of(ensemble).Add(measure.Chain(measure.FromRun(r)...)); err != nil {
				return err
			}
			if accepts {
				l.table.Add(ensemble, measure.Acceptance, stats.Estimate{Value: r.Stats.Acceptance(), Error: math.NaN()})
			}
			return nil
		})
	})
}

// updates makes n steps of the Langevin equation at a time.
type updates struct {
	*mcmc.Langevin
	n      int
	before []float64
}

// Step makes the steps.
func (k *updates) Step(ctx context.Context, rng *rand.Rand, phi []float64) (info mcmc.Info, err error) {
	k.before = append(k.before[:0], phi...)
	for range k.n {
		if info, err = k.Langevin.Step(ctx, rng, phi); err != nil {
			copy(phi, k.before)
			return info, err
		}
	}
	return info, nil
}

// lengths returns the numbers of measurements and of thermalisation steps of a chain.
func (l *langevin) lengths() (steps, thermalisation int) {
	n := l.o.Time / chains / interval
	return int(math.Ceil(n)), int(math.Ceil(n / 10))
}

// exactStages is the number of exact algorithms.
const exactStages = 2

// exact measures φ⁴ with two exact algorithms.
func (l *langevin) exact(ctx context.Context) error {
	action := l.theories[0].action
	steps, thermalisation := l.lengths()
	if err := l.measure(ctx, "reference", action, l.seed(seedReference), steps, thermalisation, false, func() (mcmc.Kernel, error) {
		return mcmc.Recommended(action)
	}); err != nil {
		return err
	}
	return l.measure(ctx, "mala", action, l.seed(seedMALA), steps, thermalisation, true, func() (mcmc.Kernel, error) {
		k, err := mcmc.NewMALA(action, mcmc.MALAConfig{})
		if err != nil {
			return nil, err
		}
		return mcmc.NewCycle(k, k, k, k)
	})
}

// theory measures one theory at every Δτ and extrapolates, which a share does not.
func (l *langevin) theory(ctx context.Context, t *theory, part int) error {
	for i, dtau := range l.dtau {
		every := max(1, int(math.Round(interval/dtau)))
		total, early := l.lengths()
		// The time is the same for every Δτ, also where interval is no multiple of it.
		scale := interval / (float64(every) * dtau)
		steps, thermalisation := int(math.Ceil(float64(total)*scale)), int(math.Ceil(float64(early)*scale))
		ensemble := fmt.Sprintf("%s_dtau_%v", t.ensemble, dtau)
		if err := l.measure(ctx, ensemble, t.action, l.seed(part+i), steps, thermalisation, false, func() (mcmc.Kernel, error) {
			k, err := mcmc.NewLangevin(t.action, dtau)
			if err != nil {
				return nil, err
			}
			return &updates{Langevin: k, n: every}, nil
		}); err != nil {
			return fmt.Errorf("at Δτ = %v: %w", dtau, err)
		}
		if l.o.task.Part == program.OneShare {
			continue
		}
		for j, o := range observables {
			e, _ := l.table.Get(ensemble, o.name)
			t.values[j] = append(t.values[j], e)
		}
		if t.omega != nil {
			l.addExact(fmt.Sprintf("exact_free_dtau_%v", dtau), t.exact(dtau))
		}
	}
	if l.o.task.Part == program.OneShare {
		return nil
	}
	return l.extrapolate(t)
}

// extrapolate takes what was measured of a theory to Δτ = 0.
func (l *langevin) extrapolate(t *theory) error {
	for j, o := range observables {
		fit, err := extrapolate(l.dtau, t.values[j])
		if err != nil {
			return fmt.Errorf("extrapolation of %s: %w", o.name, err)
		}
		t.fits = append(t.fits, fit)
		l.table.Add(t.ensemble, o.name, fit.at(0))
		l.table.Add(t.ensemble, "degree_"+o.name, known(float64(len(fit.best().coef)-1)))
		l.table.Add(t.ensemble, "p_"+o.name, known(fit.best().p))
	}
	if t.omega != nil {
		l.addExact("exact_free", t.exact(0))
	}
	return nil
}

func (l *langevin) addExact(ensemble string, values []float64) {
	for j, o := range observables {
		l.table.Add(ensemble, o.name, known(values[j]))
	}
}
