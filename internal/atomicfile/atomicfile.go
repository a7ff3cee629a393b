// Package atomicfile writes files that appear whole or not at all.
//
// The data goes to a temporary file in the directory of the destination, which is
// synchronised and then renamed over it. Until then an existing file is untouched;
// after an error or a crash it still holds its old content.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	bufferSize = 1 << 18
	// temporary begins the name of an unfinished file, a random text the rest.
	temporary = ".tmp-"
)

var errClosed = errors.New("atomicfile: file already committed or closed")

// Write creates or replaces the file at path with what write writes. If write or
// anything else fails, the file at path is as before and no temporary file stays.
func Write(path string, write func(w io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}

// File is a file being written. Nothing is visible under its final name before
// [File.Commit]. It is not safe for concurrent use.
type File struct {
	path string
	f    *os.File
	w    *bufio.Writer
	done bool
}

var _ io.WriteSeeker = (*File)(nil)

// Create starts to write the file at path. If path is a symbolic link to a file,
// that file is the one replaced; an existing file's permissions are kept. Create
// returns an error if path names something that is not a regular file.
//
// The caller must call [File.Close], normally in a defer.
func Create(path string) (*File, error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	mode := fs.FileMode(0)
	switch info, err := os.Stat(path); {
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("atomicfile: expected a regular file to replace, got %s (%v)", path, info.Mode().Type())
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("atomicfile: %w", err)
	}
	// A random name makes a collision with another writer, or with the remains of a
	// crash, as good as impossible; O_EXCL makes it an error.
	name := filepath.Join(filepath.Dir(path), temporary+rand.Text())
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("atomicfile: create %s: %w", path, bare(err))
	}
	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return nil, errors.Join(fmt.Errorf("atomicfile: %w", err), f.Close(), os.Remove(name))
		}
	}
	return &File{path: path, f: f, w: bufio.NewWriterSize(f, bufferSize)}, nil
}

// bare returns an error without the name of the temporary file: the one that the caller knows
// is that of the file to be.
func bare(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// named returns an error of writing with the name of the file to be.
func (f *File) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("atomicfile: write %s: %w", f.path, bare(err))
}

// Write writes p through a buffer.
func (f *File) Write(p []byte) (int, error) {
	if f.done {
		return 0, errClosed
	}
	n, err := f.w.Write(p)
	return n, f.named(err)
}

// Seek flushes the buffer and sets the offset of the next write, as [io.Seeker].
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if f.done {
		return 0, errClosed
	}
	if err := f.w.Flush(); err != nil {
		return 0, f.named(err)
	}
	at, err := f.f.Seek(offset, whence)
	return at, f.named(err)
}

// Commit flushes and synchronises the data and gives the file its final name. On
// an error the temporary file is removed and the file of that name is as before,
// except where only synchronising the directory failed: the new file is then in
// place but may not survive a crash of the system. Commit may be called once.
func (f *File) Commit() error {
	if f.done {
		return errClosed
	}
	f.done = true
	err := f.w.Flush()
	if err == nil {
		err = f.f.Sync()
	}
	if e := f.f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.f.Name())
		return f.named(err)
	}
	if err := os.Rename(f.f.Name(), f.path); err != nil {
		os.Remove(f.f.Name())
		return fmt.Errorf("atomicfile: %w", err)
	}
	if err := syncDir(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}

// Close gives the file up unless it has been committed: the temporary file is
// removed and the file of the final name is as before. Further calls do nothing.
func (f *File) Close() error {
	if f.done {
		return nil
	}
	f.done = true
	if err := errors.Join(f.f.Close(), os.Remove(f.f.Name())); err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}

// Abort is [File.Close] under the name that says what it does before a commit.
func (f *File) Abort() error { return f.Close() }

// syncDir makes a rename in the directory durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synchronised there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Sweep removes the temporary files that killed processes have left in the directory and in
// those in it. Nothing may be writing there. It returns the first error.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("atomicfile: %w", err)
	}
	for _, e := range entries {
		if err := sweep(dir, e); err != nil {
			return err
		}
		if !e.IsDir() {
			continue
		}
		below := filepath.Join(dir, e.Name())
		inner, err := os.ReadDir(below)
		if err != nil {
			continue // not ours
		}
		for _, e := range inner {
			if err := sweep(below, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep removes an entry of a directory if it is a temporary file.
func sweep(dir string, e fs.DirEntry) error {
	rest, ok := strings.CutPrefix(e.Name(), temporary)
	if !ok || len(rest) != len(rand.Text()) || !e.Type().IsRegular() {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("atomicfile: %w", err)
	}
	return nil
}
