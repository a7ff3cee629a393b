//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package program

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// locks holds the folders that this process works in, by their real paths, until it ends: the
// system then takes the locks away, however it ends.
var locks struct {
	sync.Mutex
	folders map[string]*os.File
}

// lock keeps other processes out of a folder, those excepted that share it too, and tells whether it
// could: file systems that know no such locks are used without. It returns an error if another
// process is there.
func lock(dir string, shared bool) (bool, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return false, err
	}
	locks.Lock()
	defer locks.Unlock()
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	if held := locks.folders[path]; held != nil {
		a, errA := held.Stat()
		b, errB := f.Stat()
		if errA == nil && errB == nil && os.SameFile(a, b) {
			return true, f.Close()
		}
		held.Close() // of a folder that is gone
	}
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	switch err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return false, fmt.Errorf("expected an output folder of its own, got %s, where %w; wait for it, or choose another with -out", dir, errBusy)
	case err != nil:
		return false, f.Close()
	}
	if locks.folders == nil {
		locks.folders = map[string]*os.File{}
	}
	locks.folders[path] = f
	return true, nil
}
