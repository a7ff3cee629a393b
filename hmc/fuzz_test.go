package hmc

import (
	"encoding/binary"
	"testing"

	"github.com/latdiff/latdiff/internal/fuzztest"
	"github.com/latdiff/latdiff/mcmc"
)

// FuzzKernel restores the state of trajectories with their further moves, and makes one more
// where it is accepted.
func FuzzKernel(f *testing.F) {
	kernel := func(t testing.TB) *Compound {
		a := mustPhi4(t, 0.2, 0.1, 2, 2)
		moves, err := mcmc.Moves(a)
		if err != nil {
			t.Fatal(err)
		}
		cycle, err := mcmc.NewCycle(append(moves, mcmc.SignFlip{})...)
		if err != nil {
			t.Fatal(err)
		}
		return &Compound{HMC: mustNew(t, a, Config{}), moves: cycle}
	}
	b, err := kernel(f).MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		k := kernel(t)
		// A number of steps that an acceptance asks for may be large: it is not the
		// reader's fault that they take long.
		if len(b) >= 8 && binary.LittleEndian.Uint64(b) > 1000 {
			return
		}
		fuzztest.Bounded(t, len(b), func() {
			if err := k.UnmarshalBinary(b); err != nil {
				return
			}
			c, err := mcmc.NewChain(k, []float64{1, 2, 3, 4}, 1, 2)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Run(t.Context(), 2) // may fail, but not crash
		})
	})
}
