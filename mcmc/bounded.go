package mcmc

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/latdiff/latdiff/lattice"
)

const (
	// An action is probed with fields of the size probeFar, and where it is lower there than
	// with fields of order one, with fields that double in size probeSteps times.
	probeFar   = 1e3
	probeSteps = 10
	// probeComponents bounds the components that are probed by themselves.
	probeComponents = 8
	// runaway is the size of a field, relative to a cold start, beyond which a chain may be
	// on its way to infinity.
	runaway = 100
)

// checkBounded returns an error if S falls without end along a direction of constant,
// staggered or random fields. A chain would follow it until it gets stuck at the end of the
// range of numbers.
func checkBounded(action lattice.Action) error {
	l := action.Layout()
	direction, phi := make([]float64, l.Size()), make([]float64, l.Size())
	check := func(kind string) error {
		for _, sign := range []float64{1, -1} {
			value := func(v float64) float64 {
				for i, u := range direction {
					phi[i] = sign * v * u
				}
				return action.Value(phi)
			}
			far := value(probeFar)
			if !math.IsInf(far, -1) && !(far < value(1)) {
				continue
			}
			if v, s, falls := fallsForever(l.Size(), probeFar, far, value); falls {
				return fmt.Errorf("mcmc: expected an action that is bounded from below, got S = %.4g at φ = %.4g, a %s field, for %s", s, sign*v, kind, lattice.Describe(action))
			}
		}
		return nil
	}
	coord := make([]int, l.Dim())
	for _, weights := range probes(l.Components) {
		for _, kind := range []string{"constant", "staggered"} {
			for i := range direction {
				direction[i] = weights[i/l.Volume()]
				if kind == "staggered" && odd(l.Coord(coord, i%l.Volume())) {
					direction[i] *= -1
				}
			}
			if err := check(kind); err != nil {
				return err
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 0x626f756e646564))
	for i := range direction {
		direction[i] = rng.NormFloat64()
	}
	return check("random")
}

// probes returns directions among the components: all alike, with alternating signs, and
// each by itself.
func probes(components int) [][]float64 {
	alike, alternating := make([]float64, components), make([]float64, components)
	for c := range alike {
		alike[c], alternating[c] = 1, float64(1-2*(c%2))
	}
	if components == 1 {
		return [][]float64{alike}
	}
	list := [][]float64{alike, alternating}
	for c := range min(components, probeComponents) {
		one := make([]float64, components)
		one[c] = 1
		list = append(list, one)
	}
	return list
}

func odd(coord []int) bool {
	sum := 0
	for _, x := range coord {
		sum += x
	}
	return sum%2 == 1
}

// fallsForever reports whether the action of n numbers of size v falls with every doubling of
// a size v at which it is s, and returns both where the search ends.
func fallsForever(n int, v, s float64, value func(v float64) float64) (end, least float64, falls bool) {
	for range probeSteps {
		if math.IsInf(s, -1) {
			break
		}
		next := value(2 * v)
		// Terms of the size of φ² may cancel up to rounding.
		if !(next < s-1e-9*4*v*v*float64(n)) {
			return v, s, false
		}
		v, s = 2*v, next
	}
	return v, s, true
}

// checkRunaway returns an error if a field is large, compared with a cold start of the given
// value, and S falls without end in its direction. Trajectories that go there get shorter
// and shorter steps and would not tell for long.
func checkRunaway(action lattice.Action, phi []float64, cold float64) error {
	size := 0.0
	for _, v := range phi {
		size = math.Max(size, math.Abs(v))
	}
	if !(size > runaway*math.Max(1, math.Abs(cold))) {
		return nil
	}
	scaled := make([]float64, len(phi))
	s := action.Value(phi)
	_, least, falls := fallsForever(len(phi), size, s, func(v float64) float64 {
		for i, x := range phi {
			scaled[i] = v / size * x
		}
		return action.Value(scaled)
	})
	if falls {
		return fmt.Errorf("expected an action that is bounded from below, got a chain that ran away to |φ| = %.3g with S = %.4g, beyond which S falls to %.4g, for %s", size, s, least, lattice.Describe(action))
	}
	return nil
}
