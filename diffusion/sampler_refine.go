package diffusion

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/latdiff/latdiff/lattice"
)

// RefineConfig configures [Refine]. The zero value makes ten steps of moderate size.
type RefineConfig struct {
	// Steps is the number of proposals for every configuration. Default 10.
	Steps int
	// Step is the time step Δτ of the Langevin equation (2.15). Default 0.1 V^{-1/3}, the
	// scaling of the optimal step with the volume.
	Step float64
	// Seed determines the random numbers: configuration i draws from a generator seeded
	// with (Seed, i).
	Seed uint64
	// Progress, if not nil, is called after every configuration with the number that
	// are done and their total; calls are serialised.
	Progress func(done, total int)
}

func (c *RefineConfig) setDefaults(volume int) error {
	if c.Steps == 0 {
		c.Steps = 10
	}
	c.Step = orDefault(c.Step, 0.1/math.Cbrt(float64(volume)))
	if c.Steps < 0 || !(c.Step > 0) || math.IsInf(c.Step, 0) {
		return fmt.Errorf("diffusion: expected a positive number of refining steps and a positive step Δτ, got %d and %v", c.Steps, c.Step)
	}
	return nil
}

// Refine moves every configuration by Metropolis-adjusted Langevin steps with the known
// action, the continuation of a reverse process to σ = 0 where the score is the drift
// K (2.5):
//
//	φ' = φ + Δτ K(φ) + √(2Δτ) η,  accepted with min(1, e^{-ΔH}),
//	ΔH = S(φ') - S(φ) + ½(|η'|² - |η|²),  η' = [φ - φ' - Δτ K(φ')]/√(2Δτ)
//
// (J. Besag, J. R. Statist. Soc. B 56 (1994) 591). The step leaves exp(-S) invariant,
// so it never adds an error, and what a sampler got wrong at short distances decays
// fast: a mode of variance C_k relaxes in the time C_k. Long modes stay as the sampler
// left them; a chain with the sampler as proposal corrects those.
//
// It returns a new ensemble with the Params of ens, without Extra, which belonged to
// the old fields, and the mean acceptance. The result depends on the seed, not on the
// number of cores. It returns an error if ens is not finite or not on the lattice of
// the action, an action is not finite, cfg is impossible, or the context is cancelled.
func Refine(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, cfg RefineConfig) (refined *lattice.Ensemble, acceptance float64, err error) {
	if action == nil || ens == nil || ens.Lattice == nil {
		return nil, 0, fmt.Errorf("diffusion: expected an action and an ensemble to refine, got nil")
	}
	if err := ens.CheckLayout(action.Layout()); err != nil {
		return nil, 0, fmt.Errorf("diffusion: %w", err)
	}
	if err := checkData(ens.Layout, ens.Data); err != nil {
		return nil, 0, err
	}
	if err := cfg.setDefaults(ens.Size()); err != nil {
		return nil, 0, err
	}
	n := ens.Len()
	refined = lattice.NewEnsemble(ens.Layout, n)
	refined.Data = append(refined.Data, ens.Data...)
	maps.Copy(refined.Params, ens.Params)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg             sync.WaitGroup
		mu             sync.Mutex
		done           int
		next, accepted atomic.Int64
	)
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			chain := newMALA(action, ens.Size(), cfg.Step)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				k, err := chain.run(rand.New(rand.NewPCG(cfg.Seed, uint64(i))), refined.Config(i), cfg.Steps)
				if err != nil {
					cancel(fmt.Errorf("diffusion: configuration %d: %w", i, err))
					return
				}
				accepted.Add(int64(k))
				if cfg.Progress != nil {
					mu.Lock()
					done++
					cfg.Progress(done, n)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, 0, err
	}
	return refined, float64(accepted.Load()) / float64(n*cfg.Steps), nil
}

// mala holds the action, the step size and the scratch fields of Langevin chains.
type mala struct {
	action                 lattice.Action
	step                   float64
	drift, next, nextDrift []float64
}

func newMALA(action lattice.Action, volume int, step float64) *mala {
	return &mala{action, step, make([]float64, volume), make([]float64, volume), make([]float64, volume)}
}

// run moves phi by the given number of proposals and returns how many were accepted.
func (c *mala) run(rng *rand.Rand, phi []float64, steps int) (accepted int, err error) {
	value := c.action.Value(phi)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, fmt.Errorf("expected a field of finite action, got S = %v", value)
	}
	c.action.Drift(c.drift, phi)
	amp := math.Sqrt(2 * c.step)
	for range steps {
		kinetic := 0.0
		for x, v := range phi {
			eta := rng.NormFloat64()
			c.next[x] = v + c.step*c.drift[x] + amp*eta
			kinetic -= eta * eta
		}
		proposed := c.action.Value(c.next)
		c.action.Drift(c.nextDrift, c.next)
		for x, v := range phi {
			eta := (v - c.next[x] - c.step*c.nextDrift[x]) / amp
			kinetic += eta * eta
		}
		// A ΔH that is not a number is rejected.
		if proposed-value+kinetic/2 < rng.ExpFloat64() {
			copy(phi, c.next)
			c.drift, c.nextDrift = c.nextDrift, c.drift
			value = proposed
			accepted++
		}
	}
	return accepted, nil
}
