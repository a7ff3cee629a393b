package diffusion

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// The bounds beyond which a model is known to be hard to train.
const (
	// narrowWells bounds v₀⟨S″⟩, the variance of a variable in units of its width with the
	// others held fixed: 1 for independent Gaussian variables.
	narrowWells = 10
	// fewConfigurations is the number of configurations below which a network of the
	// default size sees each too often.
	fewConfigurations = 500
)

// warnings says what makes the theory hard for a model, in the order of their weight.
func (m *Measurement) warnings(force float64, ens *lattice.Ensemble) (list []string) {
	for c := range m.Layout.Components {
		// The wells of the magnetisation, if there are two, are those of the base.
		if narrow := mean(m.Layout.Component(m.Spectrum, c)) * force; narrow > narrowWells {
			list = append(list, fmt.Sprintf("strong coupling: a variable moves between wells %.1f times narrower than its distribution, where the score changes fast; expect a low effective sample size with the default number of training steps", math.Sqrt(narrow)))
			break
		}
	}
	if m.Order == 0 {
		for c := range m.Layout.Components {
			if u := binder(ens, c, m.Mean[c]); u > orderedBinder {
				list = append(list, fmt.Sprintf("several wells: the magnetisation of component %d has the Binder cumulant %.2f, but a base with two wells is for one component of an even action; the network has to learn the wells", c, u))
				break
			}
		}
	}
	if n := ens.Len(); n < fewConfigurations {
		list = append(list, fmt.Sprintf("few configurations: the training sees %d again and again; some thousand make a good model", n))
	}
	return list
}

// binder returns the Binder cumulant of the magnetisation of a component around its mean.
func binder(ens *lattice.Ensemble, component int, mean float64) float64 {
	n, m2, m4 := float64(ens.Len()), 0.0, 0.0
	for _, phi := range ens.All() {
		d := lattice.Magnetization(ens.Component(phi, component)) - mean
		m2 += d * d / n
		m4 += d * d * d * d / n
	}
	return 1 - m4/(3*m2*m2)
}
