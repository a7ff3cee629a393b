package mcmc

import (
	"fmt"
	"math"
)

// tuner moves a positive scale of a proposal until the acceptance reaches a
// target, by the recursion log w ← log w + 2 n^{-0.6} (p - p₀), whose gains have
// an infinite sum and a finite sum of squares (H. Robbins and S. Monro, Ann. Math.
// Statist. 22 (1951) 400). It moves only while on.
type tuner struct {
	value, target float64
	n             int
	on            bool
}

// newTuner fills in the defaults of zero values and checks the others.
func newTuner(what string, value, valueDefault, target, targetDefault float64) (tuner, error) {
	if !(value >= 0) || math.IsInf(value, 0) {
		return tuner{}, fmt.Errorf("mcmc: expected a finite %s ≥ 0, got %v", what, value)
	}
	if !(target >= 0 && target < 1) {
		return tuner{}, fmt.Errorf("mcmc: expected an acceptance in [0, 1) to tune the %s to, got %v", what, target)
	}
	if value == 0 {
		value = valueDefault
	}
	if target == 0 {
		target = targetDefault
	}
	return tuner{value: value, target: target}, nil
}

// SetAdaptation starts or freezes the tuning; see [Adaptive].
func (t *tuner) SetAdaptation(on bool) { t.on = on }

func (t *tuner) observe(p float64) {
	if t.on {
		t.n++
		t.value *= math.Exp(2 * math.Pow(float64(t.n), -0.6) * (p - t.target))
	}
}

// MarshalBinary returns the tuned scale and the progress of its tuning.
func (t *tuner) MarshalBinary() ([]byte, error) {
	b := putUint(putFloat(nil, t.value), uint64(t.n))
	if t.on {
		return putUint(b, 1), nil
	}
	return putUint(b, 0), nil
}

// UnmarshalBinary restores the state written by MarshalBinary.
func (t *tuner) UnmarshalBinary(data []byte) error {
	d := decoder{b: data}
	value, n, on := d.float(), d.uint(), d.uint()
	if err := d.finish(); err != nil {
		return err
	}
	if !(value > 0) || math.IsInf(value, 0) {
		return fmt.Errorf("mcmc: expected a positive finite tuned scale, got %v", value)
	}
	t.value, t.n, t.on = value, int(n), on != 0
	return nil
}
