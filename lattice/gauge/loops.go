package gauge

import (
	"fmt"
	"math"
	"math/cmplx"
)

// WilsonLoop returns the mean over the lattice of the cosine of the rectangular loop of r
// links in direction mu and t in direction nu. It returns an error for directions that are
// not two different ones of the lattice, and for a side that is not between 1 and the extent.
// Sides as long as the extent wind around the lattice: the loop is then the product of two
// Polyakov loops in opposite directions.
func (l *Links) WilsonLoop(links []float64, mu, nu, r, t int) (float64, error) {
	l.mustFit(links)
	for _, side := range [][2]int{{mu, r}, {nu, t}} {
		if err := l.checkDirection(side[0]); err != nil {
			return 0, err
		}
		if n := l.layout.Extent(side[0]); side[1] < 1 || side[1] > n {
			return 0, fmt.Errorf("gauge: expected a side between 1 and %d of a loop in direction %d, got %d", n, side[0], side[1])
		}
	}
	if mu == nu {
		return 0, fmt.Errorf("gauge: expected two different directions of a loop, got %d twice", mu)
	}
	a, b := l.layout.Component(links, mu), l.layout.Component(links, nu)
	fa, fb := l.layout.Forward(mu), l.layout.Forward(nu)
	sum := 0.0
	for x := range a {
		angle := 0.0
		// One way around the corner x+rµ̂, the other around x+tν̂.
		y, z := int32(x), int32(x)
		for range r {
			angle += a[y]
			y = fa[y]
		}
		for range t {
			angle += b[y] - b[z]
			y, z = fb[y], fb[z]
		}
		for range r {
			angle -= a[z]
			z = fa[z]
		}
		sum += math.Cos(angle)
	}
	return sum / float64(len(a)), nil
}

// PolyakovLoop returns the mean of exp(iΣφ_µ) over the lines in direction mu that wind once
// around the lattice. It returns an error for a direction that the lattice does not have.
func (l *Links) PolyakovLoop(links []float64, mu int) (complex128, error) {
	l.mustFit(links)
	if err := l.checkDirection(mu); err != nil {
		return 0, err
	}
	a, f := l.layout.Component(links, mu), l.layout.Forward(mu)
	n := l.layout.Extent(mu)
	var sum complex128
	// Every line is found from each of its sites.
	for x := range a {
		sum += cmplx.Rect(1, line(a, f, x, n))
	}
	return sum / complex(float64(len(a)), 0), nil
}

// line returns the sum of n links from site x on.
func line(links []float64, forward []int32, x, n int) float64 {
	angle, y := 0.0, int32(x)
	for range n {
		angle += links[y]
		y = forward[y]
	}
	return angle
}

func (l *Links) checkDirection(mu int) error {
	if mu < 0 || mu >= l.layout.Dim() {
		return fmt.Errorf("gauge: expected a direction between 0 and %d, got %d", l.layout.Dim()-1, mu)
	}
	return nil
}
