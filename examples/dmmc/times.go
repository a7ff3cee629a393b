package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
)

// times are the seconds of the machine that a step of every algorithm takes, all cores at
// work. They stay out of results.json, which is the same for every run.
type times struct {
	path string

	Cores int `json:"cores"`
	// Seconds is by the name of the algorithm.
	Seconds map[string]float64 `json:"seconds_per_step"`
	// Independent is Seconds times 2τ_int of |M|.
	Independent map[string]float64 `json:"seconds_per_independent_configuration"`
}

// openTimes reads what an earlier run left.
func openTimes(folder *program.Run) (*times, error) {
	t := &times{path: folder.Path(timesFile), Cores: runtime.GOMAXPROCS(0), Seconds: map[string]float64{}, Independent: map[string]float64{}}
	text, err := os.ReadFile(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, t); err != nil {
		return nil, fmt.Errorf("expected times of an earlier run in %s: %w", t.path, err)
	}
	return t, nil
}

func (t *times) set(name string, seconds float64) error {
	t.Seconds[name] = seconds
	return t.write()
}

func (t *times) write() error {
	return atomicfile.Write(t.path, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(t)
	})
}

// stepTime returns the time of a step when all cores make steps, from equilibrated fields
// and without measurements.
func (d *dmmc) stepTime(ctx context.Context, ens *lattice.Ensemble, newKernel func(int) (mcmc.Kernel, error)) (float64, error) {
	n := runtime.GOMAXPROCS(0)
	chains := make([]*mcmc.Chain, n)
	for i := range chains {
		k, err := newKernel(i)
		if err != nil {
			return 0, err
		}
		if chains[i], err = mcmc.NewChain(k, ens.Config(i%ens.Len()), 1, uint64(i)); err != nil {
			return 0, err
		}
		if err := chains[i].Thermalise(ctx, 100); err != nil {
			return 0, err
		}
	}
	var steps atomic.Int64
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := time.Now()
	for i, c := range chains {
		wg.Go(func() {
			// Some steps are made also where the clock jumps ahead.
			for {
				errs[i] = c.Run(ctx, 10)
				steps.Add(10)
				if errs[i] != nil || time.Since(start) >= d.o.clock {
					return
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start).Seconds() / float64(steps.Load()), errors.Join(errs...)
}
