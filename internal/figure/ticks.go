package figure

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// linearTicks puts labels at multiples of 1, 2, 2.5 or 5 times a power of ten, about
// count of them.
type linearTicks struct{ count int }

func (l linearTicks) Ticks(lo, hi float64) []plot.Tick {
	span := hi - lo
	step, minor := niceStep(span / float64(l.count))
	first, last := int(math.Ceil(lo/step-1e-9)), int(math.Floor(hi/step+1e-9))
	exp := int(math.Floor(math.Log10(max(math.Abs(lo), math.Abs(hi))) + 1e-9))
	scientific := exp >= 6 || exp <= -4
	var ticks []plot.Tick
	for k := first - 1; k <= last; k++ {
		if k >= first {
			v := float64(k) * step
			ticks = append(ticks, plot.Tick{Value: inside(v, lo, hi), Label: tickLabel(v, step, exp, scientific)})
		}
		for j := 1; j < minor; j++ {
			if v := (float64(k) + float64(j)/float64(minor)) * step; v > lo && v < hi {
				ticks = append(ticks, plot.Tick{Value: v})
			}
		}
	}
	return ticks
}

// inside keeps a tick on the edge from being lost to rounding.
func inside(v, lo, hi float64) float64 {
	eps := 1e-9 * (hi - lo)
	return min(max(v, lo+eps), hi-eps)
}

// niceStep returns the step next to the wanted one and the number of minor steps in it.
func niceStep(want float64) (step float64, minor int) {
	unit := math.Pow(10, math.Floor(math.Log10(want)))
	switch m := want / unit; {
	case m < 1.5:
		return unit, 5
	case m < 2.25:
		return 2 * unit, 4
	case m < 3.5:
		return 2.5 * unit, 5
	case m < 7.5:
		return 5 * unit, 5
	}
	return 10 * unit, 5
}

func tickLabel(v, step float64, exp int, scientific bool) string {
	if v == 0 {
		return "0"
	}
	suffix := ""
	if scientific {
		unit := math.Pow(10, float64(exp))
		v, step = v/unit, step/unit
		suffix = "×10^{" + strconv.Itoa(exp) + "}"
	}
	digits := 0
	for d := step; digits < 12 && math.Abs(d-math.Round(d)) > 1e-6*d; d *= 10 {
		digits++
	}
	return minus(strconv.FormatFloat(v, 'f', digits, 64)) + suffix
}

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// logTicks labels decades, some of them if there are many more than count, and 2 and 5
// times a decade where there are few.
type logTicks struct{ count int }

func (l logTicks) Ticks(lo, hi float64) []plot.Tick {
	decades := math.Log10(hi / lo)
	if decades < 0.5 {
		return linearTicks(l).Ticks(lo, hi)
	}
	first, last := int(math.Floor(math.Log10(lo))), int(math.Floor(math.Log10(hi)))
	every := 1 + int(decades/(float64(l.count)+1.5))
	plain := lo >= 0.9e-3 && hi <= 1.1e4
	var ticks []plot.Tick
	for e := first; e <= last+1; e++ {
		for m := 1; m <= 9; m++ {
			v := float64(m) * math.Pow(10, float64(e))
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) || (every > 1 && m > 1) {
				continue
			}
			t := plot.Tick{Value: min(max(v, lo*(1+1e-9)), hi*(1-1e-9))}
			if (m == 1 && e%every == 0) || (3*decades < float64(l.count)+1.5 && (m == 2 || m == 5)) {
				t.Label = logLabel(m, e, plain)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

func logLabel(m, e int, plain bool) string {
	if plain {
		return strconv.FormatFloat(float64(m)*math.Pow(10, float64(e)), 'f', max(0, -e), 64)
	}
	label := "10^{" + strconv.Itoa(e) + "}"
	if m > 1 {
		label = strconv.Itoa(m) + "×" + label
	}
	return label
}

func ticksOf(log bool, count int) plot.Ticker {
	if log {
		return logTicks{count}
	}
	return linearTicks{count}
}
