package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/pipeline"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/internal/report"
	"github.com/latdiff/latdiff/internal/settings"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

const (
	// leastSize is the smallest set of configurations in figures 11 and 12.
	leastSize = 16
	// furtherFile holds what is generated for figure 12 beyond the other figures, in the
	// folder of a size of figure 11 all that is generated.
	furtherFile = "further.npz"
)

// symmetric is one run of the program.
type symmetric struct {
	*pipeline.Run
	o     options
	sizes []int
	runs  []*pipeline.Run // of figure 11, none if the model is not trained here

	out       report.Outcome
	training  measure.Series
	generated measure.Series // figure 12
}

// newSymmetric checks all input.
func newSymmetric(o options) (*symmetric, error) {
	s := &symmetric{o: o}
	var err error
	if s.Run, err = pipeline.New(o.Options); err != nil {
		return nil, err
	}
	s.Share = o.task
	if o.Configurations < 2*leastSize || o.Samples < 2*leastSize {
		return nil, fmt.Errorf("expected -n and -samples of at least %d, got %d and %d", 2*leastSize, o.Configurations, o.Samples)
	}
	if s.sizes, err = parseSizes(o.sizes, o.Configurations); err != nil {
		return nil, err
	}
	if o.sizeSamples < leastSize || o.sizeSamples > o.Samples {
		return nil, fmt.Errorf("expected -size-samples between %d and -samples, got %d", leastSize, o.sizeSamples)
	}
	if o.pool < o.Samples {
		return nil, fmt.Errorf("expected -pool of at least -samples, got %d and %d", o.pool, o.Samples)
	}
	if err := program.CheckSize("pool", o.pool, s.Action().Layout().Size()); err != nil {
		return nil, err
	}
	if !o.Trains() && o.Model != settings.Gaussian {
		return s, nil
	}
	for i, n := range s.sizes {
		sub := o.Options
		sub.Out, sub.Configurations, sub.Ensemble = filepath.Join(o.task.PointFolder(o.Out, i), fmt.Sprintf("training-%d", n)), n, ""
		r, err := pipeline.New(sub)
		if err != nil {
			return nil, err
		}
		s.runs = append(s.runs, r)
	}
	return s, nil
}

// walk goes through the stages, or those of a task.
func (s *symmetric) walk(ctx context.Context) error {
	if err := s.Open(map[string]any{"sizes": s.sizes, "size_samples": s.o.sizeSamples, "pool": s.o.pool}); err != nil {
		return err
	}
	switch s.o.task.Part {
	case program.Train:
		return s.Prepare(ctx)
	case program.OneShare:
		return s.share(ctx)
	case program.Merge:
		if err := s.merge(); err != nil {
			return err
		}
	}
	if err := s.Classical(ctx, &s.out); err != nil {
		return err
	}
	ens, err := s.TrainingEnsemble(ctx)
	if err != nil {
		return err
	}
	if s.training, err = s.add("training", ens); err != nil {
		return err
	}
	if err := s.Results().Of("testing").Add(measure.Independent(s.out.Testing)); err != nil {
		return err
	}
	if err := s.generate(ctx, ens); err != nil {
		return err
	}
	if err := s.trainingSizes(ctx, ens); err != nil {
		return err
	}
	return s.generatedSizes()
}

// generate trains the model and draws from it.
func (s *symmetric) generate(ctx context.Context, ens *lattice.Ensemble) error {
	m, err := s.Learned(ctx, ens, &s.out)
	if err != nil {
		return err
	}
	s.generated = s.out.Generated
	ks, err := stats.KolmogorovSmirnov2(s.generated.M, s.out.Testing.M, 0, 0)
	if err != nil {
		return err
	}
	s.Results().Add("dm", "ks_d", stats.Estimate{Value: ks.D})
	s.Results().Add("dm", "ks_p", stats.Estimate{Value: ks.P})
	if more := s.o.pool - s.o.Samples; more > 0 {
		further, err := s.Further(ctx, m, 0, furtherFile, more)
		if err != nil {
			return err
		}
		s.generated = join(s.generated, measure.FromEnsemble(s.Action(), further))
	}
	return nil
}

// add measures independent configurations.
func (s *symmetric) add(name string, ens *lattice.Ensemble) (measure.Series, error) {
	series := measure.FromEnsemble(s.Action(), ens)
	return series, s.Results().Of(name).Add(measure.Independent(series))
}

// trainingSizes makes the data of figure 11.
func (s *symmetric) trainingSizes(ctx context.Context, ens *lattice.Ensemble) error {
	for i, n := range s.sizes {
		subset := every(ens, n)
		if _, err := s.add(fmt.Sprintf("training_n_%d", n), subset); err != nil {
			return err
		}
		if len(s.runs) == 0 {
			continue
		}
		drawn, err := s.trainingSize(ctx, i, subset)
		if err != nil {
			return err
		}
		if _, err := s.add(fmt.Sprintf("dm_n_%d", n), drawn); err != nil {
			return err
		}
	}
	// The last size is that of the model of the other figures.
	if _, err := s.add(fmt.Sprintf("training_n_%d", ens.Len()), ens); err != nil {
		return err
	}
	_, err := s.add(fmt.Sprintf("dm_n_%d", ens.Len()), s.out.Reverse.Slice(0, s.o.sizeSamples))
	return err
}

// trainingSize trains the model of size i of figure 11 and draws from it.
func (s *symmetric) trainingSize(ctx context.Context, i int, subset *lattice.Ensemble) (*lattice.Ensemble, error) {
	r := s.runs[i]
	if err := r.Open(); err != nil {
		return nil, err
	}
	if err := r.Folder().SaveEnsemble(program.EnsembleFile, subset); err != nil {
		return nil, err
	}
	m, err := r.Train(ctx, subset)
	if err != nil {
		return nil, err
	}
	return r.Further(ctx, m, i+1, furtherFile, s.o.sizeSamples)
}

// generatedSizes makes the data of figure 12.
func (s *symmetric) generatedSizes() error {
	for _, n := range s.counts() {
		name := fmt.Sprintf("dm_samples_%d", n)
		if err := s.Results().Of(name).Add(measure.Independent(s.generated.Slice(0, n))); err != nil {
			return err
		}
	}
	return nil
}

// counts returns the numbers of generated configurations of figure 12, each half of the
// next.
func (s *symmetric) counts() []int {
	var counts []int
	for n := len(s.generated.M); n >= leastSize && len(counts) < 7; n /= 2 {
		counts = append([]int{n}, counts...)
	}
	return counts
}

// every returns n configurations evenly spread over the ensemble.
func every(ens *lattice.Ensemble, n int) *lattice.Ensemble {
	v := ens.Lattice.Volume()
	out := &lattice.Ensemble{Layout: ens.Layout, Params: ens.Params, Data: make([]float64, 0, n*v)}
	for i := range n {
		out.Data = append(out.Data, ens.Config(i*ens.Len()/n)...)
	}
	return out
}

func join(a, b measure.Series) measure.Series {
	both := func(x, y []float64) []float64 { return append(append([]float64(nil), x...), y...) }
	return measure.Series{Volume: a.Volume, M: both(a.M, b.M), Action: both(a.Action, b.Action), Phi2: both(a.Phi2, b.Phi2), Phi4: both(a.Phi4, b.Phi4)}
}

// splitList returns the words of a list with commas, none for an empty one.
func splitList(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

func (s *symmetric) save(name string, f *figure.Figure, err error) error {
	if err != nil {
		return err
	}
	return f.Save(s.Folder().Path(name))
}
