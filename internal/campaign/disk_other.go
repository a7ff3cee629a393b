//go:build !linux

package main

import "errors"

// disk is a small file system, which is made on Linux only.
type disk struct{ folder string }

func mount(string, int) (*disk, error) { return nil, errors.ErrUnsupported }

func (*disk) resize(int) error   { return errors.ErrUnsupported }
func (*disk) protect(bool) error { return errors.ErrUnsupported }
func (*disk) remove()            {}
