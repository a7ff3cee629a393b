package schwinger

import (
	"fmt"
	"maps"

	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/lattice/gauge"
)

// Action is the action S = S_g - 2 log|det D| of the links with two flavours of equal mass. It is
// safe for concurrent use. It takes an evaluation of order V³, and is +Inf where D is
// singular.
type Action struct {
	gauge *gauge.Action
	dirac *Dirac
}

var _ lattice.ChargedAction = (*Action)(nil)

// New returns the action with the gauge action g and the hopping parameter κ of the
// fermions. It returns an error if there is no gauge action, or if its lattice or κ are
// refused by [NewDirac].
func New(g *gauge.Action, kappa float64) (*Action, error) {
	if g == nil {
		return nil, fmt.Errorf("schwinger: expected a gauge action, got nil")
	}
	d, err := NewDirac(g.Layout().Lattice, kappa)
	if err != nil {
		return nil, err
	}
	return &Action{g, d}, nil
}

// Layout returns the layout of the links, two components on the lattice.
func (a *Action) Layout() lattice.Layout { return a.gauge.Layout() }

// Gauge returns S_g, the action of the quenched theory.
func (a *Action) Gauge() *gauge.Action { return a.gauge }

// Dirac returns the operator D.
func (a *Action) Dirac() *Dirac { return a.dirac }

// Params returns the couplings of S_g and κ as "kappa", see [lattice.Params].
func (a *Action) Params() map[string]float64 {
	p := maps.Clone(a.gauge.Params())
	p["kappa"] = a.dirac.kappa
	return p
}

// Value returns S.
func (a *Action) Value(links []float64) float64 {
	logDet, _ := a.dirac.LogDet(links)
	return a.gauge.Value(links) - 2*logDet
}

// Drift writes -∂S/∂φ into dst and returns it; see [lattice.Action].
func (a *Action) Drift(dst, links []float64) []float64 {
	dst = a.gauge.Drift(dst, links)
	a.dirac.addGradient(dst, links, 2)
	return dst
}

// TopologicalCharge returns the charge of the links, see [gauge.Torus.Charge].
func (a *Action) TopologicalCharge(links []float64) (q int, ok bool) {
	return a.gauge.TopologicalCharge(links)
}
