// Campaign kills programs of this repository at random moments, fills their disk, takes the
// right to write away, starts two of them in one folder, and lets their clocks jump. The same command, repeated until
// it ends by itself, must leave the files of a run that nobody disturbed, or end with one line
// of error.
//
//	go run ./internal/campaign -out out-campaign
//
// It prints a table in Markdown, writes it to campaign.md in its folder, and ends with an error
// if anything was not as it must be. What two undisturbed runs do not have in common, times
// above all, is not compared; the table says how much that is. The faults of the disk need the
// right to mount a small tmpfs (Linux, root), and are left out, with a word, where there is none.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/latdiff/latdiff/internal/program"
)

func main() {
	program.Main("campaign", func(ctx context.Context) error { return run(ctx, os.Args[1:]) })
}

// options are the flags of the program.
type options struct {
	out    string
	kills  int
	seed   uint64
	only   string
	faults bool
}

func run(ctx context.Context, args []string) error {
	var o options
	fs := flag.NewFlagSet("campaign", flag.ContinueOnError)
	fs.StringVar(&o.out, "out", "out-campaign", "`folder` for programs and runs, emptied of earlier ones")
	fs.IntVar(&o.kills, "kills", 50, "processes to kill, all cases together")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the moments")
	fs.StringVar(&o.only, "only", "", "cases to run, a list of names; empty: all")
	fs.BoolVar(&o.faults, "faults", true, "also fill the disk, take the right to write away, start two processes in one folder, and let clocks jump")
	if err := program.Parse(fs, args); err != nil {
		return err
	}
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	if o.kills < len(chosen) {
		return fmt.Errorf("expected -kills of at least %d, one for every case, got %d", len(chosen), o.kills)
	}
	if o.out, err = filepath.Abs(o.out); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
	c := &campaign{options: o}
	for i, one := range chosen {
		kills := o.kills / len(chosen)
		if i < o.kills%len(chosen) {
			kills++
		}
		if err := c.study(ctx, one, kills); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
	}
	table := c.table()
	fmt.Print(table)
	if err := os.WriteFile(filepath.Join(o.out, "campaign.md"), []byte(table), 0o666); err != nil {
		return err
	}
	if len(c.wrong) > 0 {
		return fmt.Errorf("%d findings: %s", len(c.wrong), strings.Join(c.wrong, "; "))
	}
	return nil
}

// study is a program with the arguments of a small run.
type study struct {
	name, program string
	args          []string
	// overlay, if not empty, is a file for go build of what takes the place of other files.
	overlay string
}

// studies are the cases: the main road, the exact chains, an ensemble, a training, and a sweep.
var studies = []study{
	{name: "quickstart", program: "quickstart", args: []string{
		"-dims", "8x8", "-n", "256", "-steps", "100", "-samples", "64", "-reverse-steps", "20",
	}},
	{name: "dmmc", program: "dmmc", args: []string{
		"-dims", "8x8", "-kappa", "0.2", "-model", "hollow", "-n", "256", "-steps", "60", "-samples", "64", "-chain", "4096",
		"-mixture", "64", "-equilibrium", "32", "-moves", "latent,hybrid", "-moving", "64", "-reverse-steps", "20",
	}},
	{name: "ensemble", program: "ensemble", args: []string{"-alg", "hmc", "-dims", "16x16", "-n", "1024", "-thin", "10"}},
	{name: "training", program: "quickstart", args: []string{
		"-dims", "8x8", "-model", "unet", "-n", "256", "-steps", "200", "-batch", "16", "-samples", "64", "-reverse-steps", "20", "-probes", "2",
	}},
	{name: "sweep", program: "critical", args: []string{"-dims", "4x4,6x6,8x8", "-kappa", "0.27", "-lambda", "0.022", "-steps", "32768", "-window", "0.1"}},
}

func choose(only string) ([]study, error) {
	if only == "" {
		return studies, nil
	}
	var chosen []study
next:
	for _, name := range strings.Split(only, ",") {
		for _, s := range studies {
			if s.name == name {
				chosen = append(chosen, s)
				continue next
			}
		}
		return nil, fmt.Errorf("expected -only a list of the cases that there are, got %q", name)
	}
	return chosen, nil
}
