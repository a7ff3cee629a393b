package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// disturb runs a study with faults of the disk, with a second process in its folder, and with clocks
// that jump.
func (c *campaign) disturb(ctx context.Context, s study, want *reference, seconds float64) error {
	if err := c.second(ctx, s, want, seconds); err != nil {
		return err
	}
	if err := c.clock(ctx, s, want, seconds); err != nil {
		return err
	}
	folder, err := c.fresh(s, "disk")
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o777); err != nil {
		return err
	}
	size := 0
	for _, b := range want.files {
		size += len(b)
	}
	d, err := mount(folder, whole(size))
	if err != nil {
		c.rows = append(c.rows, fmt.Sprintf("| %s, disk | not done: %v | | | | | |", s.name, err))
		return nil
	}
	defer d.remove()
	full, err := c.full(ctx, s, want, d, size)
	if err != nil {
		return err
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s, full disk | %s | | | 1 | | |", s.name, full))
	readOnly, err := c.readOnly(ctx, s, want, d, seconds)
	if err != nil {
		return err
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s, read-only | %s | | | 1 | | |", s.name, readOnly))
	return nil
}

// whole is a size of a disk that has room for the files of a run, their copies while they are
// written, and the states of what is unfinished.
func whole(size int) int { return 4*size + 64<<20 }

// shares are the parts of the size of all files that the disk has, one run after the other.
var shares = []float64{0.05, 0.3, 0.6, 0.9}

// full runs a study on disks that are too small, each in the place where the last one ended, and
// then on one that is large enough. It returns what the program said.
func (c *campaign) full(ctx context.Context, s study, want *reference, d *disk, size int) (string, error) {
	folder := d.folder + "/full"
	said := ""
	errors := 0
	for _, share := range shares {
		if err := d.resize(max(1<<16, int(share*float64(size)))); err != nil {
			continue // more is on it by now
		}
		e, err := c.process(ctx, s, folder, 0)
		if err != nil {
			return "", err
		}
		if e.err == nil {
			break // what was left to do had room
		}
		errors++
		if said, err = e.message(s.program); err != nil {
			c.wrongly(s, "full disk: %v", err)
		}
	}
	if err := d.resize(whole(size)); err != nil {
		return "", err
	}
	e, err := c.process(ctx, s, folder, 0)
	if err != nil {
		return "", err
	}
	if e.err != nil {
		c.wrongly(s, "with room again: %q", e.stderr)
	} else if err := c.compare(s, want, folder, "after a full disk"); err != nil {
		return "", err
	}
	if errors == 0 {
		c.wrongly(s, "no disk was too small")
	}
	return fmt.Sprintf("%d errors, the last: %s", errors, c.plain(said)), nil
}

// readOnly runs a study in a folder that may not be written, from the beginning and from the
// middle, and then in one that may.
func (c *campaign) readOnly(ctx context.Context, s study, want *reference, d *disk, seconds float64) (string, error) {
	folder := d.folder + "/readonly"
	var said string
	for _, begun := range []bool{false, true} {
		if begun {
			if _, err := c.process(ctx, s, folder, time.Duration(seconds/2*float64(time.Second))); err != nil {
				return "", err
			}
		}
		if err := d.protect(true); err != nil {
			return "", err
		}
		e, err := c.process(ctx, s, folder, 0)
		if err != nil {
			return "", err
		}
		if err := d.protect(false); err != nil {
			return "", err
		}
		if e.err == nil {
			c.wrongly(s, "a folder that may not be written was no error")
			continue
		}
		if said, err = e.message(s.program); err != nil {
			c.wrongly(s, "read-only: %v", err)
		}
	}
	e, err := c.process(ctx, s, folder, 0)
	if err != nil {
		return "", err
	}
	if e.err != nil {
		c.wrongly(s, "with the right to write again: %q", e.stderr)
		return c.plain(said), nil
	}
	return "2 errors, the last: " + c.plain(said), c.compare(s, want, folder, "after a read-only folder")
}

// second starts a second process in the folder of one that runs, which must refuse; the first
// one must not notice.
func (c *campaign) second(ctx context.Context, s study, want *reference, seconds float64) error {
	folder, err := c.fresh(s, "two")
	if err != nil {
		return err
	}
	first, stderr, err := c.begin(ctx, s, folder)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(seconds / 3 * float64(time.Second)))
	e, err := c.process(ctx, s, folder, 0)
	if err != nil {
		return err
	}
	said := ""
	if e.err == nil {
		c.wrongly(s, "two processes worked in one folder")
	} else if said, err = e.message(s.program); err != nil {
		c.wrongly(s, "two processes: %v", err)
	}
	if err := first.Wait(); err != nil {
		c.wrongly(s, "the first of two processes failed: %v: %s", err, stderr)
		return ctx.Err()
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s, two processes | the second: %s | | | 1 | | |", s.name, c.plain(said)))
	return c.compare(s, want, folder, "the first of two processes")
}

// plain returns a message without the folder of the campaign.
func (c *campaign) plain(message string) string { return strings.ReplaceAll(message, c.out+"/", "") }
