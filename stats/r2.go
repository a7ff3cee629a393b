package stats

import "fmt"

// R2Coefficient returns the coefficient of determination (4.9) of an effective
// action against the action itself,
//
//	R² = 1 - Σ(S - S_eff)²/Σ(S - S̄)²,
//
// after the mean of S - S_eff, an additive constant without consequence, has been
// subtracted; the printed denominator lacks the square. s and seff hold one entry per
// configuration. R² is 1 for a perfect model, has no lower bound, and unlike
// [PearsonR2] tells a wrong slope. It returns an error for series of different
// lengths or fewer than 2 entries, [ErrNotFinite], or [ErrConstant] if s is constant.
func R2Coefficient(s, seff []float64) (float64, error) {
	cs, ce, err := centredPair(s, seff)
	if err != nil {
		return nan(), err
	}
	num, den := 0.0, 0.0
	ratio := ce.scale / cs.scale
	for i, d := range cs.dev[0] {
		r := d - ratio*ce.dev[0][i]
		num += r * r
		den += d * d
	}
	return 1 - num/den, nil
}

// PearsonR2 returns the squared correlation coefficient of s and seff, which the
// published code of the paper quotes as R²; it does not see a wrong slope. Arguments
// and errors are those of [R2Coefficient], with [ErrConstant] also if seff is constant.
func PearsonR2(s, seff []float64) (float64, error) {
	cs, ce, err := centredPair(s, seff)
	if err != nil {
		return nan(), err
	}
	if ce.constant {
		return nan(), fmt.Errorf("%w, got a constant effective action", ErrConstant)
	}
	cross := 0.0
	for i, d := range cs.dev[0] {
		cross += d * ce.dev[0][i]
	}
	return cross / sumSquares(cs.dev[0]) * (cross / sumSquares(ce.dev[0])), nil
}

func centredPair(s, seff []float64) (cs, ce centred, err error) {
	if err := checkPair(s, seff); err != nil {
		return cs, ce, err
	}
	if len(s) < 2 {
		return cs, ce, &TooShortError{What: "R²", N: len(s), Need: 2, Estimate: undefined()}
	}
	cs, ce = centre(s), centre(seff)
	if cs.constant {
		return cs, ce, fmt.Errorf("%w, got a constant action", ErrConstant)
	}
	return cs, ce, nil
}
