//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package program_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/latdiff/latdiff/internal/program"
)

// Shares use the folder of a run at the same time, but nothing else does meanwhile.
func TestSharedLock(t *testing.T) {
	dir := t.TempDir()
	parameters := map[string]any{"seed": 1}
	other, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := program.OpenRun(dir, parameters); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder that shares use was not refused with its name: %v", err)
	}
	if _, err := program.OpenShared(dir, parameters); err != nil {
		t.Error(err)
	}
}

// A folder in which another process is at work is refused, and is free once that has ended.
// A second descriptor stands for the process: the lock is its.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	parameters := map[string]any{"seed": 1}
	other, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if _, err := program.OpenRun(dir, parameters); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder in use was not refused with its name: %v", err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("a refused run left %v", files)
	}
	other.Close()
	for range 2 { // the process itself may come back
		if _, err := program.OpenRun(dir, parameters); err != nil {
			t.Fatal(err)
		}
	}
	again, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := syscall.Flock(int(again.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		t.Error("an open run does not hold its folder")
	}
}

// What killed writes have left is removed, and nothing else.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "stages", ".tmp-"+strings.Repeat("A", 26))
	kept := []string{filepath.Join(dir, "a"), filepath.Join(dir, ".tmp-mine"), filepath.Join(dir, "stages", "x")}
	if err := os.Mkdir(filepath.Join(dir, "stages"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range append(kept, left) {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := program.OpenRun(dir, map[string]any{"seed": 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("a temporary file was left")
	}
	for _, path := range kept {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
