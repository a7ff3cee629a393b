package atomicfile_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/latdiff/latdiff/internal/atomicfile"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// only checks that dir holds nothing but the named entries.
func only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(names) {
		t.Fatalf("directory holds %v, expected %v", entries, names)
	}
	for i, e := range entries {
		if e.Name() != names[i] {
			t.Fatalf("directory holds %v, expected %v", entries, names)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	big := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, want := range [][]byte{nil, []byte("first"), big, []byte("second")} {
		err := atomicfile.Write(path, func(w io.Writer) error {
			_, err := w.Write(want)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != string(want) {
			t.Fatalf("file of %d bytes holds %d", len(want), len(got))
		}
		only(t, dir, "a")
	}
}

func TestFailureLeavesOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := atomicfile.Write(path, func(w io.Writer) error {
		w.Write(bytes.Repeat([]byte{1}, 1<<20))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v, expected %v", err, boom)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic of the callback was swallowed")
			}
		}()
		atomicfile.Write(path, func(io.Writer) error { panic("in the callback") })
	}()
	if got := content(t, path); got != "old" {
		t.Errorf("file holds %q, expected the old content", got)
	}
	only(t, dir, "a")
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f, err := atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	io.WriteString(f, "........tail")
	if n, err := f.Seek(0, io.SeekCurrent); n != 12 || err != nil {
		t.Fatalf("offset %d, %v, expected 12", n, err)
	}
	f.Seek(0, io.SeekStart)
	io.WriteString(f, "patched!")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file visible before Commit: %v", err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "patched!tail" {
		t.Errorf("file holds %q", got)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close after Commit: %v", err)
	}
	if f.Commit() == nil {
		t.Error("second Commit gave no error")
	}
	if _, err := f.Write([]byte{1}); err == nil {
		t.Error("Write after Commit gave no error")
	}
	if _, err := f.Seek(0, io.SeekStart); err == nil {
		t.Error("Seek after Commit gave no error")
	}

	f, err = atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(f, "lost")
	if err := f.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close after Abort: %v", err)
	}
	if got := content(t, path); got != "patched!tail" {
		t.Errorf("file holds %q after Abort", got)
	}
	only(t, dir, "a")
}

func TestPermissionsAndLinks(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, nil, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", link); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.Write(link, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := content(t, path); got != "new" {
		t.Errorf("target of the link holds %q", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o640 {
		t.Errorf("permissions %v, expected those of the old file", got)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link was replaced by a file (%v)", err)
	}
	only(t, dir, "a", "link")
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing", "a"), os.DevNull} {
		if f, err := atomicfile.Create(path); err == nil {
			f.Close()
			t.Errorf("Create(%q) gave no error", path)
		}
	}
	only(t, dir)
}

// A destination that turns into a directory makes the rename fail.
func TestCommitErrorRemovesTemporary(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	f, err := atomicfile.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if f.Commit() == nil {
		t.Error("Commit over a directory gave no error")
	}
	only(t, dir, "a")
}
