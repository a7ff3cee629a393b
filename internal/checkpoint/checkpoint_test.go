package checkpoint

import (
	"errors"
	"path/filepath"
	"testing"
	"time"
)

// clock is a clock that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time       { return c.t }
func (c *clock) wait(d time.Duration) { c.t = c.t.Add(d) }

func TestTimer(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	timer := start(0, c.now)
	saves := 0
	save := func() error { saves++; c.wait(time.Second); return nil }
	for range 59 {
		c.wait(time.Second)
		if err := timer.SaveDue(save); err != nil {
			t.Fatal(err)
		}
	}
	// Due after 30 and after 60 seconds, the second at which it saves not counted.
	if saves != 1 || timer.Left() != time.Second {
		t.Errorf("%d saves and %v to the next one, expected 1 and 1 s", saves, timer.Left())
	}
	// One that takes 10 s is followed by 40 s without.
	if err := timer.Save(func() error { c.wait(10 * time.Second); return nil }); err != nil {
		t.Fatal(err)
	}
	if timer.Left() != 40*time.Second {
		t.Errorf("%v to the next checkpoint, expected 40 s", timer.Left())
	}
	want := errors.New("disk full")
	if err := timer.Save(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("expected the error of the writer, got %v", err)
	}
}

// A clock that jumps, to and fro, does not stop the checkpoints.
func TestJumps(t *testing.T) {
	for _, jump := range []time.Duration{-365 * 24 * time.Hour, 365 * 24 * time.Hour} {
		c := &clock{time.Unix(1e9, 0)}
		timer := start(10*time.Second, c.now)
		c.wait(jump)
		saves := 0
		for range 100 {
			c.wait(time.Second)
			if err := timer.SaveDue(func() error { saves++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if saves < 10 || saves > 11 {
			t.Errorf("%d checkpoints in 100 s after a jump of %v, expected one every 10 s", saves, jump)
		}
	}
	// The reading of the wall is not what counts: the monotonic one is.
	timer := New(time.Hour)
	if timer.last == timer.last.Round(0) {
		t.Error("the timer has no monotonic clock")
	}
}

// The environment says how often, where the program does not.
func TestVariable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for text, want := range map[string]time.Duration{"": Default, "2s": 2 * time.Second, "soon": 0, "-1s": 0} {
		t.Setenv(Variable, text)
		err := Check(path)
		if (err == nil) != (want > 0) {
			t.Errorf("%q: %v", text, err)
		}
		c := &clock{time.Unix(1000, 0)}
		if got := start(0, c.now).Left(); want > 0 && got != want {
			t.Errorf("%q: a checkpoint after %v", text, got)
		}
		if got := start(time.Minute, c.now).Left(); got != time.Minute {
			t.Errorf("%q: the time of the program was not used: %v", text, got)
		}
	}
	if Check("") != nil || Check(filepath.Join(path, "below")) == nil {
		t.Error("expected an error for a folder that does not exist, and none for no checkpoint")
	}
}
