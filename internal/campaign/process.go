package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/latdiff/latdiff/internal/checkpoint"
)

// between is the time between checkpoints in the runs, which are short.
const between = "300ms"

// binary builds a program once.
func (c *campaign) binary(ctx context.Context, s study) (string, error) {
	path := filepath.Join(c.out, "bin", s.program)
	if s.overlay != "" {
		path += "-overlay"
	}
	if c.built[path] {
		return path, nil
	}
	build := exec.CommandContext(ctx, "go", "build", "-overlay", s.overlay, "-o", path, "github.com/latdiff/latdiff/examples/"+s.program)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w: %s", s.program, err, out)
	}
	if c.built == nil {
		c.built = map[string]bool{}
	}
	c.built[path] = true
	return path, nil
}

// ending is how a process ended.
type ending struct {
	killed  bool
	err     error // of a process that ended by itself, nil for the status 0
	stderr  string
	seconds float64
}

// longest is the length up to which a line of error is one that is read.
const longest = 400

// message returns the line by which a program says what is wrong, or an error if what it wrote
// last is no such line.
func (e ending) message(program string) (string, error) {
	lines := strings.Split(strings.TrimSpace(e.stderr), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, program+": ") || len(last) > longest || strings.Contains(e.stderr, "goroutine ") {
		return "", fmt.Errorf("expected one line of error from %s, got %.2000q", program, e.stderr)
	}
	return last, nil
}

// process runs the command of a study in a folder, and kills it after a time, if that is
// positive.
func (c *campaign) process(ctx context.Context, s study, folder string, after time.Duration) (ending, error) {
	cmd, stderr, err := c.begin(ctx, s, folder)
	if err != nil {
		return ending{}, err
	}
	start := time.Now()
	var killed bool
	if after > 0 {
		alarm := time.AfterFunc(after, func() { killed = cmd.Process.Kill() == nil })
		defer alarm.Stop()
	}
	err = cmd.Wait()
	e := ending{err: err, stderr: stderr.String(), seconds: time.Since(start).Seconds()}
	if err := ctx.Err(); err != nil {
		return e, err
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return e, err
	}
	// The status tells, not the attempt: a process may have ended before the signal came.
	e.killed = killed && exit != nil && exit.ExitCode() == -1
	return e, nil
}

// begin starts the command of a study in a folder.
func (c *campaign) begin(ctx context.Context, s study, folder string) (*exec.Cmd, *bytes.Buffer, error) {
	path, err := c.binary(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, path, append(s.args[:len(s.args):len(s.args)], "-out", folder)...)
	cmd.Env = append(os.Environ(), checkpoint.Variable+"="+between)
	stderr := new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr, cmd.Start()
}
