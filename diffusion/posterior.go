package diffusion

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"github.com/latdiff/latdiff/diffusion/hartley"
	"github.com/latdiff/latdiff/lattice"
)

// posterior averages the clean field φ₀ and the drift K(φ₀) over the distribution
//
//	exp(-S(φ₀) - |φ₀ - φ|²/2σ²)
//
// of what a noisy field φ may have come from, in the directions in which noise moves it. The configuration that it did come from is a
// draw of it, so that a chain of hybrid Monte Carlo from there is in equilibrium and needs no
// thermalisation: the average is unbiased for any number of trajectories.
type posterior struct {
	action    lattice.Action
	fourier   *lattice.Fourier
	draws     int // of the average, the first one included
	steps     int // of a trajectory
	spectrum  []float64
	mean      []float64
	stiffness float64 // ⟨S″⟩
	fixed     []fixedMode
	sites     *siteMeans // nil: none

	centre, field, momentum, drift []float64
	start, startDrift              []float64 // of a trajectory
	sum, sumDrift                  []float64
}

const (
	// A trajectory takes posteriorAngle, the phase of an oscillator of the stiffness ⟨S″⟩ +
	// 1/σ², on average: a quarter of a period, after which it has forgotten where it began. The
	// angle is drawn within a fifth. On posteriorVolume numbers three steps are enough for
	// most to be accepted, and the energy violation of others is kept the same: it grows as the
	// root of their number, and falls with the square of the step.
	posteriorAngle, posteriorJitter, posteriorVolume = math.Pi / 2, 0.2, 144
)

func newPosterior(m *Model, action lattice.Action, trajectories int) *posterior {
	steps := 3 * math.Pow(float64(m.layout.Size())/posteriorVolume, 0.25)
	row := func() []float64 { return make([]float64, m.layout.Size()) }
	// SigmaMinFor gives the smallest noise level of the measured forces.
	fourier := lattice.NewFourier(m.layout.Lattice)
	return &posterior{
		action: action, fourier: fourier, draws: trajectories + 1, steps: max(2, int(math.Round(steps))),
		spectrum: m.spectrum, mean: m.mean, stiffness: math.Pow(SigmaMinFor(1)/m.cfg.SigmaMin, 2),
		fixed: fixedModes(m.space, m.layout), sites: newSiteMeans(m, action, fourier),
		centre: row(), field: row(), momentum: row(), drift: row(), start: row(), startDrift: row(), sum: row(), sumDrift: row(),
	}
}

// fixedMode is a mode that noise leaves alone, of norm 1, on the numbers of a field from first on.
type fixedMode struct {
	first int
	shape []float64
}

// fixedModes returns those of a space.
func fixedModes(s Space, layout lattice.Layout) (modes []fixedMode) {
	v := layout.Volume()
	for _, k := range s.Fixed(layout) {
		modes = append(modes, fixedMode{k / v * v, hartley.Mode(k%v, layout.Dims()...)})
	}
	return modes
}

// takeOff takes the mode off a change x of a field.
func (m fixedMode) takeOff(x []float64) {
	x = x[m.first:][:len(m.shape)]
	sum := 0.0
	for i, h := range m.shape {
		sum += h * x[i]
	}
	for i, h := range m.shape {
		x[i] -= sum * h
	}
}

// tangent takes the fixed modes off a change of a field.
func (c *posterior) tangent(x []float64) {
	for _, m := range c.fixed {
		m.takeOff(x)
	}
}

// average replaces the field φ₀, the noise (φ - φ₀)/σ and the target Y by their averages at
// fixed φ.
func (c *posterior) average(rng *rand.Rand, field, noise, target []float32, sigma float64) {
	for i, z := range noise {
		c.momentum[i] = float64(z)
	}
	c.tangent(c.momentum)
	for i, x := range field {
		c.field[i] = float64(x)
		c.centre[i] = c.field[i] + sigma*c.momentum[i]
	}
	c.run(rng, sigma, 0)
	norm := 1 / float64(c.draws)
	v := len(field) / len(c.mean)
	for n, mean := range c.mean {
		lo, hi := n*v, (n+1)*v
		// The start of a trajectory is free to hold C·K.
		pull := c.start[lo:hi]
		c.fourier.Filter(pull, c.sumDrift[lo:hi], c.spectrum[lo:hi])
		for i := range pull {
			x := c.sum[lo+i] * norm
			field[lo+i], noise[lo+i], target[lo+i] = float32(x), float32((c.centre[lo+i]-x)/sigma), float32(x-mean+pull[i]*norm)
		}
	}
}

// run sums the clean field and its drift over the draws of a chain from the field in the well around centre.
func (c *posterior) run(rng *rand.Rand, sigma float64, thermalisation int) {
	c.action.Drift(c.drift, c.field)
	clear(c.sum)
	clear(c.sumDrift)
	potential := c.potential(sigma)
	for range thermalisation {
		potential = c.trajectory(rng, potential, sigma)
	}
	if c.sites != nil {
		c.sites.begin(c.centre, c.field, c.drift, sigma)
	}
	for draw := range c.draws {
		if draw > 0 {
			potential = c.trajectory(rng, potential, sigma)
		}
		for i, x := range c.field {
			c.sum[i] += x
			c.sumDrift[i] += c.drift[i]
		}
		if c.sites != nil {
			c.sites.add(c.centre, c.field, c.drift, sigma)
		}
	}
	if c.sites != nil {
		c.sites.end(c.sum, c.sumDrift, c.centre, sigma, c.draws)
	}
}

// potential returns S(φ₀) + |φ₀ - φ|²/2σ².
func (c *posterior) potential(sigma float64) float64 {
	sum := 0.0
	for i, x := range c.field {
		d := x - c.centre[i]
		sum += d * d
	}
	return c.action.Value(c.field) + sum/(2*sigma*sigma)
}

// trajectory does one of hybrid Monte Carlo, with unit masses, and returns the potential at
// its end. The steps are kicks by K with, in between, the exact motion in the harmonic
// potential |φ₀ - φ|²/2σ², so that small σ asks for no smaller steps.
func (c *posterior) trajectory(rng *rand.Rand, potential, sigma float64) float64 {
	angle := posteriorAngle * (1 - posteriorJitter + 2*posteriorJitter*rng.Float64())
	step := angle / float64(c.steps) / math.Sqrt(c.stiffness+1/(sigma*sigma))
	sin, cos := math.Sincos(step / sigma)
	copy(c.start, c.field)
	copy(c.startDrift, c.drift)
	kinetic := 0.0
	for i := range c.momentum {
		c.momentum[i] = rng.NormFloat64()
	}
	c.tangent(c.momentum)
	for i, p := range c.momentum {
		kinetic += p * p / 2
		c.momentum[i] = p + step/2*c.drift[i]
	}
	c.tangent(c.momentum)
	for n := range c.steps {
		for i, p := range c.momentum {
			d := c.field[i] - c.centre[i]
			c.field[i] = c.centre[i] + cos*d + sigma*sin*p
			c.momentum[i] = cos*p - sin/sigma*d
		}
		c.action.Drift(c.drift, c.field)
		kick := step
		if n == c.steps-1 {
			kick = step / 2
		}
		for i, k := range c.drift {
			c.momentum[i] += kick * k
		}
		c.tangent(c.momentum)
	}
	end, change := c.potential(sigma), -kinetic
	for _, p := range c.momentum {
		change += p * p / 2
	}
	if change += end - potential; rng.Float64() < math.Exp(-change) {
		return end
	}
	c.field, c.start = c.start, c.field
	c.drift, c.startDrift = c.startDrift, c.drift
	return potential
}

// averageTargets replaces the fields of a batch by their averages at fixed noisy field; the
// result is the same on any number of cores.
func (s *source) averageTargets(rng *rand.Rand) {
	if len(s.posteriors) == 0 {
		return
	}
	d, v := s.draw, s.model.layout.Size()
	seeds := make([]uint64, len(d.sigma))
	for i := range seeds {
		seeds[i] = rng.Uint64()
	}
	var wg sync.WaitGroup
	workers := min(len(s.posteriors), runtime.GOMAXPROCS(0))
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(seeds); i += workers {
				lo, hi := i*v, (i+1)*v
				s.posteriors[w].average(rand.New(rand.NewPCG(seeds[i], 0)), d.field[lo:hi], d.noise[lo:hi], d.target[lo:hi], float64(d.sigma[i]))
			}
		})
	}
	wg.Wait()
}
