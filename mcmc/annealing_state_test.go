package mcmc_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// stopping tells of its steps, and of some it makes half.
type stopping struct {
	mcmc.Kernel
	step func() bool
}

func (k stopping) Step(ctx context.Context, rng *rand.Rand, phi []float64) (mcmc.Info, error) {
	info, err := k.Kernel.Step(ctx, rng, phi)
	if !k.step() {
		return mcmc.Info{}, errors.Join(err, ctx.Err())
	}
	return info, err
}

// An annealing that is stopped again and again, also in the middle of a move, gives what one
// gives that is not.
func TestAnnealCheckpoint(t *testing.T) {
	a := phi4(t, 0.2, 0.1, 4, 4)
	cfg := mcmc.AnnealConfig{N: 64, Populations: 4, Thermalisation: 20, Steps: 2, Resample: 0.95, Seed: 3}
	draws := lattice.NewEnsemble(a.Layout(), 64)
	rng := rand.New(rand.NewPCG(1, 1))
	for range 64 * 16 {
		draws.Data = append(draws.Data, rng.NormFloat64())
	}
	for name, start := range map[string]*lattice.Ensemble{"hot": nil, "draws": draws} {
		cfg := cfg
		if cfg.Start = start; start != nil {
			cfg.N, cfg.LogQ = 0, make([]float64, start.Len())
		}
		want := must[*mcmc.AnnealResult](t)(mcmc.Anneal(t.Context(), hoppingPath(t, a), cfg))
		cfg.Checkpoint, cfg.CheckpointEvery, cfg.Workers = filepath.Join(t.TempDir(), "state"), time.Nanosecond, 1
		stops := 0
		for ; ; stops++ {
			ctx, cancel := context.WithCancel(t.Context())
			cfg, steps := cfg, 0
			cfg.NewKernel = func(action lattice.Action) (mcmc.Kernel, error) {
				k, err := mcmc.Recommended(action)
				return stopping{k, func() bool {
					steps++
					if steps == 150 {
						cancel()
					}
					return steps < 150
				}}, err
			}
			r, err := mcmc.Anneal(ctx, hoppingPath(t, a), cfg)
			cancel()
			if err == nil {
				if !reflect.DeepEqual(r, want) {
					t.Errorf("%s: an annealing that was stopped %d times differs", name, stops)
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if stops < 2 {
			t.Errorf("%s: stopped %d times, expected more", name, stops)
		}
		// The state at the end holds the result.
		again := cfg
		again.NewKernel = func(lattice.Action) (mcmc.Kernel, error) {
			return nil, errors.New("a finished annealing asks for a kernel")
		}
		if r, err := mcmc.Anneal(t.Context(), hoppingPath(t, a), again); err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("%s: the state at the end does not hold the result: %v", name, err)
		}
		other := cfg
		other.Seed++
		if _, err := mcmc.Anneal(t.Context(), hoppingPath(t, a), other); err == nil {
			t.Errorf("%s: the state of another run was accepted", name)
		}
		b, err := os.ReadFile(cfg.Checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]byte{b[:len(b)-9], append(b, 0), append([]byte("x"), b[1:]...)} {
			if err := os.WriteFile(cfg.Checkpoint, bad, 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := mcmc.Anneal(t.Context(), hoppingPath(t, a), cfg); err == nil {
				t.Errorf("%s: a damaged state was accepted", name)
			}
		}
	}
}
