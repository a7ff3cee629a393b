package main

import (
	"fmt"
	"syscall"
)

// disk is a tmpfs of a size that can be changed.
type disk struct {
	folder string
	size   int
}

func mount(folder string, size int) (*disk, error) {
	d := &disk{folder, size}
	return d, syscall.Mount("tmpfs", folder, "tmpfs", 0, d.options())
}

func (d *disk) options() string { return fmt.Sprintf("size=%d", d.size) }

func (d *disk) remount(flags uintptr) error {
	return syscall.Mount("tmpfs", d.folder, "tmpfs", syscall.MS_REMOUNT|flags, d.options())
}

// resize returns an error if more is on the disk already.
func (d *disk) resize(size int) error {
	d.size = size
	return d.remount(0)
}

// protect takes or gives the right to write.
func (d *disk) protect(on bool) error {
	if on {
		return d.remount(syscall.MS_RDONLY)
	}
	return d.remount(0)
}

func (d *disk) remove() { _ = syscall.Unmount(d.folder, syscall.MNT_DETACH) }
