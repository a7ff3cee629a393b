package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/internal/results"
	"github.com/latdiff/latdiff/internal/stage"
	"github.com/latdiff/latdiff/stats"
)

// study is one kind of data.
type study struct {
	name, title string
	// draw analyses one data set.
	draw func(ctx context.Context, s *set) error
}

// set is one data set and what was estimated from it.
type set struct {
	rng *rand.Rand
	// seed is a seed of this data set for algorithms that make their own generators.
	seed   uint64
	quotes []quote
	// kHat is Pareto k̂ of the weights, NaN where there are none.
	kHat float64
}

// quote is an estimate of a quantity.
type quote struct {
	Quantity string
	stats.Estimate
	Truth float64
	// Flagged tells that the library says not to trust the error.
	Flagged bool
}

// add notes an estimate with the error that came with it. An estimate without an error bar, as
// from a series too short to have one, is flagged.
func (s *set) add(quantity string, e stats.Estimate, truth float64, err error) error {
	var short *stats.TooShortError
	flagged := errors.As(err, &short) || errors.Is(err, stats.ErrNegativeVariance)
	if err != nil && !flagged {
		return fmt.Errorf("%s: %w", quantity, err)
	}
	if math.IsInf(e.Error, 1) {
		flagged = true
	}
	s.quotes = append(s.quotes, quote{quantity, e, truth, flagged || math.IsNaN(e.Error)})
	return nil
}

// outcome is what all data sets of a study gave, fit for a file.
type outcome struct {
	Quotes [][]quote
	KHat   []float64
}

// calibration is one run of the program.
type calibration struct {
	o       options
	studies []study
	folder  *program.Run
	table   *results.File
	scores  []score
}

func newCalibration(o options) (*calibration, error) {
	c := &calibration{o: o}
	for _, part := range []func(options) ([]study, error){seriesStudies, chainStudies, weightStudies, cumulantStudies} {
		s, err := part(o)
		if err != nil {
			return nil, err
		}
		c.studies = append(c.studies, s...)
	}
	return c, nil
}

func (c *calibration) run(ctx context.Context, out io.Writer) error {
	parameters := map[string]any{"seed": c.o.seed, "n": c.o.sets, "entries": c.o.entries, "weights": c.o.weights}
	var err error
	if c.folder, err = program.OpenRun(c.o.out, parameters); err != nil {
		return err
	}
	c.table = results.New(parameters)
	for i, s := range c.studies {
		o, err := stage.Do(ctx, c.folder.Path("stages/"+s.name), s.name, func() (outcome, error) {
			var o outcome
			err := c.folder.Task(ctx, s.title, func(t *progress.Task) (err error) {
				o, err = c.analyse(ctx, i, t)
				return err
			})
			return o, err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
		c.score(s, o)
	}
	if err := c.plot(); err != nil {
		return err
	}
	if err := c.table.Write(c.folder.Path(program.ResultsFile)); err != nil {
		return err
	}
	return c.print(out)
}

// analyse draws all data sets of a study. Each has generators of its own, so that the result
// does not depend on the number of cores.
func (c *calibration) analyse(ctx context.Context, number int, t *progress.Task) (outcome, error) {
	o := outcome{Quotes: make([][]quote, c.o.sets), KHat: make([]float64, c.o.sets)}
	errs := make([]error, c.o.sets)
	first := c.o.seed<<8 + uint64(number)
	for lo := 0; lo < c.o.sets; lo += batch {
		var wg sync.WaitGroup
		hi := min(lo+batch, c.o.sets)
		for i := lo; i < hi; i++ {
			wg.Go(func() {
				s := &set{rng: rand.New(rand.NewPCG(first, uint64(i))), seed: first<<32 + uint64(i)<<12, kHat: math.NaN()}
				errs[i] = c.studies[number].draw(ctx, s)
				o.Quotes[i], o.KHat[i] = s.quotes, s.kHat
			})
		}
		wg.Wait()
		for _, err := range errs[:hi] {
			if err != nil {
				return o, err
			}
		}
		if err := ctx.Err(); err != nil {
			return o, err
		}
		t.Set(hi, c.o.sets)
	}
	return o, nil
}

// batch is the number of data sets that are analysed side by side.
const batch = 20
