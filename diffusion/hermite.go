package diffusion

// hermite interpolates a table of values and slopes with the given step by cubics, at the
// fraction t of the way from entry i to the next.
func hermite(values, slopes []float64, step float64, i int, t float64) float64 {
	r := 1 - t
	return r*r*(1+2*t)*values[i] + t*t*(1+2*r)*values[i+1] + step*r*t*(r*slopes[i]-t*slopes[i+1])
}
