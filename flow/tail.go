package flow

import (
	"context"
	"fmt"

	"github.com/latdiff/latdiff/lattice"
)

// TailProbe says whether q has enough density where it hardly ever draws, of which its own draws
// tell nothing. It moves configurations of the theory by move(φ, u), in place, and returns for every strength
// u the change of log w = -S - log q, averaged over them: zero for an exact model, large and positive where q
// has a hole, not finite where the flow diverges. The seed is that of LogProb. It returns the errors of LogProb for the
// configurations, moved or not, and one unless there are configurations and strengths.
func (f *ProbabilityFlow) TailProbe(ctx context.Context, action lattice.Action, ens *lattice.Ensemble, strengths []float64, move func(phi []float64, u float64), seed uint64) ([]float64, error) {
	if err := f.checkFields(ens); err != nil {
		return nil, err
	}
	n := ens.Len()
	if n == 0 || len(strengths) == 0 || move == nil {
		return nil, fmt.Errorf("flow: expected configurations, strengths and a move for a probe of the tail, got %d and %d", n, len(strengths))
	}
	all := lattice.NewEnsemble(f.layout, n*(1+len(strengths)))
	all.Data = append(all.Data, ens.Data[:n*f.layout.Size()]...)
	for i, u := range strengths {
		all.Data = append(all.Data, ens.Data[:n*f.layout.Size()]...)
		for j := range n {
			move(all.Config((i+1)*n+j), u)
		}
	}
	if err := f.checkFields(all); err != nil {
		return nil, err
	}
	l, err := f.densities(ctx, all, "", f.run(seed, f.reporter(all.Len())))
	if err != nil {
		return nil, err
	}
	w, err := l.LogWeights(action, all)
	if err != nil {
		return nil, err
	}
	changes := make([]float64, len(strengths))
	for i := range changes {
		for j := range n {
			changes[i] += (w[(i+1)*n+j] - w[j]) / float64(n)
		}
	}
	return changes, nil
}
