package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// jumping is a file for package time of the standard library: of every 16 readings of the clock one
// comes after a jump. The clock on the wall is then off by up to 12 hours, forwards or backwards, as
// if somebody had set it, and the monotonic one, which no system turns back, is up to an hour ahead, as
// if the machine had slept. The clocks of the timers of the runtime are as they are.
const jumping = `package time

import "sync"

var jumped struct {
	sync.Mutex
	readings, random uint64
	wall, mono       int64
}

func jump() (wall, mono int64) {
	j := &jumped
	j.Lock()
	defer j.Unlock()
	draw := func(n uint64) int64 {
		j.random = j.random*6364136223846793005 + 1442695040888963407
		return int64((j.random >> 33) % n)
	}
	if j.readings++; j.readings%16 == 0 {
		j.wall = draw(24*3600) - 12*3600
		j.mono += draw(3600) * 1e9
	}
	return j.wall, j.mono
}

func jumpingNow() (sec int64, nsec int32, mono int64) {
	wall, ahead := jump()
	sec, nsec, mono = runtimeNow()
	return sec + wall, nsec, mono + ahead
}

func jumpingNano() int64 {
	_, ahead := jump()
	return runtimeNano() + ahead
}
`

// overlay writes what go build has to put in the place of package time, and returns its file. It
// returns an error for a version of Go whose package looks different.
func (c *campaign) overlay(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(c.out, "clock")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return "", err
	}
	for _, r := range []struct {
		old, new string
		n        int
	}{
		{"mono := runtimeNow()", "mono := jumpingNow()", 1},       // Now
		{"runtimeNano()-startNano", "jumpingNano()-startNano", 2}, // Since and Until
	} {
		if n := bytes.Count(text, []byte(r.old)); n != r.n {
			return "", fmt.Errorf("expected %q %d times in package time of this version of Go, got %d", r.old, r.n, n)
		}
		text = bytes.ReplaceAll(text, []byte(r.old), []byte(r.new))
	}
	replace := map[string]string{}
	for name, content := range map[string][]byte{"time.go": text, "jumping.go": []byte(jumping)} {
		replace[filepath.Join(source, name)] = filepath.Join(folder, name)
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o666); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, list, 0o666)
}

// clock runs a study with clocks that jump, and kills it once in the middle.
func (c *campaign) clock(ctx context.Context, s study, want *reference, seconds float64) error {
	file, err := c.overlay(ctx)
	if err != nil {
		c.rows = append(c.rows, fmt.Sprintf("| %s, clocks | not done: %v | | | | | |", s.name, err))
		return nil
	}
	s.overlay = file
	folder, err := c.fresh(s, "clock")
	if err != nil {
		return err
	}
	if _, err := c.process(ctx, s, folder, time.Duration(seconds/2*float64(time.Second))); err != nil {
		return err
	}
	e, err := c.process(ctx, s, folder, 0)
	if err != nil {
		return err
	}
	if e.err != nil {
		c.wrongly(s, "with clocks that jump: %q", e.stderr)
		return nil
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s, clocks that jump | | | 1 | 1 | | |", s.name))
	return c.compare(s, want, folder, "with clocks that jump")
}
