package report

import "fmt"

// Duration returns a time, given in seconds, in a unit that fits; "-" for none.
func Duration(seconds float64) string {
	switch {
	case !(seconds > 0):
		return "-"
	case seconds < 1e-3:
		return fmt.Sprintf("%.3g µs", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.3g ms", seconds*1e3)
	}
	return fmt.Sprintf("%.3g s", seconds)
}
