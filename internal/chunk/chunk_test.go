package chunk_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/gomlx/compute/gobackend"

	"github.com/latdiff/latdiff/internal/chunk"
)

func TestRun(t *testing.T) {
	backend, err := gobackend.New("ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		seen := make([]atomic.Int32, n)
		err := chunk.Run(context.Background(), backend, n, 5, func(_ context.Context, c, lo, hi int) error {
			if lo != 5*c || hi-lo > 5 || hi-lo < 1 {
				t.Errorf("n %d chunk %d: range [%d, %d)", n, c, lo, hi)
			}
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("n %d: item %d done %d times", n, i, seen[i].Load())
			}
		}
	}
	fault := errors.New("fault")
	err = chunk.Run(context.Background(), backend, 100, 1, func(_ context.Context, c, _, _ int) error {
		if c == 3 {
			return fault
		}
		return nil
	})
	if !errors.Is(err, fault) {
		t.Errorf("got error %v, want %v", err, fault)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := chunk.Run(ctx, backend, 3, 1, func(context.Context, int, int, int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}
