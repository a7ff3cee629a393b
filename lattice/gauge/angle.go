package gauge

import "math"

// Wrap returns the angle in (-π, π] that equals theta modulo 2π.
func Wrap(theta float64) float64 {
	if -math.Pi < theta && theta <= math.Pi {
		return theta
	}
	if theta = math.Remainder(theta, 2*math.Pi); theta > -math.Pi {
		return theta
	}
	return math.Pi
}

// WrapAll replaces all angles by those in (-π, π].
func WrapAll(angles []float64) {
	for i, v := range angles {
		angles[i] = Wrap(v)
	}
}
