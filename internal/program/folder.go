package program

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/latdiff/latdiff/internal/atomicfile"
	"github.com/latdiff/latdiff/internal/provenance"
)

// Run is the output folder of one run. It keeps the digests of its finished files, so
// that a run which continues takes nothing as done that is not as it was left.
type Run struct {
	dir string
	mu  sync.Mutex
	// digests are those of the finished files by name.
	digests map[string]string
}

// errBusy is what keeps a folder locked.
var errBusy = errors.New("another process is at work")

const (
	parametersFile = "parameters.json"
	digestsFile    = "files.json"
)

// OpenRun creates the folder, or opens it to continue. The parameters are written to
// parameters.json; a folder with other parameters is refused and left as it is, and so is one
// in which another process is at work, where the system can tell. What writes that were killed
// have left is removed.
func OpenRun(dir string, parameters map[string]any) (*Run, error) {
	return open(dir, parameters, false)
}

// OpenShared is OpenRun for a folder that the shares of a run have in common: others of them may
// be there at the same time, but no process that has opened it for itself.
func OpenShared(dir string, parameters map[string]any) (*Run, error) {
	return open(dir, parameters, true)
}

func open(dir string, parameters map[string]any, shared bool) (*Run, error) {
	if dir == "" {
		return nil, fmt.Errorf("expected an output folder, got an empty name")
	}
	want, err := json.MarshalIndent(parameters, "", " ")
	if err != nil {
		return nil, err
	}
	r := &Run{dir: dir, digests: map[string]string{}}
	known, err := r.checkParameters(want)
	if err != nil {
		return nil, err
	}
	if !known {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	if err := r.enter(shared); err != nil {
		return nil, err
	}
	// Another process may have been here before the lock.
	if known, err = r.checkParameters(want); err != nil {
		return nil, err
	}
	if !known {
		return r, write(r.Path(parametersFile), want)
	}
	return r, r.readDigests()
}

// checkParameters tells whether the folder has the parameters of a run, and returns an error if
// they are others.
func (r *Run) checkParameters(want []byte) (bool, error) {
	have, err := os.ReadFile(r.Path(parametersFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case string(have) != string(want):
		return false, fmt.Errorf("expected an output folder of the same run, got %s with other parameters; choose another with -out", r.dir)
	}
	return true, nil
}

// enter locks the folder and, unless others are there, removes what is left of interrupted writes.
func (r *Run) enter(shared bool) error {
	locked, err := lock(r.dir, shared)
	if err != nil || !locked || shared {
		return err
	}
	return atomicfile.Sweep(r.dir)
}

func write(path string, data []byte) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func (r *Run) readDigests() error {
	data, err := os.ReadFile(r.Path(digestsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r.digests)
	}
	for name := range r.digests {
		if err == nil && !filepath.IsLocal(name) {
			err = fmt.Errorf("%q outside of the folder", name)
		}
	}
	if err != nil || r.digests == nil {
		return fmt.Errorf("expected the digests of finished files in %s, got %v; remove it to repeat the run", r.Path(digestsFile), err)
	}
	return nil
}

// Path returns the path of a file in the folder.
func (r *Run) Path(name string) string { return filepath.Join(r.dir, name) }

// state ends the names of states; what follows tells several apart.
const state = ".state"

// State returns the path of the state of an unfinished file, which Save removes; parts tell
// several of one file apart.
func (r *Run) State(name string, parts ...string) string {
	return strings.Join(append([]string{r.Path(name) + state}, parts...), "-")
}

// discard removes the states of a file that is finished.
func (r *Run) discard(name string) error {
	folder, base := filepath.Split(r.Path(name))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), base+state) {
			if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// Save lets write make a file, in a folder that is made if need be, and keeps its digest. The
// state from which it would have been continued is not needed any more.
func (r *Run) Save(name string, write func(path string) error) error {
	path := r.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := write(path); err != nil {
		return err
	}
	d, err := provenance.Digest(path)
	if err != nil {
		return err
	}
	if err := r.keep(name, d); err != nil {
		return err
	}
	return r.discard(name)
}

// Finished returns the names of the files that Save made, in their order.
func (r *Run) Finished() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.digests))
}

// Take copies a finished file of another run, unless it is there.
func (r *Run) Take(from *Run, name string) error {
	if done, err := r.Has(name); done || err != nil {
		return err
	}
	return r.Save(name, func(path string) error {
		f, err := os.Open(from.Path(name))
		if err != nil {
			return err
		}
		defer f.Close()
		return atomicfile.Write(path, func(w io.Writer) error {
			_, err := io.Copy(w, f)
			return err
		})
	})
}

// Remove removes a file that Save made, or that is not there.
func (r *Run) Remove(name string) error {
	if err := r.update(func() { delete(r.digests, name) }); err != nil {
		return err
	}
	if err := os.Remove(r.Path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (r *Run) keep(name, digest string) error { return r.update(func() { r.digests[name] = digest }) }

// update changes the digests and writes them.
func (r *Run) update(change func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	data, err := json.MarshalIndent(r.digests, "", " ")
	if err != nil {
		return err
	}
	return write(r.Path(digestsFile), data)
}

// Has reports whether the file was finished by Save and still is as it was left. It
// returns an error for one that is not. A file of which nothing is known is none: it is
// made again.
func (r *Run) Has(name string) (bool, error) {
	r.mu.Lock()
	want, ok := r.digests[name]
	r.mu.Unlock()
	if !ok {
		return false, nil
	}
	got, err := provenance.Digest(r.Path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case got != want:
		return false, fmt.Errorf("expected %s as an earlier run left it, got a file that was changed or damaged; remove it to have it made again", r.Path(name))
	}
	return true, nil
}

// Exists reports whether there is a file of that name, such as the state of something
// unfinished, which tells itself whether it is whole.
func (r *Run) Exists(name string) bool {
	_, err := os.Stat(r.Path(name))
	return err == nil
}

// Intact reports whether the file is as Save left it, for files that are made again where
// they are not.
func (r *Run) Intact(name string) bool {
	ok, err := r.Has(name)
	return ok && err == nil
}
