package stats

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestEstimateFormat(t *testing.T) {
	inf, nan, negative0 := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	tests := []struct {
		value, err float64
		digits     int
		want       string
	}{
		{0.54801, 0.00252, 2, "0.5480(25)"},
		{-0.0203, 0.1041, 3, "-0.020(104)"},
		{-0.0203, 0.1041, 2, "-0.02(10)"},
		{23889.02, 0.21, 1, "23889.0(2)"},
		{23889.02, 0.21, 2, "23889.02(21)"},
		{12.345, 1.44, 2, "12.3(1.4)"},
		{12.345, 1.44, 1, "12(1)"},
		{1234, 141, 2, "1230(140)"},
		{1234, 141, 3, "1234(141)"},
		{1234, 141, 4, "1234.0(141.0)"},
		{471.7, 3.3, 2, "471.7(3.3)"},
		{182.007, 0.007, 1, "182.007(7)"},
		// Rounding the error up into a further digit.
		{1, 0.0996, 2, "1.00(10)"},
		{1, 0.0994, 2, "1.000(99)"},
		{1, 0.996, 2, "1.0(1.0)"},
		{1, 9.96, 2, "1(10)"},
		{0.5, 0.96, 1, "0(1)"},
		// Rounding the value up into a further digit.
		{0.99996, 0.0012, 2, "1.0000(12)"},
		{9.999, 0.1, 1, "10.0(1)"},
		{96, 140, 2, "100(140)"},
		{44, 140, 2, "40(140)"},
		{4, 140, 2, "0(140)"},
		{6, 140, 2, "10(140)"},
		// The sign of a value that rounds to zero is dropped.
		{-0.001, 0.2, 2, "0.00(20)"},
		{-0.006, 0.2, 2, "-0.01(20)"},
		{0, 0.2, 1, "0.0(2)"},
		// Powers of ten.
		{1.2e-7, 3e-9, 1, "1.20(3)e-07"},
		{1.2e-7, 3.14e-7, 2, "1.2(3.1)e-07"},
		{-6.02214e23, 3.1e18, 2, "-6.022140(31)e+23"},
		{1.2e12, 3e12, 2, "1.2(3.0)e+12"},
		{1e-320, 2e-321, 1, "1.0(2)e-320"},
		{1e23, 1e21, 2, "1.000(10)e+23"},
		{0.00012, 0.00003, 1, "0.00012(3)"},
		{123456789, 12, 2, "123456789(12)"},
		{1234567890, 12, 2, "1.234567890(12)e+09"},
		// Nothing to round to.
		{0.5, 0, 2, "0.5(0)"},
		{0, 0, 2, "0(0)"},
		{0.5, nan, 2, "0.5(NaN)"},
		{0.5, -1, 2, "0.5(NaN)"},
		{nan, 0.12, 2, "NaN"},
		{nan, nan, 2, "NaN"},
		{nan, 0, 2, "NaN"},
		{0.5, inf, 2, "0.5(+Inf)"},
		{-12.199837261, inf, 2, "-12.1998(+Inf)"},
		{1.0 / 3, nan, 2, "0.333333(NaN)"},
		{1.0 / 3, 0, 2, "0.3333333333333333(0)"},
		{inf, inf, 2, "+Inf(+Inf)"},
		// Zeros of either sign.
		{negative0, 0, 2, "0(0)"},
		{negative0, negative0, 2, "0(0)"},
		{negative0, 0.2, 1, "0.0(2)"},
		{negative0, nan, 2, "0(NaN)"},
		{-inf, 0.1, 2, "-Inf(0.1)"},
		{1e30, 0.12, 2, "1e+30(1.2e-01)"},
		// Neighbours of 0.88 are 1.1e-16 away, those of 157.5 2.8e-14.
		{0.88, 1.1e-16, 2, "0.88(1.1e-16)"},
		{0.88, 9.4e-16, 2, "0.88(9.4e-16)"},
		{0.88, 1.1e-15, 2, "0.880000000000000(1)"},
		{0.88, 1.1e-14, 2, "0.880000000000000(11)"},
		{-157.5, 5, 17, "-157.5000000000000(5.0000000000000)"},
		{0.5, 0.25, 40, "0.500000000000000(250000000000000)"},
		{1 << 52, 1, 2, "4.503599627370496(1)e+15"},
		{1 << 53, 1, 1, "9.007199254740992e+15(1e+00)"},
		{math.MaxFloat64, 1e307, 2, "1.80(10)e+308"},
		{5e-324, 5e-324, 2, "5e-324(4.9e-324)"},
		// digits out of range.
		{0.54801, 0.00252, 0, "0.548(3)"},
	}
	for _, tt := range tests {
		if got := (Estimate{tt.value, tt.err}).Format(tt.digits); got != tt.want {
			t.Errorf("{%v, %v}.Format(%d) = %q, want %q", tt.value, tt.err, tt.digits, got, tt.want)
		}
	}
	if got := (Estimate{0.54801, 0.00252}).String(); got != "0.5480(25)" {
		t.Errorf("String() = %q, want two digits", got)
	}
}

func TestEstimateDeviation(t *testing.T) {
	a, b := Estimate{1.5, 0.3}, Estimate{1, 0.4}
	for _, tt := range []struct{ name, got, want any }{
		{"Pull", a.Pull(0.9), 2.0},
		{"Sigma", a.Sigma(b), 1.0},
		{"Sigma reversed", b.Sigma(a), -1.0},
		{"exact", Estimate{2, 0}.Pull(2), 0.0},
		{"exact and wrong", Estimate{2, 0}.Pull(3), math.Inf(-1)},
		{"exact pair", Estimate{2, 0}.Sigma(Estimate{2, 0}), 0.0},
	} {
		if math.Abs(tt.got.(float64)-tt.want.(float64)) > 1e-14 {
			t.Errorf("%s = %v, want %v", tt.name, tt.got, tt.want)
		}
	}
	for name, v := range map[string]float64{
		"value":           Estimate{math.NaN(), 1}.Pull(0),
		"error":           Estimate{0, math.NaN()}.Pull(0),
		"error of either": Estimate{0, 1}.Sigma(Estimate{0, math.NaN()}),
	} {
		if !math.IsNaN(v) {
			t.Errorf("NaN in the %s gives %v, want NaN", name, v)
		}
	}
}

// FuzzFormat reads a formatted estimate back: value and error must be right to half
// a unit of the last digit asked for.
func FuzzFormat(f *testing.F) {
	f.Add(0.54801, 0.00252, 2)
	f.Add(-0.0203, 0.1041, 3)
	f.Add(1e-320, 2e-321, 1)
	f.Add(9.9996e8, 96.0, 1)
	f.Add(4.9999, 99.99, 2)
	f.Fuzz(func(t *testing.T, value, err float64, digits int) {
		e := Estimate{value, err}
		s := e.Format(digits)
		if math.IsNaN(value) {
			if s != "NaN" {
				t.Fatalf("%v formats as %q", []float64{value, err}, s)
			}
			return
		}
		open, shut := strings.IndexByte(s, '('), strings.IndexByte(s, ')')
		if open < 1 || shut < open+2 {
			t.Fatalf("%v formats as %q", []float64{value, err}, s)
		}
		if !finite(value) || !finite(err) || err <= 0 || shut == len(s)-1 && strings.Contains(s[:open], "e") {
			v, parseErr := strconv.ParseFloat(s[:open], 64)
			// An error that is not a number leaves six digits, which may round to infinity.
			six := !finite(err) || err < 0
			overflow := math.IsInf(v, 0) && six && math.Abs(value) > 1.79769e308
			if !overflow && (parseErr != nil || v != value && !(six && math.Abs(v-value) <= 5.1e-6*math.Abs(value)+5e-324)) {
				t.Fatalf("%v formats as %q", []float64{value, err}, s)
			}
			return
		}
		// The error is in units of the last digit unless it has its own decimal point.
		mantissa, inner, suffix := s[:open], s[open+1:shut], s[shut+1:]
		exp := 0
		if suffix != "" {
			exp, _ = strconv.Atoi(suffix[1:])
		}
		if strings.Contains(inner, "e") {
			// The error is below the resolution of the value.
		} else if _, frac, ok := strings.Cut(mantissa, "."); ok && !strings.Contains(inner, ".") {
			inner += "e" + strconv.Itoa(exp-len(frac))
		} else {
			inner += "e" + strconv.Itoa(exp)
		}
		v, err1 := strconv.ParseFloat(mantissa+suffix, 64)
		d, err2 := strconv.ParseFloat(inner, 64)
		if err1 != nil || err2 != nil {
			// The largest floats may round up beyond the range.
			if math.Abs(value) > 1e308 || err > 1e308 {
				return
			}
			t.Fatalf("%v formats as %q: %v, %v", []float64{value, err}, s, err1, err2)
		}
		// The unit of the last digit is the leading power of ten of the rounded error
		// over 10^(digits-1); rounding from 0.95 to 1 is the worst case.
		digits = min(max(digits, 1), 17)
		half := 0.5*1.06*err*math.Pow(10, float64(1-digits)) + 1.2e-15*math.Max(math.Abs(value), err) + 5e-323
		if math.Abs(v-value) > half || math.Abs(d-err) > half {
			t.Fatalf("%v with %d digits formats as %q, read back as %v and %v", []float64{value, err}, digits, s, v, d)
		}
	})
}
