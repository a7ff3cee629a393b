package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/latdiff/latdiff/flow"
	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/progress"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc/measure"
	"github.com/latdiff/latdiff/stats"
)

// Observables in results.json that measure does not name.
const (
	logZ     = "log_z"
	dLogZ    = "dlogz_dkappa"       // 2⟨Σφφ′⟩ over pairs of neighbours
	slope    = "dlogz_dkappa_slope" // of log Z
	maxShare = "max_weight_share"
)

// point is what is measured at a coupling.
type point struct {
	kappa                              float64
	trained                            bool
	ess, acceptance, share             stats.Estimate
	absM, chi2, binder, logZ, d, slope stats.Estimate
}

// measure draws proposals at a coupling and reweights them. The flow of the first coupling serves
// all: spectra and weights are inputs of its graphs.
func (s *scan) measure(ctx context.Context, i int, kappa float64) error {
	a, err := s.action(kappa)
	if err != nil {
		return err
	}
	m, err := s.family.At(a)
	if err != nil {
		return err
	}
	ens, err := s.folder.Ensemble(ctx, fmt.Sprintf("proposals-%v.npz", kappa), fmt.Sprintf("proposals at κ = %v", kappa), a.Layout(), s.o.proposals, func(t *progress.Task) (*lattice.Ensemble, error) {
		if s.flow == nil {
			s.flow, err = flow.New(s.backend, m, flow.Config{Steps: s.o.flowSteps})
		} else {
			err = s.flow.SetModel(m)
		}
		if err != nil {
			return nil, err
		}
		draws, err := s.flow.Sample(ctx, s.o.proposals, s.o.Part(proposalPart)+uint64(i))
		if err != nil {
			return nil, err
		}
		draws.Annotate(a, draws.Ensemble)
		return draws.Ensemble, nil
	})
	if err != nil {
		return err
	}
	p := point{kappa: kappa, trained: slices.Contains(s.family.Couplings(), kappa)}
	logw := measure.LogWeights(ens.Extra["action"], ens.Extra["logq"])
	w, err := stats.LogWeightStats(logw)
	if err != nil {
		return err
	}
	p.ess, p.acceptance, p.logZ = w.ESS, w.Acceptance, w.LogZ
	p.share = stats.Estimate{Value: w.MaxShare, Error: math.NaN()}
	v := float64(ens.Volume())
	mag, squares, quarts := ens.Measure(nil, lattice.Magnetization), []float64(nil), []float64(nil)
	abs := make([]float64, len(mag))
	for j, x := range mag {
		abs[j] = math.Abs(x)
		squares, quarts = append(squares, x*x), append(quarts, x*x*x*x)
	}
	// S has -2κ times the sum of φφ′ over pairs of neighbours.
	pairs := ens.Measure(nil, func(phi []float64) float64 { return 2 * v * a.Layout().Hopping(phi) })
	for _, e := range []struct {
		to   *stats.Estimate
		cols [][]float64
		f    func(m []float64) float64
	}{
		{&p.absM, [][]float64{abs}, func(m []float64) float64 { return m[0] }},
		{&p.chi2, [][]float64{squares}, func(m []float64) float64 { return v * m[0] }},
		{&p.binder, [][]float64{squares, quarts}, func(m []float64) float64 { return 1 - m[1]/(3*m[0]*m[0]) }},
		{&p.d, [][]float64{pairs}, func(m []float64) float64 { return m[0] }},
	} {
		var err error
		if *e.to, err = stats.Reweight(e.cols, logw, 0, e.f); measure.Usable(err) != nil {
			return err
		}
	}
	s.points = append(s.points, p)
	return nil
}

// slopes sets the derivative of log Z at every coupling but those of the ends by the parabola through it and its
// neighbours.
func (s *scan) slopes() {
	none := stats.Estimate{Value: math.NaN(), Error: math.NaN()}
	for i := range s.points {
		s.points[i].slope = none
		if i == 0 || i == len(s.points)-1 {
			continue
		}
		a, b, c := s.points[i-1], s.points[i], s.points[i+1]
		h, k := b.kappa-a.kappa, c.kappa-b.kappa
		// Lagrange weights of the derivative at the middle.
		wa, wb, wc := -k/(h*(h+k)), (k-h)/(h*k), h/(k*(h+k))
		s.points[i].slope = stats.Estimate{
			Value: wa*a.logZ.Value + wb*b.logZ.Value + wc*c.logZ.Value,
			Error: math.Sqrt(sq(wa*a.logZ.Error) + sq(wb*b.logZ.Error) + sq(wc*c.logZ.Error)),
		}
	}
	for _, p := range s.points {
		name := fmt.Sprintf("kappa%v", p.kappa)
		s.table.Add(name, measure.ESS, p.ess)
		s.table.Add(name, measure.AcceptancePredicted, p.acceptance)
		s.table.Add(name, maxShare, p.share)
		s.table.Add(name, measure.AbsM, p.absM)
		s.table.Add(name, measure.Chi2, p.chi2)
		s.table.Add(name, measure.Binder, p.binder)
		s.table.Add(name, logZ, p.logZ)
		s.table.Add(name, dLogZ, p.d)
		s.table.Add(name, slope, p.slope)
	}
}

func sq(x float64) float64 { return x * x }

// plot draws ⟨|M|⟩ and ESS against κ.
func (s *scan) plot() error {
	m, ess := figure.Series{Name: "⟨|M|⟩"}, figure.Series{Name: "ESS/N"}
	for _, p := range s.points {
		m.X, m.Y, m.Err = append(m.X, p.kappa), append(m.Y, p.absM.Value), append(m.Err, p.absM.Error)
		ess.X, ess.Y, ess.Err = append(ess.X, p.kappa), append(ess.Y, p.ess.Value), append(ess.Err, 0)
	}
	f, err := figure.Lines([]figure.Series{m, ess}, figure.LinesConfig{Options: figure.Options{
		Title: fmt.Sprintf("%s, λ = %v", s.o.Dims, s.o.Lambda), X: figure.Axis{Label: "κ"}, Y: figure.Axis{Label: ""},
	}})
	if err != nil {
		return err
	}
	return s.folder.Save("scan.png", f.Save)
}

func (s *scan) print(w io.Writer) error {
	if len(s.points) == 0 {
		return errors.New("expected couplings to scan")
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nκ\ttrained at\tESS/N\tacceptance\tlargest share\t⟨|M|⟩\tχ₂\tU_L\tlog Z\t2⟨Σφφ′⟩\tslope of log Z")
	for _, p := range s.points {
		trained := "no"
		if p.trained {
			trained = "yes"
		}
		fmt.Fprintf(t, "%v\t%s\t%v\t%v\t%.4f\t%v\t%v\t%v\t%v\t%v\t%v\n", p.kappa, trained, p.ess, p.acceptance, p.share.Value, p.absM, p.chi2, p.binder, p.logZ, p.d, p.slope)
	}
	return t.Flush()
}
