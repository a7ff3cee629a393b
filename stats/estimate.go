package stats

import (
	"math"
	"strconv"
	"strings"
)

// Estimate is a value with its statistical error (one standard deviation).
type Estimate struct {
	Value, Error float64
}

// String returns Format(2).
func (e Estimate) String() string { return e.Format(2) }

// Format returns the estimate in the short notation value(error), with the error
// rounded to the given number of significant digits (at least 1, at most 17) and
// the value rounded to the same decimal place:
//
//	{0.54801, 0.00252}.Format(2)  0.5480(25)
//	{-0.0203, 0.1041}.Format(3)   -0.020(104)
//	{12.345, 1.44}.Format(2)      12.3(1.4)
//	{1234, 141}.Format(2)         1230(140)
//	{1.2e-7, 3e-9}.Format(1)      1.20(3)e-07
//
// The error is in units of the last digit while it is below 1 and has its decimal
// point otherwise. A power of ten is split off when the larger of value and error
// is below 1e-5 or not below 1e9. No digit is shown that the value, as a float64, does
// not resolve. A zero error is shown as (0) behind the shortest form of the value, and
// an error below the resolution of the value by itself: 1e+30(1.2e-01). If the error is
// infinite or unknown (NaN, or negative), the value has six digits: 0.5(+Inf), 0.5(NaN);
// a value of NaN is NaN without error.
func (e Estimate) Format(digits int) string {
	digits = min(max(digits, 1), 17)
	// Adding zero turns the negative one into the positive.
	v, s := e.Value+0, e.Error+0
	if s < 0 {
		s = nan()
	}
	switch {
	case math.IsNaN(v):
		return "NaN"
	case !finite(s):
		return strconv.FormatFloat(v, 'g', 6, 64) + "(" + strconv.FormatFloat(s, 'g', digits, 64) + ")"
	case !finite(v) || s == 0:
		return strconv.FormatFloat(v, 'g', -1, 64) + "(" + strconv.FormatFloat(s, 'g', digits, 64) + ")"
	}
	rounded := strconv.FormatFloat(s, 'e', digits-1, 64)
	place := exponent(rounded) - digits + 1
	if v != 0 {
		place = max(place, resolution(v))
	}
	if exponent(rounded) < place {
		return strconv.FormatFloat(v, 'g', -1, 64) + "(" + rounded + ")"
	}
	dv, ds := roundTo(math.Abs(v), place), roundTo(s, place)
	sign := ""
	if v < 0 && dv != "0" {
		sign = "-"
	}
	top := max(len(dv), len(ds)) - 1 + place
	suffix := ""
	if top < -5 || top >= 9 {
		suffix = "e" + signed(top)
		place -= top
	}
	err := ds
	if place >= 0 || len(ds) > -place {
		err = point(ds, place)
	}
	return sign + point(dv, place) + "(" + err + ")" + suffix
}

// Pull returns (Value - truth)/Error, the deviation from a known value in units of
// the error: 0 if both vanish, ±Inf if only the error does.
func (e Estimate) Pull(truth float64) float64 { return deviation(e.Value-truth, e.Error) }

// Sigma returns the difference of two independent estimates over their combined
// error, (Value - other.Value)/√(Error² + other.Error²), with the sign of the
// difference: 0 if both vanish, ±Inf if only the error does.
func (e Estimate) Sigma(other Estimate) float64 {
	return deviation(e.Value-other.Value, math.Hypot(e.Error, other.Error))
}

func deviation(d, err float64) float64 {
	if d == 0 && err == 0 {
		return 0
	}
	return d / err
}

func undefined() Estimate { return Estimate{nan(), nan()} }

// resolution returns the exponent of the smallest power of ten that is not below the
// distance of v to the next float64.
func resolution(v float64) int {
	_, e := math.Frexp(v)
	unit := math.Ldexp(1, max(e-53, -1074))
	place := exponent(strconv.FormatFloat(unit, 'e', 25, 64))
	if unit != 1 {
		// No other power of two is a power of ten.
		place++
	}
	return place
}

// exponent returns the decimal exponent of a number in the format 'e'.
func exponent(s string) int {
	n, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	return n
}

// roundTo returns the decimal digits of v/10^place rounded to an integer, for v ≥ 0
// that is below 10^(place+18).
func roundTo(v float64, place int) string {
	// The shortest form of a float may have another exponent than its value, as 1e23
	// does; more digits than are asked for below do not.
	full := strconv.FormatFloat(v, 'e', 25, 64)
	top := exponent(full)
	if v == 0 || top < place-1 {
		return "0"
	}
	if top == place-1 {
		// Below one unit; one half goes to even, as strconv has it.
		if full[0] < '5' || strings.TrimRight(full[:strings.IndexByte(full, 'e')], "0") == "5." {
			return "0"
		}
		return "1"
	}
	s := strconv.FormatFloat(v, 'e', top-place, 64)
	mantissa := strings.Replace(s[:strings.IndexByte(s, 'e')], ".", "", 1)
	// Rounding may carry into one more digit.
	return mantissa + strings.Repeat("0", exponent(s)-top)
}

// point returns the number with the given digits times 10^place in plain notation.
func point(digits string, place int) string {
	if place >= 0 {
		if digits == "0" {
			return digits
		}
		return digits + strings.Repeat("0", place)
	}
	if len(digits) <= -place {
		digits = strings.Repeat("0", 1-place-len(digits)) + digits
	}
	return digits[:len(digits)+place] + "." + digits[len(digits)+place:]
}

// signed returns a decimal exponent as the formats 'e' and 'g' print it.
func signed(n int) string {
	s := "+"
	if n < 0 {
		s, n = "-", -n
	}
	if n < 10 {
		s += "0"
	}
	return s + strconv.Itoa(n)
}
