package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/fokkerplanck"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// toy is one potential (3.19) and what is known about it; what is found is in the table.
type toy struct {
	name, title string
	seed        uint64
	action      *lattice.Toy
	exact       *density
	equation    *fokkerplanck.Equation
	spectrum    *fokkerplanck.Spectrum
}

const (
	levels       = 5   // eigenvalues to report
	horizon      = 8   // length of figure 1 in units of 1/E_2, the slowest even mode
	slowest      = 1e5 // bound on the steps in 1/E_1
	series       = 100 // length of the chains for τ_exp, in units of 1/E_1
	perTau       = 10  // measurements per 1/E_1 in these chains
	seriesChains = 512 // number of these chains
	// trajectoryRecords is the number of times in figure 1.
	trajectoryRecords = 240
	fewest            = 4000  // steps of a run, for a bias below the statistical errors
	smallest          = 1e-10 // gap that the spectrum resolves
)

func newToy(mu2 float64, o options) (*toy, error) {
	action, err := lattice.NewToy(mu2, o.G)
	if err != nil {
		return nil, err
	}
	exact, err := newDensity(action)
	if err != nil {
		return nil, err
	}
	t := &toy{name: fmt.Sprintf("mu2_%v", mu2), action: action, exact: exact}
	switch {
	case mu2 < 0:
		t.title = "double well"
	case o.G == 0:
		t.title = "harmonic"
	default:
		t.title = "single well"
	}
	t.title += strings.ReplaceAll(fmt.Sprintf(", μ² = %v, g = %v", mu2, o.G), "-", "−")
	if t.equation, err = fokkerplanck.New(action, fokkerplanck.Config{Lo: -t.exact.reach, Hi: t.exact.reach}); err != nil {
		return nil, err
	}
	if t.spectrum, err = t.equation.Spectrum(); err != nil {
		return nil, err
	}
	gap := t.spectrum.Values[1]
	if !(gap > smallest) || 1/gap > slowest*o.ToyStep {
		return nil, fmt.Errorf("expected a toy potential that relaxes in fewer than %d steps of -toy-dtau, got the gap %.3g for μ² = %v, g = %v",
			int(slowest), gap, mu2, o.G)
	}
	if width := math.Sqrt(t.exact.phi2); !(o.Prior > width/50 && o.Prior < width*50) {
		return nil, fmt.Errorf("expected a -prior between 1/50 and 50 times the width %.3g of e^{-S} for μ² = %v, g = %v, got %v", width, mu2, o.G, o.Prior)
	}
	// The relaxation is resolved, and the explicit scheme is stable, for steps well below
	// the time scale of the fastest mode shown and of the drift at the edge of the prior.
	edge := 4 * o.Prior
	if o.ToyStep*t.spectrum.Values[levels] > 0.5 || o.ToyStep*math.Abs(mu2+o.G/6*edge*edge) > 1 {
		return nil, fmt.Errorf("expected a smaller -toy-dtau for μ² = %v, g = %v and -prior %v, got %v", mu2, o.G, o.Prior, o.ToyStep)
	}
	return t, nil
}

// processes are independent Langevin processes, the sites of a field under the toy
// action, which start at numbers drawn one by one.
type processes struct {
	*mcmc.Langevin
	draw  func(rng *rand.Rand) float64
	start []float64
}

// Start draws the fields at τ = 0 and remembers them.
func (p *processes) Start(_ context.Context, rng *rand.Rand, phi []float64) error {
	for x := range phi {
		phi[x] = p.draw(rng)
	}
	p.start = append(p.start[:0], phi...)
	return nil
}

var _ mcmc.Starter = (*processes)(nil)

// evolve runs at least n processes and returns their values at τ = 0 and after every
// thin steps: row r has the time r·thin·Δτ.
func (t *toy) evolve(ctx context.Context, task *progress.Task, seed uint64, dtau float64, draw func(*rand.Rand) float64, n, records, thin int) ([][]float64, error) {
	sites := (n + chains - 1) / chains
	action, err := lattice.NewToy(t.action.Mu2(), t.action.G(), sites)
	if err != nil {
		return nil, err
	}
	kernels := make([]*processes, chains)
	r, err := mcmc.Generate(ctx, mcmc.EnsembleConfig{
		Action: action, N: chains * records, Chains: chains, Seed: t.seed + seed,
		Start: mcmc.StartKernel, Thermalisation: -1, Unchecked: true, Thin: thin, Progress: task.Set,
	}, func(c int) (mcmc.Kernel, error) {
		k, err := mcmc.NewLangevin(action, dtau)
		if err != nil {
			return nil, err
		}
		kernels[c] = &processes{Langevin: k, draw: draw}
		return kernels[c], nil
	})
	if err != nil {
		return nil, err
	}
	rows := make([][]float64, records+1)
	for c, k := range kernels {
		rows[0] = append(rows[0], k.start...)
		for i := range records {
			rows[i+1] = append(rows[i+1], r.Ensemble.Config(c*records+i)...)
		}
	}
	return rows, nil
}

// divide splits the time tau of a run into records and those into thin steps of dtau.
func (l *langevin) divide(tau float64, records int) (dtau float64, thin int) {
	between := tau / float64(records)
	thin = int(math.Ceil(between / min(l.o.ToyStep, tau/fewest)))
	return between / float64(thin), thin
}

// toyStages is the number of stages of a potential.
const toyStages = 4

// toy makes everything about one potential.
func (l *langevin) toy(ctx context.Context, t *toy) error {
	for _, s := range [toyStages]struct {
		name string
		f    func(context.Context, *toy) error
	}{
		{"spectrum", l.spectrum}, {"trajectories", l.trajectories},
		{"relaxation", l.relaxation}, {"autocorrelation", l.autocorrelation},
	} {
		if err := l.stage(ctx, s.name+"_"+t.name, func() error { return s.f(ctx, t) }); err != nil {
			return err
		}
	}
	return nil
}

// known is a number without a statistical error.
func known(v float64) stats.Estimate { return stats.Estimate{Value: v} }

// spectrum reports the lowest levels of the Fokker–Planck Hamiltonian.
func (l *langevin) spectrum(_ context.Context, t *toy) error {
	fp := "fokker_planck_" + t.name
	for n := 1; n <= levels; n++ {
		l.table.Add(fp, fmt.Sprintf("eigenvalue_%d", n), known(t.spectrum.Values[n]))
	}
	l.table.Add(fp, measure.Phi2, known(t.exact.phi2))
	return l.plotSpectrum(t)
}

// trajectories makes figure 1: from the prior to e^{-S}.
func (l *langevin) trajectories(ctx context.Context, t *toy) error {
	const records = trajectoryRecords
	dtau, thin := l.divide(horizon/t.spectrum.Values[2], records)
	var rows [][]float64
	err := l.folder.Task(ctx, "trajectories, "+t.name, func(task *progress.Task) error {
		var err error
		draw := func(rng *rand.Rand) float64 { return l.o.Prior * rng.NormFloat64() }
		rows, err = t.evolve(ctx, task, 0, dtau, draw, l.o.Processes, records, thin)
		return err
	})
	if err != nil {
		return err
	}
	final := rows[records]
	ks, err := stats.KolmogorovSmirnov(final, t.exact.Below, 0)
	if err != nil {
		return err
	}
	phi2, err := stats.Mean(squares(final))
	if err != nil {
		return err
	}
	name := "langevin_" + t.name
	l.table.Add(name, "ks_d", known(ks.D))
	l.table.Add(name, "ks_p", known(ks.P))
	l.table.Add(name, measure.Phi2, phi2)
	step := float64(thin) * dtau
	if err := l.plotTrajectories(t, rows, step); err != nil {
		return err
	}
	return l.plotDensities(t, rows, step)
}

func squares(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v * v
	}
	return y
}

// autocorrelation measures τ_exp of φ in long chains that start in equilibrium.
func (l *langevin) autocorrelation(ctx context.Context, t *toy) error {
	return l.folder.Task(ctx, "autocorrelation, "+t.name, func(task *progress.Task) error {
		records := series * perTau
		dtau, thin := l.divide(series/t.spectrum.Values[1], records)
		rows, err := t.evolve(ctx, task, 3, dtau, t.exact.Draw, seriesChains, records, thin)
		if err != nil {
			return err
		}
		replicas := make([][]float64, len(rows[0]))
		for i := range replicas {
			replicas[i] = make([]float64, len(rows))
			for r, row := range rows {
				replicas[i][r] = row[i]
			}
		}
		fit, err := stats.FitTauExp(replicas, stats.TauExpConfig{})
		if err := measure.Usable(err); err != nil {
			return fmt.Errorf("τ_exp of %s: %w", t.name, err)
		}
		step := float64(thin) * dtau
		l.table.Add("langevin_"+t.name, "tau_exp", stats.Estimate{Value: fit.Tau.Value * step, Error: fit.Tau.Error * step})
		return nil
	})
}
