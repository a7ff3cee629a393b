package report

import (
	"fmt"

	"github.com/latdiff/latdiff/internal/figure"
	"github.com/latdiff/latdiff/internal/program"
	"github.com/latdiff/latdiff/lattice"
)

// StripFile is the name of the picture of a [Strip].
const StripFile = "denoising.png"

// Strip collects the fields of figure 4 of the paper: a few samples at a few noise levels.
type Strip struct {
	lat    *lattice.Lattice
	steps  int
	levels []float64
	fields [][]float64 // per level, the candidates one after the other
}

// Candidates is the number of configurations to draw for a strip, among which both signs
// of M are looked for.
const Candidates = 16

const stripSamples, stripLevels = 4, 5

// NewStrip returns an empty strip for a sampler with the given number of steps.
func NewStrip(lat *lattice.Lattice, steps int) *Strip { return &Strip{lat: lat, steps: steps} }

// Record is the Trace of a sampler; it keeps the candidates at equidistant steps.
func (s *Strip) Record(step int, sigma float64, fields []float64) {
	if len(s.levels) < stripLevels && step == len(s.levels)*s.steps/(stripLevels-1) {
		s.levels = append(s.levels, sigma)
		n := min(Candidates*s.lat.Volume(), len(fields))
		s.fields = append(s.fields, append([]float64(nil), fields[:n]...))
	}
}

// choose returns the candidates to draw: in turn the next one with positive and with
// negative magnetisation in the end, as long as there are both.
func (s *Strip) choose() []int {
	final, volume := s.fields[len(s.fields)-1], s.lat.Volume()
	var signs [2][]int
	for i := range len(final) / volume {
		sign := 0
		if lattice.Magnetization(final[i*volume:(i+1)*volume]) < 0 {
			sign = 1
		}
		signs[sign] = append(signs[sign], i)
	}
	var chosen []int
	for len(chosen) < stripSamples && len(signs[0])+len(signs[1]) > 0 {
		for sign := range signs {
			if len(signs[sign]) > 0 && len(chosen) < stripSamples {
				chosen = append(chosen, signs[sign][0])
				signs[sign] = signs[sign][1:]
			}
		}
	}
	return chosen
}

// Save draws the strip of a two-dimensional lattice.
func (s *Strip) Save(folder *program.Run) error {
	v := s.lat.Volume()
	chosen := s.choose()
	rows := make([][]figure.Field2D, len(chosen))
	titles := make([]string, len(s.levels))
	for j, sigma := range s.levels {
		titles[j] = fmt.Sprintf("σ = %.2g", sigma)
		for i, c := range chosen {
			rows[i] = append(rows[i], figure.Field2D{Rows: s.lat.Extent(0), Cols: s.lat.Extent(1), Values: s.fields[j][c*v : (c+1)*v]})
		}
	}
	f, err := figure.DenoisingStrip(rows, titles, figure.DenoisingStripConfig{Bar: true})
	if err != nil {
		return err
	}
	return folder.Save(StripFile, f.Save)
}
