package chunk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"

	"github.com/gomlx/compute"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/checkpoint"
	"github.com/latdiff/latdiff/internal/npz"
)

// Column is a part of what a chunk gives. Of returns the numbers of chunk c with the items
// from lo to hi, in the memory where the result belongs.
type Column struct {
	Name string
	Of   func(c, lo, hi int) []float64
}

// State keeps what finished chunks gave in a file, from which a run that is killed goes on. A
// nil state keeps nothing.
type State struct {
	path, run string
	n, batch  int
	columns   []Column

	mu      sync.Mutex
	timer   *checkpoint.Timer
	done    []bool
	changed bool // since the last time that it was written
}

// Names of the members of the file beside the columns.
const runMember, doneMember = "run", "done"

// Open returns the state at path of the run that the text describes, of n items in chunks of
// batch, which is written when the time every has passed. If there is such a file the columns
// of its chunks are filled in. Without a path there is no state. It returns an error for a file
// that is damaged or of another run.
func Open(path string, every time.Duration, run string, n, batch int, columns ...Column) (*State, error) {
	if path == "" {
		return nil, nil
	}
	if err := checkpoint.Check(path); err != nil {
		return nil, err
	}
	s := &State{
		path: path, run: fmt.Sprintf("%s, %d in chunks of %d", run, n, batch), n: n, batch: batch, columns: columns,
		timer: checkpoint.New(every), done: make([]bool, (n+batch-1)/batch),
	}
	if err := s.restore(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("expected the state of this run in %s: %w", path, err)
	}
	return s, nil
}

// items returns the items of a chunk.
func (s *State) items(c int) (lo, hi int) { return c * s.batch, min((c+1)*s.batch, s.n) }

func (s *State) restore() error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	z, err := npz.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	run, _, err := npz.Read[uint8](z, runMember)
	if err != nil {
		return err
	}
	if string(run) != s.run {
		return fmt.Errorf("expected that of %s, got that of %.1000s", s.run, run)
	}
	done, _, err := npz.Read[int64](z, doneMember)
	if err != nil {
		return err
	}
	for i, c := range done {
		if c < 0 || c >= int64(len(s.done)) || i > 0 && c <= done[i-1] {
			return fmt.Errorf("expected ascending numbers of %d chunks, got %d", len(s.done), c)
		}
	}
	for _, column := range s.columns {
		x, _, err := npz.Read[float64](z, column.Name)
		if err != nil {
			return err
		}
		for _, c := range done {
			lo, hi := s.items(int(c))
			x = x[copy(column.Of(int(c), lo, hi), x):]
		}
		if len(x) > 0 {
			return fmt.Errorf("expected the numbers of %d chunks in %s, got %d more", len(done), column.Name, len(x))
		}
	}
	for _, c := range done {
		s.done[c] = true
	}
	return nil
}

// finish notes that a chunk is finished, and writes the file if that is due.
func (s *State) finish(c int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[c], s.changed = true, true
	return s.timer.SaveDue(s.save)
}

// save writes the file if there is something new.
func (s *State) save() error {
	if !s.changed {
		return nil
	}
	err := atomicfile.Write(s.path, func(w io.Writer) error {
		z := npz.NewWriter(w)
		var done []int64
		for c, ok := range s.done {
			if ok {
				done = append(done, int64(c))
			}
		}
		if err := npz.Add(z, runMember, []byte(s.run), len(s.run)); err != nil {
			return err
		}
		if err := npz.Add(z, doneMember, done, len(done)); err != nil {
			return err
		}
		for _, column := range s.columns {
			if err := s.write(z, column, done); err != nil {
				return err
			}
		}
		return z.Close()
	})
	if err != nil {
		return fmt.Errorf("state of finished chunks: %w", err)
	}
	s.changed = false
	return nil
}

// write writes the numbers of a column one chunk after the other.
func (s *State) write(z *npz.Writer, column Column, done []int64) error {
	stream, err := z.NewStream(column.Name, false)
	if err != nil {
		return err
	}
	n := 0
	var buf []byte
	for _, c := range done {
		lo, hi := s.items(int(c))
		x := column.Of(int(c), lo, hi)
		buf = buf[:0]
		for _, v := range x {
			buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
		}
		if _, err := stream.Write(buf); err != nil {
			return err
		}
		n += len(x)
	}
	return stream.Close(n)
}

// RunSaved is Run for the chunks that are not finished yet; skip, if not nil, is told of the
// others. The state is written at intervals and in the end, also of a run that fails.
func (s *State) RunSaved(ctx context.Context, b compute.Backend, n, batch int, skip func(c, lo, hi int), f func(ctx context.Context, chunk, lo, hi int) error) error {
	if s == nil {
		return Run(ctx, b, n, batch, f)
	}
	finished := append([]bool(nil), s.done...)
	err := Run(ctx, b, n, batch, func(ctx context.Context, c, lo, hi int) error {
		if finished[c] {
			if skip != nil {
				skip(c, lo, hi)
			}
			return nil
		}
		if err := f(ctx, c, lo, hi); err != nil {
			return err
		}
		return s.finish(c)
	})
	if e := s.save(); err == nil {
		err = e
	}
	return err
}
