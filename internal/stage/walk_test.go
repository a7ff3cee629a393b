package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// A chain that is stopped again and again gives what one gives that is not, and what
// mcmc.Chain.Thermalise and Run give; a finished one is not run again.
func TestWalk(t *testing.T) {
	t.Setenv(checkpoint.Variable, "1ns")
	lat, err := lattice.New(4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.2, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() *mcmc.Chain {
		k, err := mcmc.NewMetropolis(action, mcmc.MetropolisConfig{})
		if err != nil {
			t.Fatal(err)
		}
		chain, err := mcmc.NewChain(k, []float64{1, 2, 3, 4}, 5, 6)
		if err != nil {
			t.Fatal(err)
		}
		return chain
	}
	const settle, steps = 7, 20
	var want WalkResult
	plain := fresh()
	if err := plain.Thermalise(t.Context(), settle); err != nil {
		t.Fatal(err)
	}
	want.Columns = make([][]float64, 2)
	observe := func(c *mcmc.Chain, columns [][]float64) error {
		columns[0] = append(columns[0], lattice.Magnetization(c.Field()))
		columns[1] = append(columns[1], c.Field()...)
		return nil
	}
	for range steps {
		if err := plain.Run(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := observe(plain, want.Columns); err != nil {
			t.Fatal(err)
		}
	}
	want.Acceptance = plain.Stats().Acceptance()

	cfg := WalkConfig{Path: filepath.Join(t.TempDir(), "stages", "one"), Name: "one", Settle: settle, Steps: steps, Columns: 2}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Walk(stopped, fresh(), cfg); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	stops := 0
	for ; ; stops++ {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		cfg.Observe = func(c *mcmc.Chain, columns [][]float64) error {
			if n++; n == 6 {
				cancel()
			}
			return observe(c, columns)
		}
		got, err := Walk(ctx, fresh(), cfg)
		cancel()
		if err == nil {
			if !(got.Seconds > 0) || !reflect.DeepEqual(WalkResult{Columns: got.Columns, Acceptance: got.Acceptance}, want) {
				t.Errorf("a chain that was stopped %d times gave %v, expected %v", stops, got, want)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if stops < 3 {
		t.Errorf("stopped %d times, expected more", stops)
	}
	cfg.Observe = func(*mcmc.Chain, [][]float64) error { return errors.New("a finished chain is measured again") }
	if _, err := Walk(t.Context(), fresh(), cfg); err != nil {
		t.Error(err)
	}
	other := cfg
	other.Name = "two"
	if _, err := Walk(t.Context(), fresh(), other); err == nil {
		t.Error("the state of another chain was accepted")
	}
	if err := os.WriteFile(cfg.Path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Walk(t.Context(), fresh(), cfg); err == nil {
		t.Error("a damaged state was accepted")
	}
}
