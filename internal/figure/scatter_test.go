package figure

import "testing"

func TestR2Text(t *testing.T) {
	for r2, want := range map[float64]string{
		0.999876: "0.99988", 0.5: "0.500", -3.25: "-3.250", -333333331333331349376000: "-3.333e+23",
	} {
		if got := r2Text(r2); got != want {
			t.Errorf("R² = %v: %q, want %q", r2, got, want)
		}
	}
}
