package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/diffusion/backend"
	"github.com/latdiff/latdiff/hollow"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/programtest"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// tiny are the settings of a run of seconds.
func tiny(out string, more ...string) []string {
	return append([]string{"-out", out, "-dims", "4x4,6x6", "-kappa", "0.15", "-lambda", "0.1", "-lower", "0.1", "-n", "512", "-minutes", "0.003"}, more...)
}

// train fits a small network on 4x4 and returns the file of the model.
func train(t *testing.T) string {
	t.Helper()
	lat, err := lattice.New(4, 4)
	if err != nil {
		t.Fatal(err)
	}
	action, err := lattice.NewPhi4(lat, 0.15, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: 256, Seed: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	net, err := hollow.New(hollow.Config{Range: 1, Hidden: 4, Channels: 4, Features: 1, Profiles: 1, Head: 2, Pairs: 2, Embedding: 4})
	if err != nil {
		t.Fatal(err)
	}
	device, err := backend.Open("go")
	if err != nil {
		t.Fatal(err)
	}
	m, err := diffusion.Fit(t.Context(), device, action, r.Ensemble, diffusion.FitConfig{Network: net, Train: diffusion.TrainConfig{Steps: 20}, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "model.npz")
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// All samplers agree on the observables and on log Z, and have a cost.
func TestRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := tiny(out, "-models", train(t))
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	programtest.Files(t, out, "cost.png", "logz.png", program.ResultsFile, "ensemble-4x4-kappa0.15.npz", "stages/dmmc_6x6")
	text := programtest.Read(t, out, program.ResultsFile)
	file := programtest.Results(t, text)
	for _, lat := range []string{"_4x4", "_6x6"} {
		for _, name := range names() {
			if name != thermo {
				e, ok := file.Get(name+lat, measure.AbsM)
				r, _ := file.Get(cluster+lat, measure.AbsM)
				if s := e.Sigma(r); !ok || !(math.Abs(s) < 5) {
					t.Errorf("⟨|M|⟩ of %s: %v, cluster updates %v", name+lat, e, r)
				}
				if e, ok := file.Get(name+lat, independent); !ok || !(e.Value > 0) {
					t.Errorf("%s: cost %v", name+lat, e)
				}
			}
			if slices.Contains([]string{smc, smcCluster, smcModel, gaussian, exact, thermo}, name) {
				e, ok := file.Get(name+lat, logZ)
				r, _ := file.Get(thermo+lat, logZ)
				if s := e.Sigma(r); !ok || !(name == thermo || math.Abs(s) < 5) {
					t.Errorf("log Z of %s: %v, thermodynamic integration %v", name+lat, e, r)
				}
				if e, ok := file.Get(name+lat, logZRate); !ok || !(e.Value > 0) {
					t.Errorf("%s: rate of log Z %v", name+lat, e)
				}
			}
		}
		if e, ok := file.Get(latent+lat, stepSize); !ok || !(e.Value > 0 && e.Value <= 1) {
			t.Errorf("β = %v", e)
		}
	}
	for _, name := range []string{cluster, exact} {
		if e, ok := file.Get(name, exponent); !ok || !(e.Error > 0) {
			t.Errorf("exponent of %s: %v", name, e)
		}
	}
	// Once more: everything is read from the files, whatever the times.
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, programtest.Read(t, out, program.ResultsFile)) {
		t.Error("a run that was finished gave other results")
	}
}

// Of proposals among which one has all the weight, a chain never moves and an annealing has one
// configuration: the cost is a lower bound, in the table, and not in the fit.
func TestFewProposals(t *testing.T) {
	still := newOutcome()
	still.Seconds = 2
	if err := still.autocorrelation([][]float64{slices.Repeat([]float64{1}, 20)}); err != nil {
		t.Fatal(err)
	}
	if still.Reliable || still.AbsM.Value != 1 || !math.IsNaN(still.AbsM.Error) || !math.IsNaN(still.Tau.Value) || still.Cost.Value != 2 || !math.IsNaN(still.Cost.Error) {
		t.Errorf("a chain that never moves: %+v", still)
	}
	for _, e := range [][3]float64{{0, 0, 1}, {1, 0, 1}, {-1e-17, 0.1, 1}, {0, 0.1, 1}, {0.25, 0.125, 16}} {
		if n := independentOf(e[0], e[1]); n != e[2] {
			t.Errorf("%v independent configurations of variance %v have the error %v, expected %v", n, e[0], e[1], e[2])
		}
	}
	o, err := parse(tiny("out", "-dims", "2x2,3x3,4x4", "-samplers", "gaussian,dmmc"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCost(o)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range c.sites {
		moving := newOutcome()
		moving.Seconds, moving.Reliable, moving.Cost = 1, true, stats.Estimate{Value: s.extent() * s.extent(), Error: 0.1}
		c.outcomes[gaussian+"_"+s.name], c.outcomes[exact+"_"+s.name] = moving, moving
		if i > 0 {
			c.outcomes[exact+"_"+s.name] = still
		}
	}
	c.fit()
	var text bytes.Buffer
	if err := c.print(&text); err != nil {
		t.Fatal(err)
	}
	if p, ok := c.fits[gaussian]; !ok || !(math.Abs(p.Exponent.Value-2) < 1e-9) {
		t.Errorf("cost = A L^p with %+v, expected p = 2", p)
	}
	if _, ok := c.fits[exact]; ok || strings.Count(text.String(), "≥ 2 s") != 2 {
		t.Errorf("expected a lower bound on two lattices and no fit to the other, got\n%s", text.String())
	}
}

// The points of two shares are those of the merged run.
func TestShares(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	for _, task := range []string{"0/2", "1/2", "merge/2"} {
		if err := run(t.Context(), tiny(out, "-dims", "4x4", "-samplers", "cluster,thermodynamic", "-task", task)); err != nil {
			t.Fatal(err)
		}
	}
	for name, share := range map[string]string{"stages/cluster_4x4": "task-0-of-2", "stages/thermodynamic_4x4": "task-1-of-2"} {
		if !bytes.Equal(programtest.Read(t, out, name), programtest.Read(t, out, share, name)) {
			t.Errorf("%s is another than that of its share", name)
		}
	}
	if _, ok := programtest.Results(t, programtest.Read(t, out, program.ResultsFile)).Get("cluster_4x4", independent); !ok {
		t.Error("the merged results lack a point")
	}
}

// A coupling without a model has no DM-MC; the rest is there.
func TestWithoutModel(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), tiny(out, "-dims", "4x4", "-samplers", "cluster,dmmc")); err != nil {
		t.Fatal(err)
	}
	file := programtest.Results(t, programtest.Read(t, out, program.ResultsFile))
	if _, ok := file.Get("dmmc_4x4", independent); ok {
		t.Error("DM-MC without a model")
	}
	if _, ok := file.Get("cluster_4x4", independent); !ok {
		t.Error("no cluster updates")
	}
}

// Bad input is refused before a folder is made.
func TestBadInput(t *testing.T) {
	programtest.Refuses(t, run, tiny, map[string][]string{
		"an unknown sampler": {"-samplers", "nothing"},
		"a sampler twice":    {"-samplers", "hmc,hmc"},
		"descending sizes":   {"-dims", "6x6,4x4"},
		"no time":            {"-minutes", "0"},
		"a lower κ above":    {"-lower", "0.2"},
		"few configurations": {"-n", "8"},
		"no model":           {"-models", "nothing.npz"},
		"negative λ":         {"-lambda", "-1"},
		"too many shares":    {"-samplers", "cluster", "-task", "0/3"},
	})
}
