// Package imports tests the direction of the dependencies between the packages.
package imports

import (
	"go/build"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/latdiff/latdiff"

// dependencies returns the packages of this module that the package at the given
// path below the module root imports, directly or not, and all others it reaches
// directly from any of them.
func dependencies(t *testing.T, start string) (own, foreign []string) {
	t.Helper()
	queue := []string{start}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if slices.Contains(own, p) {
			continue
		}
		own = append(own, p)
		pkg, err := build.ImportDir(filepath.Join("..", "..", filepath.FromSlash(p)), 0)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		for _, i := range pkg.Imports {
			if rest, ok := strings.CutPrefix(i, module+"/"); ok {
				queue = append(queue, rest)
			} else if !slices.Contains(foreign, i) {
				foreign = append(foreign, i)
			}
		}
	}
	return own, foreign
}

// The classical packages must be usable without any machine learning.
func TestClassicalPackagesDoNotImportGoMLX(t *testing.T) {
	for _, p := range []string{"lattice", "stats", "mcmc", "hmc"} {
		own, foreign := dependencies(t, p)
		for _, f := range foreign {
			if strings.Contains(f, "gomlx") {
				t.Errorf("%s depends on %s", p, f)
			}
		}
		for _, ml := range []string{"diffusion", "unet", "hollow", "flow"} {
			if slices.Contains(own, ml) {
				t.Errorf("%s depends on %s", p, ml)
			}
		}
	}
	// The same walk must find GoMLX where it is.
	if _, foreign := dependencies(t, "diffusion"); !slices.ContainsFunc(foreign, func(f string) bool { return strings.Contains(f, "gomlx") }) {
		t.Error("no GoMLX below diffusion: the walk is broken")
	}
}

// What a program shows of physics can be copied by a user: the packages of this module
// that are internal hold flags, files, tables, plots and progress, charges those of the chains of
// links, host moves fields
// to tensors, and meter counts what a backend does.
func TestProgramsImportPublicPackages(t *testing.T) {
	allowed := []string{
		"atomicfile", "charges", "export", "figure", "host", "meter", "pipeline", "program", "progress", "refvalues", "report", "results", "settings", "stage",
	}
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) < 10 {
		t.Fatalf("found the programs %v, %v", dirs, err)
	}
	for _, dir := range dirs {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range pkg.Imports {
			name, ok := strings.CutPrefix(i, module+"/internal/")
			if ok && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s", pkg.Dir, i)
			}
			if filepath.Base(dir) == "quickstart" && name == "pipeline" {
				t.Errorf("the tutorial imports %s", i)
			}
		}
	}
}

// Arrows point one way.
func TestLayers(t *testing.T) {
	forbidden := map[string][]string{
		"lattice":   {"stats", "mcmc", "hmc", "diffusion", "unet", "flow"},
		"stats":     {"lattice", "mcmc", "hmc", "diffusion", "unet", "flow"},
		"mcmc":      {"hmc", "diffusion", "unet", "flow"},
		"diffusion": {"mcmc", "hmc", "unet", "flow"},
		"unet":      {"hollow", "flow", "mcmc", "hmc"},
		"hollow":    {"unet", "flow", "mcmc", "hmc"},
		"flow":      {"unet", "hollow", "mcmc", "hmc"},
		// Tests of networks of one's own need no others.
		"diffusion/difftest": {"unet", "hollow", "flow", "mcmc", "hmc"},
	}
	for p, bad := range forbidden {
		own, _ := dependencies(t, p)
		for _, b := range bad {
			if slices.Contains(own, b) {
				t.Errorf("%s depends on %s", p, b)
			}
		}
		// Library packages choose no backend and draw no plots.
		for _, i := range []string{"diffusion/backend", "internal/figure", "internal/program", "internal/progress"} {
			if slices.Contains(own, i) {
				t.Errorf("%s depends on %s", p, i)
			}
		}
	}
}
