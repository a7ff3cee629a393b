package mcmc_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/mcmc"
)

// TestShares: the shares of a run, each in a process of its own and one of them interrupted,
// merge to the run in one piece.
func TestShares(t *testing.T) {
	a, cfg := generatorConfig(t)
	cfg.Thin, cfg.Chains = 3, 5
	build := func(cfg mcmc.EnsembleConfig) *mcmc.Generator {
		return must[*mcmc.Generator](t)(mcmc.NewGenerator(cfg, func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil }))
	}
	want := generate(t, cfg, func(int) (mcmc.Kernel, error) { return adaptive(t, a), nil })
	save := func(g *mcmc.Generator) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := g.Save(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, shares := range []int{1, 2, 3, 5} {
		states := make([][]byte, shares)
		whole := build(cfg)
		length := 0
		for s := range shares {
			part := cfg
			part.Share, part.Shares = s, shares
			calls := 0
			ctx, cancel := context.WithCancel(t.Context())
			part.Progress = func(done, total int) {
				if calls++; s == 1 && calls == 4 {
					cancel()
				}
			}
			g := build(part)
			err := g.Run(ctx)
			cancel()
			if s == 1 {
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("expected an interruption, got %v", err)
				}
				state := save(g)
				g = build(part)
				if err := g.Restore(bytes.NewReader(state)); err != nil {
					t.Fatal(err)
				}
				err = g.Run(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			r := g.Result()
			for i, c := range r.Ensemble.Extra["chain"] {
				if c != want.Ensemble.Extra["chain"][length+i] {
					t.Fatalf("share %d of %d: configuration %d is of chain %v", s, shares, i, c)
				}
			}
			length += r.Ensemble.Len()
			states[s] = save(g)
		}
		if err := whole.Merge(readers(states)...); err != nil {
			t.Fatal(err)
		}
		if whole.Phase() != mcmc.PhaseFinished {
			t.Errorf("%d shares leave something to do", shares)
		}
		if err := whole.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := whole.Result(); !reflect.DeepEqual(got, want) {
			t.Errorf("%d shares give another result than the run in one piece", shares)
		}
		if shares == 3 {
			refusesShares(t, build, cfg, states)
		}
	}
	for name, change := range map[string]func(*mcmc.EnsembleConfig){
		"no such share":   func(c *mcmc.EnsembleConfig) { c.Share, c.Shares = 2, 2 },
		"negative share":  func(c *mcmc.EnsembleConfig) { c.Share, c.Shares = -1, 2 },
		"a share of none": func(c *mcmc.EnsembleConfig) { c.Share = 1 },
		"too many":        func(c *mcmc.EnsembleConfig) { c.Shares = 6 },
		"no thinning":     func(c *mcmc.EnsembleConfig) { c.Shares, c.Thin = 2, 0 },
	} {
		bad := cfg
		change(&bad)
		if _, err := mcmc.NewGenerator(bad, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func readers(states [][]byte) []io.Reader {
	r := make([]io.Reader, len(states))
	for i, s := range states {
		r[i] = bytes.NewReader(s)
	}
	return r
}

// refusesShares: what is no share of the run at its place is an error that names the place.
func refusesShares(t *testing.T, build func(mcmc.EnsembleConfig) *mcmc.Generator, cfg mcmc.EnsembleConfig, states [][]byte) {
	t.Helper()
	other := cfg
	other.Seed++
	for name, c := range map[string]struct {
		cfg    mcmc.EnsembleConfig
		states [][]byte
	}{
		"one missing": {cfg, states[:2]},
		"none":        {cfg, nil},
		"one twice":   {cfg, [][]byte{states[0], states[0], states[2]}},
		"exchanged":   {cfg, [][]byte{states[0], states[2], states[1]}},
		"damaged":     {cfg, [][]byte{states[0], states[1][:len(states[1])-9], states[2]}},
		"other seed":  {other, states},
	} {
		err := build(c.cfg).Merge(readers(c.states)...)
		if err == nil || !strings.Contains(err.Error(), "share") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	cfg.Shares = 3
	if err := build(cfg).Merge(readers(states)...); err == nil {
		t.Error("a share took the others")
	}
}
