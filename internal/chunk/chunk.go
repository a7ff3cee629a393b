// Package chunk splits work on many fields into batches of one size, which is what
// compiled graphs want, and runs the batches side by side where that pays.
package chunk

import (
	"context"
	"runtime"
	"sync"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/internal/lowering"
)

// Run calls f for every chunk of at most batch out of n items, with the number of
// the chunk and its half-open range of items, and returns the first error. On the
// pure-Go backend, which runs most operations on one core, several chunks run at
// once; f must therefore be safe for concurrent use, and draw random numbers that
// depend on nothing but the number of the chunk. After an error, or when ctx is
// cancelled, no further chunk is started; Run then returns that error, or that of
// ctx.
func Run(ctx context.Context, b compute.Backend, n, batch int, f func(ctx context.Context, chunk, lo, hi int) error) error {
	workers := 1
	if lowering.IsPureGo(b) {
		workers = runtime.GOMAXPROCS(0)
	}
	chunks := (n + batch - 1) / batch
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(workers, chunks) {
		wg.Go(func() {
			for c := range next {
				if err := f(ctx, c, c*batch, min((c+1)*batch, n)); err != nil {
					cancel(err)
				}
			}
		})
	}
	for c := range chunks {
		if ctx.Err() != nil {
			break
		}
		select {
		case next <- c:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
