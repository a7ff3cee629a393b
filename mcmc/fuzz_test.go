package mcmc_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// signed returns the state with the checksum that a fuzzer does not guess.
func signed(b []byte) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Clone(b), uint64(crc32.ChecksumIEEE(b)))
}

// fuzzKernels are kernels with all kinds of states.
func fuzzKernels(t testing.TB) []mcmc.Kernel {
	a := phi4(t, 0.2, 0.1, 2, 2)
	ens := lattice.NewEnsemble(a.Layout(), 2)
	ens.Append([]float64{1, 2, 3, 4})
	ens.Append([]float64{-1, 0, 1, 0})
	pool := must[*mcmc.Pool](t)(mcmc.NewPool(ens, []float64{-1, -2}, a))
	independence := func(p mcmc.Proposer) mcmc.Kernel {
		return must[*mcmc.Independence](t)(mcmc.NewIndependence(a, p, mcmc.IndependenceConfig{}))
	}
	return []mcmc.Kernel{
		must[*mcmc.Cycle](t)(mcmc.Recommended(a)),
		must[*mcmc.Mixture](t)(mcmc.NewMixture(nil, metropolis(t, a, mcmc.MetropolisConfig{}), wolff(t, a, 1))),
		must[*mcmc.MALA](t)(mcmc.NewMALA(a, mcmc.MALAConfig{})),
		independence(pool), independence(pool.WithReplacement()),
	}
}

// FuzzChain restores the state of a chain, and goes on where it is accepted.
func FuzzChain(f *testing.F) {
	for i, k := range fuzzKernels(f) {
		c := must[*mcmc.Chain](f)(mcmc.NewChain(k, []float64{1, 2, 3, 4}, 1, 2))
		_ = c.Run(f.Context(), 1) // pools refuse a field that they did not propose
		b := must[[]byte](f)(c.MarshalBinary())
		f.Add(byte(i), b[:len(b)-8])
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		kernels := fuzzKernels(t)
		c := must[*mcmc.Chain](t)(mcmc.NewChain(kernels[int(kind)%len(kernels)], make([]float64, 4), 1, 2))
		fuzztest.Bounded(t, len(b), func() {
			if err := c.UnmarshalBinary(signed(b)); err != nil {
				return
			}
			again := must[[]byte](t)(c.MarshalBinary())
			if err := c.UnmarshalBinary(again); err != nil {
				t.Errorf("a state that was accepted is not when it is written again: %v", err)
			}
			// A field may be anything finite, so that the action may overflow: an error, no crash.
			_ = c.Run(t.Context(), 3)
		})
	})
}

func fuzzGenerator(t testing.TB) *mcmc.Generator {
	a := phi4(t, 0.2, 0.1, 2, 2)
	return must[*mcmc.Generator](t)(mcmc.NewGenerator(mcmc.EnsembleConfig{
		Action: a, N: 6, Chains: 2, Thermalisation: 8, PilotSteps: 32, Unchecked: true, Seed: 1,
		Observables: []mcmc.Observable{{Name: "M", Func: lattice.Magnetization}},
	}, nil))
}

// FuzzGenerator restores the state of an ensemble, and goes on where it is accepted.
func FuzzGenerator(f *testing.F) {
	g := fuzzGenerator(f)
	save := func() {
		var b bytes.Buffer
		if err := g.Save(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes()[:b.Len()-8])
	}
	save()
	if err := g.Run(f.Context()); err != nil {
		f.Fatal(err)
	}
	save()
	stopped, stop := context.WithCancel(context.Background())
	stop()
	f.Fuzz(func(t *testing.T, b []byte) {
		g := fuzzGenerator(t)
		fuzztest.Bounded(t, len(b), func() {
			if err := g.Restore(bytes.NewReader(signed(b))); err != nil {
				return
			}
			// Where the state says that nothing is left to do there is nothing to stop.
			_ = g.Run(stopped)
			if r := g.Result(); r.Ensemble.Len() > 6 || r.Thin < 0 {
				t.Errorf("%d configurations every %d steps", r.Ensemble.Len(), r.Thin)
			}
			var again bytes.Buffer
			if err := g.Save(&again); err != nil {
				t.Error(err)
			}
		})
	})
}

// FuzzAnneal restores the state of an annealing, and goes on where it is accepted.
func FuzzAnneal(f *testing.F) {
	a := phi4(f, 0.2, 0.1, 2, 2)
	path := hoppingPath(f, a)
	stopped, stop := context.WithCancel(context.Background())
	stop()
	cfg := mcmc.AnnealConfig{N: 4, Populations: 2, Thermalisation: 2, Ladder: []float64{0.1, 0.2}, Workers: 1, Checkpoint: filepath.Join(f.TempDir(), "state")}
	for _, ctx := range []context.Context{stopped, context.Background()} {
		_, _ = mcmc.Anneal(ctx, path, cfg) // the first one is stopped before its first move
		b := must[[]byte](f)(os.ReadFile(cfg.Checkpoint))
		f.Add(b[:len(b)-8])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg := cfg
		cfg.Checkpoint = filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(cfg.Checkpoint, signed(b), 0o666); err != nil {
			t.Fatal(err)
		}
		fuzztest.Bounded(t, len(b), func() {
			if r, err := mcmc.Anneal(t.Context(), path, cfg); err == nil && (r.Ensemble.Len() != 4 || len(r.LogW) != 4) {
				t.Errorf("%d configurations with %d weights", r.Ensemble.Len(), len(r.LogW))
			}
		})
	})
}

// FuzzSaved restores the states of chains of a flow and of a thermodynamic integration, and goes on
// where they are accepted.
func FuzzSaved(f *testing.F) {
	a := phi4(f, 0.2, 0.1, 2)
	flow, path := stretch{a.Layout(), 0.8}, hoppingPath(f, a)
	runs := []func(ctx context.Context, file string) (int, error){
		func(ctx context.Context, file string) (int, error) {
			r, err := mcmc.Latent(ctx, a, flow, mcmc.LatentConfig{Chains: 2, Steps: 2, Thermalisation: 2, Checkpoint: file})
			if err != nil {
				return 0, err
			}
			return r.Ensemble.Len() - 4, nil
		},
		func(ctx context.Context, file string) (int, error) {
			r, err := mcmc.Composite(ctx, a, flow, mcmc.CompositeConfig{Chains: 2, Steps: 2, Thermalisation: 2, Workers: 1, Checkpoint: file})
			if err != nil {
				return 0, err
			}
			return r.Ensemble.Len() - 4, nil
		},
		func(ctx context.Context, file string) (int, error) {
			r, err := mcmc.ThermodynamicIntegration(ctx, path, mcmc.ThermodynamicConfig{Nodes: 2, Chains: 1, Steps: 16, Thermalisation: 2, Workers: 1, Checkpoint: file})
			if err != nil {
				return 0, err
			}
			return len(r.Nodes) - 2, nil
		},
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	for i, run := range runs {
		file := filepath.Join(f.TempDir(), "state")
		for _, ctx := range []context.Context{stopped, context.Background()} {
			_, _ = run(ctx, file) // the first one is stopped before its first step
			b := must[[]byte](f)(os.ReadFile(file))
			f.Add(byte(i), b[:len(b)-8])
		}
	}
	f.Fuzz(func(t *testing.T, i byte, b []byte) {
		file := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(file, signed(b), 0o666); err != nil {
			t.Fatal(err)
		}
		fuzztest.Bounded(t, len(b), func() {
			if more, err := runs[int(i)%len(runs)](t.Context(), file); err == nil && more != 0 {
				t.Errorf("%d configurations or nodes too many", more)
			}
		})
	})
}
