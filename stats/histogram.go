package stats

import (
	"fmt"
	"math"
)

// Histogram counts the entries of a series in bins of equal width.
type Histogram struct {
	// Lo and Hi are the ends of the range; bin i is [Lo + i·Width, Lo + (i+1)·Width),
	// and the last bin includes Hi.
	Lo, Hi float64
	// Counts has one entry per bin.
	Counts []int
	// Below and Above are the numbers of entries outside the range.
	Below, Above int
}

// NewHistogram sorts x into the given number of bins between lo and hi. It returns
// [ErrEmpty], [ErrNotFinite], and an error unless bins ≥ 1, lo < hi, both finite, and
// the width of a bin is neither too large nor too small for a float64.
func NewHistogram(x []float64, bins int, lo, hi float64) (*Histogram, error) {
	if err := checkSeries(x); err != nil {
		return nil, err
	}
	if bins < 1 {
		return nil, fmt.Errorf("stats: expected at least one bin, got %d", bins)
	}
	if !finite(lo) || !finite(hi) || !(lo < hi) {
		return nil, fmt.Errorf("stats: expected finite ends lo < hi of a histogram, got %v and %v", lo, hi)
	}
	if width := (hi - lo) / float64(bins); math.IsInf(width, 1) || width == 0 {
		return nil, fmt.Errorf("stats: expected a histogram with a bin width (hi-lo)/bins that is finite and above 0 in float64, got %v for %d bins from %v to %v",
			width, bins, lo, hi)
	}
	h := &Histogram{Lo: lo, Hi: hi, Counts: make([]int, bins)}
	for _, v := range x {
		switch {
		case v < lo:
			h.Below++
		case v > hi:
			h.Above++
		default:
			h.Counts[min(int((v-lo)/(hi-lo)*float64(bins)), bins-1)]++
		}
	}
	return h, nil
}

// Width returns the width of a bin.
func (h *Histogram) Width() float64 { return (h.Hi - h.Lo) / float64(len(h.Counts)) }

// Center returns the middle of bin i.
func (h *Histogram) Center(i int) float64 {
	return h.Lo + (float64(i)+0.5)*h.Width()
}

// N returns the number of entries, those outside the range included.
func (h *Histogram) N() int {
	n := h.Below + h.Above
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Density returns the probability density in every bin, normalised to the entries
// inside and outside the range, with its error √(2τ p(1-p)/N)/Width, p being the share
// of the bin and tau the integrated autocorrelation time of the series, 1/2 for
// independent samples.
func (h *Histogram) Density(tau float64) []Estimate {
	n, width := float64(h.N()), h.Width()
	d := make([]Estimate, len(h.Counts))
	for i, c := range h.Counts {
		p := float64(c) / n
		d[i] = Estimate{p / width, math.Sqrt(2*tau*p*(1-p)/n) / width}
	}
	return d
}
