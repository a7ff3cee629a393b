package u1_test

import (
	"errors"
	"testing"

	"github.com/latdiff/latdiff/hmc"
	"github.com/latdiff/latdiff/lattice/gauge"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/u1"
)

// Chains that keep their charges are not in equilibrium, and with the hop they are. Where
// the charge is rightly zero for ever, that speaks against nobody.
func TestFrozenCharge(t *testing.T) {
	run := func(beta float64, n int, hop bool) error {
		a := newAction(t, gauge.Wilson{Beta: beta}, n, n)
		_, err := mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: a, N: 360, Chains: 6, Thin: 4, Seed: 1}, func(int) (mcmc.Kernel, error) {
			trajectory := must[*hmc.HMC](t)(hmc.New(a, hmc.Config{}))
			moves := must[[]mcmc.Kernel](t)(u1.Moves(a))
			if !hop {
				moves = []mcmc.Kernel{must[*u1.RandomGauge](t)(u1.NewRandomGauge(a.Layout().Lattice, u1.RandomGaugeConfig{Centre: true}))}
			}
			return mcmc.NewCycle(append([]mcmc.Kernel{trajectory}, moves...)...)
		})
		return err
	}
	var apart *mcmc.NotEquilibratedError
	if err := run(11, 16, false); !errors.As(err, &apart) || apart.Observable != "Q" {
		t.Errorf("expected an error about Q at β = 11 without a hop, got %v", err)
	}
	if err := run(11, 16, true); err != nil {
		t.Errorf("with the hop: %v", err)
	}
	if err := run(40, 4, true); err != nil {
		t.Errorf("β = 40, where Q = 0: %v", err)
	}
}
