package mcmc

import (
	"context"
	"encoding"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/latdiff/latdiff/lattice"
)

// IndependenceConfig configures [NewIndependence]. The zero value is the exact
// sampler for an exact density.
type IndependenceConfig struct {
	// NoiseVariance v > 0 declares that log q is estimated with Gaussian noise, v
	// being the variance of the difference of two estimates. The sampler then draws
	// a fresh estimate for the present field in each step, which takes a
	// [LogProber], and accepts with [PenaltyAcceptProb].
	NoiseVariance float64
}

// Independence is the Metropolis–Hastings independence sampler (W. K. Hastings,
// Biometrika 57 (1970) 97) with the proposals of a generative model, the DM-MC of
// arXiv:2309.17082. With S_eff = -log q the acceptance probability (4.13) is
//
//	min(1, q(φ)p(φ')/(p(φ)q(φ'))) = min(1, exp(-ΔH)),
//	ΔH = (S - S_eff)(φ') - (S - S_eff)(φ).
//
// It is exact if q is the density that the proposals are drawn from. A proposal
// whose field, action or log q is not finite is rejected and counted. The sampler
// remembers S - S_eff of the field it left; if another kernel has changed the
// field since, it evaluates log q anew, which takes a [LogProber].
type Independence struct {
	action   lattice.Action
	proposer Proposer
	prober   LogProber
	variance float64

	// excess is S - S_eff of state, the field that the last step left.
	state, next []float64
	excess      float64
	known       bool
	nonFinite   int
}

var _ Stateful = (*Independence)(nil)

// NewIndependence returns the sampler of exp(-S) with the proposals of p. It
// returns an error if action or p is nil, if p has a method Layout() lattice.Layout that tells
// another layout than that of the action, if NoiseVariance is negative or not
// finite, or if it is positive and p is not a [LogProber].
func NewIndependence(action lattice.Action, p Proposer, cfg IndependenceConfig) (*Independence, error) {
	if action == nil || p == nil {
		return nil, fmt.Errorf("mcmc: expected an action and a proposer for the independence sampler, got %T and %T", action, p)
	}
	if !(cfg.NoiseVariance >= 0) || math.IsInf(cfg.NoiseVariance, 0) {
		return nil, fmt.Errorf("mcmc: expected a finite noise variance ≥ 0, got %v", cfg.NoiseVariance)
	}
	if err := lattice.CheckAction(action); err != nil {
		return nil, fmt.Errorf("mcmc: independence sampler: %w", err)
	}
	if l, ok := p.(interface{ Layout() lattice.Layout }); ok && !l.Layout().Equal(action.Layout()) {
		return nil, fmt.Errorf("mcmc: expected a proposer of fields on %v for %s, got one of fields on %v", action.Layout(), lattice.Describe(action), l.Layout())
	}
	prober, ok := p.(LogProber)
	if cfg.NoiseVariance > 0 && !ok {
		return nil, fmt.Errorf("mcmc: expected a proposer with LogProb for noisy densities, got %T", p)
	}
	return &Independence{action: action, proposer: p, prober: prober, variance: cfg.NoiseVariance}, nil
}

// Start fills phi with the first proposal that has a finite weight, so that a
// chain can begin without a density of any other field. Failed draws are counted.
// It returns the errors of the proposer, one after 1000 failed draws, and one if phi does not
// have the size of the layout of the action.
func (k *Independence) Start(ctx context.Context, rng *rand.Rand, phi []float64) error {
	if err := k.fit(phi); err != nil {
		return err
	}
	for range 1000 {
		excess, err := k.propose(ctx, rng)
		if err != nil {
			return err
		}
		if finite(excess) {
			copy(phi, k.next)
			k.keep(k.next, excess)
			return nil
		}
	}
	return fmt.Errorf("mcmc: expected a proposal of finite weight, got none in 1000")
}

// NonFinite returns the number of proposals rejected because their field, action
// or log q was not finite.
func (k *Independence) NonFinite() int { return k.nonFinite }

// Step makes one proposal. DeltaH is +Inf and Divergent set for a proposal without
// finite weight. It returns the errors of the proposer, [ErrNoDensity], and an
// error if the weight of the present field is not finite or phi does not have the size of the
// layout of the action.
func (k *Independence) Step(ctx context.Context, rng *rand.Rand, phi []float64) (Info, error) {
	if err := k.fit(phi); err != nil {
		return Info{}, err
	}
	present, err := k.present(ctx, phi)
	if err != nil {
		return Info{}, err
	}
	excess, err := k.propose(ctx, rng)
	if err != nil {
		return Info{}, err
	}
	// The penalty ½v enters as a shift of the exponent; see PenaltyAcceptProb.
	info := judge(rng, excess-present+k.variance/2)
	// A proposal of tiny weight is a rejection, however large its ΔH.
	info.Divergent = !finite(info.DeltaH)
	if info.Accepted {
		copy(phi, k.next)
		k.keep(k.next, excess)
	}
	return info, nil
}

// fit makes room for fields of the size of phi.
func (k *Independence) fit(phi []float64) error {
	if n := k.action.Layout().Size(); len(phi) != n {
		return fmt.Errorf("mcmc: expected a field of %d numbers on %v for the independence sampler, got %d", n, k.action.Layout(), len(phi))
	}
	k.resize(len(phi))
	return nil
}

func (k *Independence) resize(n int) {
	if len(k.next) != n {
		k.state, k.next, k.known = make([]float64, n), make([]float64, n), false
	}
}

func (k *Independence) keep(phi []float64, excess float64) {
	copy(k.state, phi)
	k.excess, k.known = excess, true
}

// present returns S - S_eff of the present field.
func (k *Independence) present(ctx context.Context, phi []float64) (float64, error) {
	if k.variance == 0 && k.known && slices.Equal(k.state, phi) {
		return k.excess, nil
	}
	if k.prober == nil {
		return 0, ErrNoDensity
	}
	logq, err := k.prober.LogProb(ctx, phi)
	if err != nil {
		return 0, fmt.Errorf("mcmc: density of the present field: %w", err)
	}
	s := k.action.Value(phi)
	if !finite(s + logq) {
		return 0, fmt.Errorf("mcmc: expected a finite weight of the present field, got S = %v, log q = %v", s, logq)
	}
	k.keep(phi, s+logq)
	return k.excess, nil
}

// propose draws k.next and returns its S - S_eff, NaN if that is not finite.
func (k *Independence) propose(ctx context.Context, rng *rand.Rand) (float64, error) {
	logq, err := k.proposer.Propose(ctx, rng, k.next)
	if err != nil {
		return 0, fmt.Errorf("mcmc: proposal of a field on %v: %w", k.action.Layout(), err)
	}
	if finite(logq) && allFinite(k.next) {
		if e := k.action.Value(k.next) + logq; finite(e) {
			return e, nil
		}
	}
	k.nonFinite++
	return math.NaN(), nil
}

// MarshalBinary returns the remembered field with its weight, the number of failed
// proposals, and the state of the proposer if it can be marshalled.
func (k *Independence) MarshalBinary() ([]byte, error) {
	b := putUint(putFloat(nil, k.excess), uint64(k.nonFinite))
	if k.known {
		b = putFloats(b, k.state)
	} else {
		b = putFloats(b, nil)
	}
	p, ok := k.proposer.(encoding.BinaryMarshaler)
	if !ok {
		return b, nil
	}
	state, err := p.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("mcmc: state of the proposer: %w", err)
	}
	return putBytes(b, state), nil
}

// UnmarshalBinary restores the state written by MarshalBinary.
func (k *Independence) UnmarshalBinary(data []byte) error {
	d := decoder{b: data}
	excess, nonFinite, state := d.float(), int(d.uint()), d.floats()
	p, ok := k.proposer.(encoding.BinaryUnmarshaler)
	var inner []byte
	if ok {
		inner = d.bytes()
	}
	if err := d.finish(); err != nil {
		return err
	}
	if ok {
		if err := p.UnmarshalBinary(inner); err != nil {
			return fmt.Errorf("mcmc: state of the proposer: %w", err)
		}
	}
	k.resize(len(state))
	k.known = len(state) > 0
	copy(k.state, state)
	k.excess, k.nonFinite = excess, nonFinite
	return nil
}

// PenaltyAcceptProb returns min(1, exp(delta - variance/2)), the acceptance
// probability of the penalty method (D. M. Ceperley and M. Dewing, J. Chem. Phys.
// 110 (1999) 9812) for an estimate delta of the log-ratio p(φ')q(φ)/(p(φ)q(φ'))
// with Gaussian noise of the given known variance: averaged over the noise, it
// obeys detailed balance. The noise must be drawn afresh for both fields in every
// step. It returns NaN if an argument is NaN or the variance negative.
func PenaltyAcceptProb(delta, variance float64) float64 {
	if !(variance >= 0) {
		return math.NaN()
	}
	return min(1, math.Exp(delta-variance/2))
}
