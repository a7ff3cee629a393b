package mcmc

import "github.com/latdiff/latdiff/lattice"

// siteGraph holds the links of (4.2) between different sites:
// near[x*links:(x+1)*links] are the neighbours of x. A link of an extent of 1 joins
// a site to itself and is left out; see selfLinks.
type siteGraph struct {
	kappa2 float64
	links  int
	near   []int32
}

func newSiteGraph(a *lattice.Phi4) siteGraph {
	lat := a.Layout().Lattice
	g := siteGraph{kappa2: 2 * a.Kappa()}
	for x := range lat.Volume() {
		for mu := range lat.Dim() {
			if lat.Extent(mu) > 1 {
				g.near = append(g.near, lat.Forward(mu)[x], lat.Backward(mu)[x])
			}
		}
	}
	g.links = len(g.near) / lat.Volume()
	return g
}

// selfLinks returns the number of links that join a site to itself.
func selfLinks(lat *lattice.Lattice) int {
	n := 0
	for mu := range lat.Dim() {
		if lat.Extent(mu) == 1 {
			n++
		}
	}
	return n
}
