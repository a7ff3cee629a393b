package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/latdiff/latdiff/diffusion"
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
	dLogZ    = "dlogz_dkappa" // 2⟨Σφφ′⟩ over pairs of neighbours
	rise     = "log_z_rise"   // log Z less that of the coupling before
	integral = "log_z_integral"
	maxShare = "max_weight_share"

	sdTheory  = "sd_log_w_theory" // of the configurations of -check
	shift     = "shift_log_w"     // ⟨log w⟩ of those less that of the draws
	essTheory = "ess_theory"
)

// point is what is measured at a coupling.
type point struct {
	kappa                   float64
	trained                 bool
	ess, acceptance, share  stats.Estimate
	absM, vm2, binder       stats.Estimate
	logZ, d, rise, integral stats.Estimate

	sides *stats.TwoSided // nil: no comparison

	pairs, logw []float64 // 2Σφφ′ and log w of the proposals
}

// flowOf returns the flow of a model. That of the first coupling serves all: spectra and weights are inputs of
// its graphs.
func (s *scan) flowOf(m *diffusion.Model) (f *flow.ProbabilityFlow, err error) {
	if s.flow == nil {
		s.flow, err = flow.New(s.backend, m, flow.Config{Steps: s.o.flowSteps})
		return s.flow, err
	}
	return s.flow, s.flow.SetModel(m)
}

// measure draws proposals at a coupling and reweights them.
func (s *scan) measure(ctx context.Context, i int, kappa float64) error {
	a, err := s.action(kappa, s.o.Lambda)
	if err != nil {
		return err
	}
	m, err := s.family.At(a)
	if err != nil {
		return err
	}
	ens, err := s.folder.Ensemble(ctx, fmt.Sprintf("proposals-%v.npz", kappa), fmt.Sprintf("proposals at κ = %v", kappa), a.Layout(), s.o.proposals, func(t *progress.Task) (*lattice.Ensemble, error) {
		f, err := s.flowOf(m)
		if err != nil {
			return nil, err
		}
		draws, err := f.Sample(ctx, s.o.proposals, s.o.Part(proposalPart)+uint64(i))
		if err != nil {
			return nil, err
		}
		draws.Annotate(a, draws.Ensemble)
		return draws.Ensemble, nil
	})
	if err != nil {
		return err
	}
	second := s.family.SecondCouplings()
	p := point{kappa: kappa, trained: slices.Contains(s.family.Couplings(), kappa) && (second == nil || slices.Contains(second, s.o.Lambda))}
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
		{&p.vm2, [][]float64{squares}, func(m []float64) float64 { return v * m[0] }},
		{&p.binder, [][]float64{squares, quarts}, func(m []float64) float64 { return 1 - m[1]/(3*m[0]*m[0]) }},
		{&p.d, [][]float64{pairs}, func(m []float64) float64 { return m[0] }},
	} {
		var err error
		if *e.to, err = stats.Reweight(e.cols, logw, 0, e.f); measure.Usable(err) != nil {
			return err
		}
	}
	p.pairs, p.logw = pairs, logw
	if err := s.check(ctx, i, &p, a, m); err != nil {
		return err
	}
	return s.compare(p)
}

// compare appends a point, with the rise of log Z since the coupling before and the integral of
// its derivative d = 2⟨Σφφ′⟩ over that interval of length h, by the trapezoidal rule with the
// correction for the second derivative v, the variance of 2Σφφ′:
//
//	∫ d dκ = h/2 (d₀ + d₁) + h²/12 (v₀ - v₁) + O(h⁵).
func (s *scan) compare(p point) error {
	none := stats.Estimate{Value: math.NaN(), Error: math.NaN()}
	p.rise, p.integral = none, none
	if n := len(s.points); n > 0 {
		before := s.points[n-1]
		h := p.kappa - before.kappa
		first, err := before.part(h, 1)
		if err != nil {
			return err
		}
		last, err := p.part(h, -1)
		if err != nil {
			return err
		}
		p.integral = stats.Estimate{Value: first.Value + last.Value, Error: math.Hypot(first.Error, last.Error)}
		p.rise = stats.Estimate{Value: p.logZ.Value - before.logZ.Value, Error: math.Hypot(p.logZ.Error, before.logZ.Error)}
	}
	s.points = append(s.points, p)
	name := fmt.Sprintf("kappa%v", p.kappa)
	for _, e := range []struct {
		observable string
		value      stats.Estimate
	}{
		{measure.ESS, p.ess}, {measure.AcceptancePredicted, p.acceptance}, {maxShare, p.share}, {measure.AbsM, p.absM},
		{measure.VM2, p.vm2}, {measure.Binder, p.binder}, {logZ, p.logZ}, {dLogZ, p.d}, {rise, p.rise}, {integral, p.integral},
	} {
		s.table.Add(name, e.observable, e.value)
	}
	if p.sides != nil {
		s.table.Add(name, measure.SDLogW, p.sides.SDDrawn)
		s.table.Add(name, sdTheory, p.sides.SDTheory)
		s.table.Add(name, shift, p.sides.Shift)
		s.table.Add(name, essTheory, stats.Estimate{Value: p.sides.ESSTheory, Error: math.NaN()})
	}
	return nil
}

// part returns what a point contributes to the integral over an interval of length h.
func (p *point) part(h, sign float64) (stats.Estimate, error) {
	squares := make([]float64, len(p.pairs))
	for i, x := range p.pairs {
		squares[i] = x * x
	}
	e, err := stats.Reweight([][]float64{p.pairs, squares}, p.logw, 0, func(m []float64) float64 {
		return h/2*m[0] + sign*h*h/12*(m[1]-m[0]*m[0])
	})
	return e, measure.Usable(err)
}

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
	fmt.Fprint(t, "\nκ\ttrained at\tESS/N\tacceptance\tlargest share\t⟨|M|⟩\tV⟨M²⟩\tU_L\tlog Z\t2⟨Σφφ′⟩\trise of log Z\tintegral")
	checked := s.points[0].sides != nil
	if checked {
		fmt.Fprint(t, "\tsd_q, sd_p\t⟨log w⟩_p - ⟨log w⟩_q\tESS_p\tboth sides")
	}
	fmt.Fprintln(t)
	for _, p := range s.points {
		trained := "no"
		if p.trained {
			trained = "yes"
		}
		fmt.Fprintf(t, "%v\t%s\t%v\t%v\t%.4f\t%v\t%v\t%v\t%v\t%v\t%v\t%v", p.kappa, trained, p.ess, p.acceptance, p.share.Value, p.absM, p.vm2, p.binder, p.logZ, p.d, p.rise, p.integral)
		if checked {
			verdict := "agree"
			if err := p.sides.Check(); err != nil {
				verdict = err.Error()
			}
			fmt.Fprintf(t, "\t%v, %v\t%v\t%.4f\t%s", p.sides.SDDrawn, p.sides.SDTheory, p.sides.Shift, p.sides.ESSTheory, verdict)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
