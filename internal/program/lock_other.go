//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package program

// lock does nothing on systems without the locks that end with a process.
func lock(string, bool) (bool, error) { return false, nil }
