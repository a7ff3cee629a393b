package lattice

// ChargedAction is an action of fields with a topological charge: an integer that local
// algorithms change ever more rarely the closer a theory is to the continuum. The chains of
// one are compared by it, see mcmc.Generate.
type ChargedAction interface {
	Action
	// TopologicalCharge returns the charge of a field, and false if the fields of this
	// lattice have none.
	TopologicalCharge(phi []float64) (q int, ok bool)
}
