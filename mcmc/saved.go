package mcmc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/checkpoint"
)

// savedRun keeps the state of a run in a file, from which the same call goes on. A nil one keeps
// nothing.
type savedRun struct {
	path string
	// kind is that of the run, run says which one it is.
	kind, run string
	timer     *checkpoint.Timer
}

// newSavedRun returns nil for an empty path, and an error for a file that cannot be written or a
// time that is negative. fingerprint says which run it is.
func newSavedRun(path string, every time.Duration, kind string, fingerprint func() (string, error)) (*savedRun, error) {
	if every < 0 {
		return nil, fmt.Errorf("mcmc: expected a time between checkpoints ≥ 0, got %v", every)
	}
	if path == "" {
		return nil, nil
	}
	err := checkpoint.Check(path)
	if err != nil {
		return nil, fmt.Errorf("mcmc: %s: %w", kind, err)
	}
	s := &savedRun{path: path, kind: kind, timer: checkpoint.New(every)}
	if s.run, err = fingerprint(); err != nil {
		return nil, fmt.Errorf("mcmc: %s: %w", kind, err)
	}
	return s, nil
}

// magic is the first line of the file.
func (s *savedRun) magic() string { return "latdiff " + s.kind + " 1\n" }

// save writes what body writes.
func (s *savedRun) save(body func(e *stateWriter) error) error {
	if s == nil {
		return nil
	}
	err := s.timer.Save(func() error {
		return atomicfile.Write(s.path, func(w io.Writer) error { return s.write(w, body) })
	})
	if err != nil {
		return fmt.Errorf("mcmc: %s: checkpoint: %w", s.kind, err)
	}
	return nil
}

// saveDue is save if that is due.
func (s *savedRun) saveDue(body func(e *stateWriter) error) error {
	if s == nil || s.timer.Left() > 0 {
		return nil
	}
	return s.save(body)
}

// stopped is save for a run that ended with err before its state changed, if that is because ctx has
// ended; it returns err or the error of save.
func (s *savedRun) stopped(ctx context.Context, err error, body func(e *stateWriter) error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	if e := s.save(body); e != nil {
		return e
	}
	return err
}

func (s *savedRun) write(w io.Writer, body func(e *stateWriter) error) error {
	e := &stateWriter{w: w, sum: crc32.NewIEEE()}
	e.write([]byte(s.magic()))
	e.bytes([]byte(s.run))
	if err := body(e); err != nil {
		return err
	}
	e.uints(uint64(e.sum.Sum32()))
	return e.err
}

// restore lets body read what was saved, if there is such a file, and tells whether there is. After
// an error, which body returns too for numbers that no run leaves, the run must not go on.
func (s *savedRun) restore(body func(d *stateReader) error) (bool, error) {
	if s == nil {
		return false, nil
	}
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		defer f.Close()
		err = s.read(bufio.NewReaderSize(f, 1<<18), body)
	}
	if err != nil {
		return false, fmt.Errorf("mcmc: %s: checkpoint %s: %w", s.kind, s.path, err)
	}
	return true, nil
}

func (s *savedRun) read(r io.Reader, body func(d *stateReader) error) error {
	d := &stateReader{r: r, sum: crc32.NewIEEE()}
	magic := make([]byte, len(s.magic()))
	d.read(magic)
	if d.err != nil || string(magic) != s.magic() {
		return fmt.Errorf("expected the state of a run of the kind %s, got data without its header", s.kind)
	}
	if have := string(d.bytes()); d.err == nil && have != s.run {
		return fmt.Errorf("expected the state of the %s %s, got that of %.1000s", s.kind, s.run, have)
	}
	if err := body(d); err != nil {
		return err
	}
	sum := d.sum.Sum32()
	if got := d.uint(); d.err == nil && got != uint64(sum) {
		d.err = fmt.Errorf("expected checksum %08x, got %08x", got, sum)
	}
	if d.err != nil {
		return d.err
	}
	if n, _ := io.ReadFull(r, magic[:1]); n != 0 {
		return errors.New("expected no more bytes after the state")
	}
	return nil
}

// errNoState is what body returns for numbers that no run leaves.
var errNoState = errors.New("expected the numbers of a run that was saved, got others")
