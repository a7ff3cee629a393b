// Package meter wraps a backend and counts what is asked of it: compilations, executions,
// buffers that live, and the time during which something executes. What is left of the
// elapsed time is that of the host. The numbers of the wrapped backend do not change.
package meter

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Backend is a backend that counts. It is as safe for concurrent use as the one it wraps.
type Backend struct {
	compute.Backend
	compiled, executed, live atomic.Int64

	mu      sync.Mutex
	running int
	since   time.Time
	busy    time.Duration
}

// Wrap returns a counting backend that passes everything on to b. Tensors of one do not
// work with the other.
func Wrap(b compute.Backend) *Backend { return &Backend{Backend: b} }

// Compiled returns the number of graphs compiled so far.
func (b *Backend) Compiled() int { return int(b.compiled.Load()) }

// Executed returns the number of executions so far.
func (b *Backend) Executed() int { return int(b.executed.Load()) }

// Live returns the number of buffers that were made and neither finalised nor donated.
func (b *Backend) Live() int { return int(b.live.Load()) }

// Busy returns the time during which at least one execution ran.
func (b *Backend) Busy() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running > 0 {
		return b.busy + time.Since(b.since)
	}
	return b.busy
}

func (b *Backend) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running == 0 {
		b.since = time.Now()
	}
	b.running++
}

func (b *Backend) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running--
	if b.running == 0 {
		b.busy += time.Since(b.since)
	}
}

// Builder implements [compute.Backend].
func (b *Backend) Builder(name string) compute.Builder {
	return &builder{b.Backend.Builder(name), b}
}

// BufferFromFlatData implements [compute.DataInterface].
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	inner, err := b.Backend.BufferFromFlatData(device, flat, shape)
	if err != nil {
		return nil, err
	}
	return b.wrap(inner), nil
}

// NewSharedBuffer implements [compute.DataInterface].
func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	inner, flat, err := b.Backend.NewSharedBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return b.wrap(inner), flat, nil
}

func (b *Backend) wrap(inner compute.Buffer) *buffer {
	b.live.Add(1)
	return &buffer{Buffer: inner, backend: b}
}

type builder struct {
	compute.Builder
	backend *Backend
}

func (b *builder) Compile() (compute.Executable, error) {
	inner, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	b.backend.compiled.Add(1)
	return &executable{inner, b.backend}, nil
}

type executable struct {
	compute.Executable
	backend *Backend
}

func (e *executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	inner := make([]compute.Buffer, len(inputs))
	for i, in := range inputs {
		wrapped := in.(*buffer)
		inner[i] = wrapped.Buffer
		if donate != nil && donate[i] {
			wrapped.release()
		}
	}
	e.backend.executed.Add(1)
	e.backend.begin()
	out, err := e.Executable.Execute(inner, donate, device)
	e.backend.end()
	if err != nil {
		return nil, err
	}
	for i, o := range out {
		out[i] = e.backend.wrap(o)
	}
	return out, nil
}

// buffer is a buffer that leaves the count once, when it is finalised or donated.
type buffer struct {
	compute.Buffer
	backend  *Backend
	released atomic.Bool
}

func (b *buffer) release() {
	if !b.released.Swap(true) {
		b.backend.live.Add(-1)
	}
}

func (b *buffer) Backend() compute.Backend { return b.backend }

func (b *buffer) Finalize() error {
	b.release()
	return b.Buffer.Finalize()
}

func (b *buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	inner, err := b.Buffer.CopyToDevice(device)
	if err != nil {
		return nil, err
	}
	return b.backend.wrap(inner), nil
}
