package flow_test

import (
	"context"
	"testing"

	"github.com/latdiff/latdiff/flow"
)

// Progress never falls and ends at the total, with fixed and with adaptive steps.
func TestProgress(t *testing.T) {
	m, _ := freeField(t, 0.2, 4, 4)
	for _, scheme := range []flow.Integrator{flow.Adams, flow.RK4, flow.DormandPrince} {
		last, end, calls := 0, 0, 0
		f := newFlow(t, m, flow.Config{Integrator: scheme, Steps: 8, Batch: 3, Plain: true, Progress: func(done, total int) {
			if done <= last || done > total {
				t.Errorf("%v: progress %d of %d after %d", scheme, done, total, last)
			}
			last, end = done, total
			calls++
		}})
		if _, err := f.Sample(context.Background(), 7, 1); err != nil {
			t.Fatal(err)
		}
		if last != 56 || end != 56 || calls < 3*3 {
			t.Errorf("%v: ended at %d of %d after %d calls", scheme, last, end, calls)
		}
	}
}
