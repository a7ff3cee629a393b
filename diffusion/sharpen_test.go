package diffusion_test

import (
	"math"
	"testing"

	"github.com/latdiff/latdiff/diffusion"
	"github.com/latdiff/latdiff/lattice"
	"github.com/latdiff/latdiff/mcmc"
	"github.com/latdiff/latdiff/mcmc/phi4"
)

// distant is a free field whose sites couple over two links too, in one direction.
type distant struct{ lat *lattice.Lattice }

const distantMass, distantFirst, distantSecond = 1.0, 0.2, -0.15

func (d distant) Layout() lattice.Layout { return lattice.Scalar(d.lat) }

func (d distant) Value(phi []float64) (s float64) {
	drift := d.Drift(make([]float64, len(phi)), phi)
	for x, k := range drift {
		s -= phi[x] * k / 2
	}
	return s
}

func (d distant) Drift(dst, phi []float64) []float64 {
	n := len(phi)
	if dst == nil {
		dst = make([]float64, n)
	}
	for x := range phi {
		dst[x] = -2*distantMass*phi[x] + distantFirst*(phi[(x+1)%n]+phi[(x+n-1)%n]) + distantSecond*(phi[(x+2)%n]+phi[(x+n-2)%n])
	}
	return dst
}

// The spectrum of a free theory needs no statistics: from a handful of fields it is exact,
// whatever the range of the coupling.
func TestSpectrumOfFreeTheory(t *testing.T) {
	ring := must(lattice.New(15))
	long := make([]float64, 15)
	for k := range long {
		p := 2 * math.Pi * float64(k) / 15
		long[k] = 1 / (2*distantMass - 2*distantFirst*math.Cos(p) - 2*distantSecond*math.Cos(2*p))
	}
	plane := must(lattice.New(6, 8))
	free := must(lattice.NewFreeField(plane, 0.21))
	for name, c := range map[string]struct {
		action   lattice.Action
		spectrum []float64
	}{
		"neighbours": {free, must(free.FreeSpectrum(nil))}, "two links": {distant{ring}, long},
	} {
		ens := exactFreeField(c.action.Layout().Lattice, c.spectrum, 16)
		m, err := diffusion.Measure(c.action, ens)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k, want := range c.spectrum {
			if math.Abs(m.Spectrum[k]-want) > 1e-6*want {
				t.Errorf("%s: C_%d = %v, exactly %v", name, k, m.Spectrum[k], want)
			}
		}
	}
}

// The spectrum of interacting chains against the transfer matrix, at weak and at strong
// coupling: a fraction of the statistical error of the power spectrum is left.
func TestSpectrumSharpened(t *testing.T) {
	const length, n = 16, 2000
	lat := must(lattice.New(length))
	for _, c := range []struct{ kappa, lambda, gain float64 }{{0.2, 0.022, 20}, {0.1, 0.5, 4}, {0.02, 5, 10}} {
		action := must(lattice.NewPhi4(lat, c.kappa, c.lambda))
		chain := must(phi4.NewChain(1, c.kappa, c.lambda, length))
		ens := must(mcmc.Generate(t.Context(), mcmc.EnsembleConfig{Action: action, N: n, Seed: 4}, nil)).Ensemble
		m := must(diffusion.Measure(action, ens))
		direct := ens.PowerSpectrum().Mean(nil)
		sharp, plain := 0.0, 0.0
		for k := range direct {
			exact := 0.0
			for x := range length {
				exact += chain.Correlator(x) * math.Cos(2*math.Pi*float64(k*x)/length)
			}
			sharp += math.Pow(m.Spectrum[k]/exact-1, 2) / length
			plain += math.Pow(direct[k]/exact-1, 2) / length
		}
		t.Logf("κ = %v, λ = %v: relative error %.1e, of the power spectrum %.1e", c.kappa, c.lambda, math.Sqrt(sharp), math.Sqrt(plain))
		if gain := math.Sqrt(plain / sharp); !(gain > c.gain) {
			t.Errorf("κ = %v, λ = %v: the error falls by %v, expected %v", c.kappa, c.lambda, gain, c.gain)
		}
	}
}

// The mean of an action that is not even is measured; its spectrum is that around it.
func TestSpectrumAroundMean(t *testing.T) {
	lat := must(lattice.New(4, 4))
	action := must(lattice.NewPolynomial(lat, 0.1, []float64{0, 0.4, 1}))
	spectrum := make([]float64, lat.Volume())
	for k := range spectrum {
		cos := math.Cos(math.Pi/2*float64(k%4)) + math.Cos(math.Pi/2*float64(k/4))
		spectrum[k] = 1 / (2 - 4*0.1*cos)
	}
	ens := exactFreeField(lat, spectrum, 500)
	shift := -0.4 * spectrum[0]
	for x := range ens.Data {
		ens.Data[x] += shift
	}
	m := must(diffusion.Measure(action, ens))
	for k, want := range spectrum {
		// The zero mode keeps the error of the mean, of relative size 1/N.
		if math.Abs(m.Spectrum[k]-want) > 1e-6*want && k > 0 || math.Abs(m.Spectrum[k]-want) > 0.05*want {
			t.Errorf("C_%d = %v, exactly %v", k, m.Spectrum[k], want)
		}
	}
	if math.Abs(m.Mean[0]-shift) > 5*math.Sqrt(spectrum[0]/16/500) {
		t.Errorf("mean %v, exactly %v", m.Mean[0], shift)
	}
}
