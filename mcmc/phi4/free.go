package phi4

import (
	"fmt"
	"math"

	"github.com/latdiff/latdiff/lattice"
)

// FreeField returns the values of the free field, λ = 0, sums over the modes of
// ⟨|φ_k|²⟩ = 1/(2(1 - 2κ Σ_µ cos k_µ)) per component. It returns an error for a layout that
// does not exist or |κ| ≥ 1/(2d).
func FreeField(layout lattice.Layout, kappa float64) (Exact, error) {
	if err := layout.Check(); err != nil {
		return unknown(0), fmt.Errorf("phi4: %w", err)
	}
	v := layout.Volume()
	e := unknown(v)
	if err := check(layout.Components, kappa, 0); err != nil {
		return e, err
	}
	d := layout.Dim()
	if 2*float64(d)*math.Abs(kappa) >= 1 {
		return e, fmt.Errorf("phi4: expected |κ| < 1/(2d) = %v for the free field (λ = 0), got %v", 1/(2*float64(d)), kappa)
	}
	cosines := make([][]float64, d)
	for mu := range cosines {
		l := layout.Extent(mu)
		cosines[mu] = make([]float64, l)
		for k := range l {
			cosines[mu][k] = math.Cos(2 * math.Pi * float64(k) / float64(l))
		}
	}
	var logs, phi2, hopping, variance float64
	coord := make([]int, d)
	for x := range v {
		c := 0.0
		for mu, k := range layout.Coord(coord, x) {
			c += cosines[mu][k]
		}
		g := 1 / (1 - 2*kappa*c)
		logs += math.Log(math.Pi * g)
		phi2 += g / 2
		hopping += c * g / 2
		variance += c * c * g * g / 2
	}
	f, sites := float64(layout.Components), float64(v)
	e.setLogZ(f / 2 * logs)
	e.Phi2 = f * phi2 / sites
	e.Phi4 = e.Phi2 * e.Phi2 * (1 + 2/f)
	e.Hopping = f * hopping / sites
	e.HoppingVariance = f * variance / sites
	e.ActionDensity = f / 2
	e.Chi = f / (2 * (1 - 2*float64(d)*kappa))
	a, _ := math.Lgamma((f + 1) / 2)
	b, _ := math.Lgamma(f / 2)
	e.AbsM = math.Sqrt(2*e.Chi/(f*sites)) * math.Exp(a-b)
	return e, nil
}
