package meter_test

import (
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/latdiff/latdiff/internal/meter"
)

func TestCounts(t *testing.T) {
	inner, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	b := meter.Wrap(inner)
	exec := graph.MustNewExec(b, func(x, y *graph.Node) *graph.Node { return graph.Add(x, y) })
	for range 2 {
		x := tensors.FromFlatDataAndDimensions([]float32{1, 2}, 2)
		// The Go number is donated to the graph.
		out, err := exec.Call1(x, float32(3))
		if err != nil {
			t.Fatal(err)
		}
		if got := tensors.MustCopyFlatData[float32](out); got[0] != 4 || got[1] != 5 {
			t.Errorf("got %v", got)
		}
		if b.Live() != 2 {
			t.Errorf("%d buffers live, want input and output", b.Live())
		}
		if err := out.FinalizeAll(); err != nil {
			t.Fatal(err)
		}
		if err := x.FinalizeAll(); err != nil {
			t.Fatal(err)
		}
	}
	if b.Compiled() != 1 || b.Executed() != 2 || b.Live() != 0 || b.Busy() <= 0 {
		t.Errorf("%d compilations, %d executions, %d buffers, busy for %v", b.Compiled(), b.Executed(), b.Live(), b.Busy())
	}
}
