package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// campaign is one run of the program.
type campaign struct {
	options
	built map[string]bool
	rows  []string
	// wrong are the findings.
	wrong []string
}

// wrongly keeps a finding.
func (c *campaign) wrongly(s study, format string, args ...any) {
	c.wrong = append(c.wrong, s.name+": "+fmt.Sprintf(format, args...))
}

// attempts bounds the runs of one command: with so many that are killed it must have ended.
const attempts = 1000

// study makes two undisturbed runs of a study, runs that are killed, and those with faults.
func (c *campaign) study(ctx context.Context, s study, kills int) error {
	fmt.Fprintf(os.Stderr, "%s: two runs that nobody disturbs\n", s.name)
	var whole [2]outcome
	seconds := 0.0
	for i := range whole {
		folder, err := c.fresh(s, fmt.Sprintf("whole-%d", i))
		if err != nil {
			return err
		}
		e, err := c.process(ctx, s, folder, 0)
		if err != nil {
			return err
		}
		if e.err != nil {
			return fmt.Errorf("a run that nobody disturbed: %w: %s", e.err, e.stderr)
		}
		seconds = e.seconds
		if whole[i], err = read(folder); err != nil {
			return err
		}
	}
	want, err := common(whole[0], whole[1])
	if err != nil {
		return err
	}
	runs, err := c.killed(ctx, s, want, kills, seconds)
	if err != nil {
		return err
	}
	c.rows = append(c.rows, fmt.Sprintf("| %s | `%s %s` | %.1f | %d | %d | %d | %s |",
		s.name, s.program, strings.Join(s.args, " "), seconds, kills, runs, len(want.files), want.summary()))
	if !c.faults {
		return nil
	}
	return c.disturb(ctx, s, want, seconds)
}

// killed kills processes of a study at random moments, uniform in the time of a whole run, and
// repeats the command until it ends, in one folder after the other, until all are killed. It
// returns the number of runs that ended and were compared.
func (c *campaign) killed(ctx context.Context, s study, want *reference, kills int, seconds float64) (runs int, err error) {
	rng := rand.New(rand.NewPCG(c.seed, uint64(len(s.name))))
	for done := 0; done < kills; runs++ {
		folder, err := c.fresh(s, fmt.Sprintf("killed-%d", runs))
		if err != nil {
			return runs, err
		}
		for attempt := 0; ; attempt++ {
			if attempt == attempts {
				return runs, fmt.Errorf("expected an end after %d attempts, got none", attempts)
			}
			after := time.Duration(0)
			if done < kills {
				after = time.Duration(1 + rng.Float64()*seconds*float64(time.Second))
			}
			e, err := c.process(ctx, s, folder, after)
			if err != nil {
				return runs, err
			}
			if e.killed {
				done++
				fmt.Fprintf(os.Stderr, "\r%s: %d of %d killed ", s.name, done, kills)
				continue
			}
			if e.err != nil {
				return runs, fmt.Errorf("a command that had been killed before ended with %q", e.stderr)
			}
			if err := c.compare(s, want, folder, "after kills"); err != nil {
				return runs, err
			}
			break
		}
	}
	fmt.Fprintln(os.Stderr)
	return runs, nil
}

// compare compares the files of a run with those of undisturbed ones.
func (c *campaign) compare(s study, want *reference, folder, when string) error {
	got, err := read(folder)
	if err != nil {
		return err
	}
	for _, d := range want.differences(got) {
		c.wrongly(s, "%s: %s", when, d)
	}
	return nil
}

// fresh returns the name of a folder that does not exist.
func (c *campaign) fresh(s study, name string) (string, error) {
	folder := filepath.Join(c.out, s.name, name)
	if err := os.RemoveAll(folder); err != nil {
		return "", err
	}
	return folder, os.MkdirAll(filepath.Dir(folder), 0o777)
}

// table returns the table in Markdown.
func (c *campaign) table() string {
	var b strings.Builder
	b.WriteString("| case | command | seconds undisturbed | killed | runs that ended, compared | files | not compared |\n|---|---|---|---|---|---|---|\n")
	for _, row := range c.rows {
		b.WriteString(row + "\n")
	}
	if len(c.wrong) == 0 {
		b.WriteString("\nEverything that ended had the bytes of the undisturbed runs; every fault was one line of error.\n")
	}
	for _, w := range c.wrong {
		b.WriteString("\n- " + w + "\n")
	}
	return b.String()
}
