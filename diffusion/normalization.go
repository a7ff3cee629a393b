package diffusion

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// Normalization is the affine map x = (φ - Shift)/Scale. It belongs to a model and to
// its file: scores and densities are always those of φ.
type Normalization struct {
	Shift float64 `json:"shift"`
	// Scale is positive; 0 means 1.
	Scale float64 `json:"scale"`
}

func (n *Normalization) setDefaults() error {
	if n.Scale == 0 {
		n.Scale = 1
	}
	if !(n.Scale > 0) || math.IsInf(n.Scale, 0) || math.IsNaN(n.Shift) || math.IsInf(n.Shift, 0) {
		return fmt.Errorf("diffusion: expected a finite shift and a positive scale, got %v and %v", n.Shift, n.Scale)
	}
	return nil
}

// Standardize returns the normalisation to zero mean, for which the exact ⟨φ⟩ = 0 of
// a Z2-even theory is taken, and unit variance over all sites of all configurations.
// It returns an error if the ensemble is empty, not finite, or vanishes.
func Standardize(ens *lattice.Ensemble) (Normalization, error) {
	if err := ens.Check(); err != nil {
		return Normalization{}, fmt.Errorf("diffusion: %w", err)
	}
	s := 0.0
	for _, v := range ens.Data {
		s += v * v / float64(len(ens.Data))
	}
	if s == 0 {
		return Normalization{}, fmt.Errorf("diffusion: expected fields that do not all vanish")
	}
	return Normalization{Scale: math.Sqrt(s)}, nil
}

// MinMax returns the normalisation of the paper's published code, which maps the
// smallest and the largest value of all sites to -1 and +1. It depends on outliers.
// It returns an error if the ensemble is empty, not finite, or constant.
func MinMax(ens *lattice.Ensemble) (Normalization, error) {
	if err := ens.Check(); err != nil {
		return Normalization{}, fmt.Errorf("diffusion: %w", err)
	}
	lo, hi := ens.Data[0], ens.Data[0]
	for _, v := range ens.Data {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	if lo == hi {
		return Normalization{}, fmt.Errorf("diffusion: expected fields that vary, got the constant %v", lo)
	}
	return Normalization{Shift: (lo + hi) / 2, Scale: (hi - lo) / 2}, nil
}
